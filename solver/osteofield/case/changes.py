# SPDX-License-Identifier: LGPL-3.0-or-later
"""What differs between the case that a checkpoint was computed with and the one that is to go on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import units
from ..errors import Problem
from ..tomlsource import Key
from .case import Case

# what a run may change on its way: it acts from now on, or not on the solution at all
FREE = (
    ("title",), ("time", "end"), ("time", "shortest_step"), ("output", "every"), ("output", "times"),
    ("output", "fields"), ("stop",), ("checkpoint",),
)  # fmt: skip
# files that count by their content, which the hashes of sample and model tell
FILES = (("sample",), ("model", "name"))


def changes(stored: str, case: Case, now: float) -> list[Problem]:
    """Keys that differ and matter to a run that goes on at day `now`, each with both values.

    Args:
        stored: `Case.resolved` of the run that wrote the checkpoint.
        case: The case that is to go on.
        now: Time of the checkpoint, day.
    """
    old, new = tomllib.loads(stored), tomllib.loads(case.resolved)
    before, after = dict(_leaves(old)), dict(_leaves(new))
    problems = []
    for key in sorted(set(before) | set(after), key=str):
        if any(key[: len(free)] == free for free in FREE):
            continue
        was, is_ = before.get(key), after.get(key)
        if _same(key, was, is_) or _to_the_end(key, was, is_, old, new):
            continue
        message = (
            f"this was {_say(was)} when the checkpoint was written and is {_say(is_)} now; a run can only "
            "go on as it was begun."
        )
        problems.append(case.problem(key, message))
    if case.time.end < now:
        message = f"the checkpoint is at day {now:g}, which is later than the end of this case."
        problems.append(case.problem(("time", "end"), message))
    return problems


def _leaves(value: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, dict):
        for k, v in value.items():
            yield from _leaves(v, (*key, k))
    elif isinstance(value, list) and any(isinstance(v, dict) for v in value):
        for i, v in enumerate(value):
            yield from _leaves(v, (*key, i))
    else:
        yield key, value


def _same(key: Key, was: Any, is_: Any) -> bool:
    if was == is_ and type(was) is type(is_):
        return True
    if isinstance(was, list) and isinstance(is_, list) and len(was) == len(is_):
        return all(_same(key, a, b) for a, b in zip(was, is_, strict=True))
    numbers = [x for x in (was, is_) if isinstance(x, (int, float)) and not isinstance(x, bool)]
    if len(numbers) == 2:
        return float(numbers[0]) == float(numbers[1])
    if not (isinstance(was, str) and isinstance(is_, str)):
        return False
    if any(key[: len(k)] == k for k in FILES) and Path(was).is_absolute() and Path(is_).is_absolute():
        return True
    return _quantity(was) is not None and _quantity(was) == _quantity(is_)


def _quantity(text: str) -> tuple[float, Any] | None:
    """``24 h`` is ``1 day``."""
    number, _, unit = text.strip().partition(" ")
    try:
        u = units.unit(unit or "1")
        return float(f"{float(number) * u.factor:.12g}"), u.dimension
    except (ValueError, units.UnitError):
        return None


def _to_the_end(key: Key, was: Any, is_: Any, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """A therapy that lasts as long as the run still does when the run is made longer."""
    if key[0] != "therapy" or key[-1] != "until" or was is None or is_ is None:
        return False
    return _same(key, was, old["time"]["end"]) and _same(key, is_, new["time"]["end"])


def _say(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
