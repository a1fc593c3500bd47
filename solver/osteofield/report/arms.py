# SPDX-License-Identifier: LGPL-3.0-or-later
"""The arms of a comparison side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..results import Result
from ..results.shown import ROUNDING
from ..view.style import unit_text
from .figures import Figure, pack
from .html import Markup, element, number, table
from .numbers import key_numbers
from .words import case_table, plain, therapies


def arms_table(arms: Mapping[str, Result]) -> Markup:
    """Key numbers of every arm at its last output time, but for those that are 0 all along in all of them."""
    found = {name: {(n.label, n.unit): n for n in key_numbers(r)} for name, r in arms.items()}
    keys = dict.fromkeys(k for numbers in found.values() for k, n in numbers.items() if np.any(n.values))
    rows = []
    for label, unit in keys:
        cells = []
        for numbers in found.values():
            n = numbers.get((label, unit))
            if n is None:
                cells.append(Markup(""))
                continue
            said = number(n.end, rounding=ROUNDING, floor=n.floor)
            at = {"data_column": n.column, "data_at": float(n.time[-1])} if n.column else {}
            cells.append(element("span", said, **at) if at else said)
        rows.append([label, element("span", unit_text(unit), class_="keep"), *cells])
    days = {f"{r.times[-1]:.6g}" for r in arms.values()}
    note = "At the last output time of each arm" + (f", day {days.pop()}." if len(days) == 1 else ".")
    shown = table(["", "unit", *arms], rows, numeric=range(2, 2 + len(arms)))
    return Markup(element("p", note, class_="note") + shown)


def arms_words(result: Result) -> Markup:
    """What each arm changes in the case, as the case says it."""
    rows = []
    for arm in case_table(result).get("arm", []):
        changes = plain({k: v for k, v in arm.items() if k not in ("name", "therapy")})
        said = " ".join(s for s in (changes, therapies(arm)) if s) or "the case as it is"
        rows.append(Markup(element("dt", arm.get("name", "")) + element("dd", said)))
    return element("dl", *rows, class_="words") if rows else Markup("")


def arms_figure(arms: Mapping[str, Result]) -> Figure:
    """Time courses, one line for each arm."""
    from ..view.arms import draw_arms

    with tempfile.TemporaryDirectory() as folder:
        path = draw_arms(arms, Path(folder) / "arms.png")
        return pack(path, "arms", "Time courses of every arm, from its history.csv.")
