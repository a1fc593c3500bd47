# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a user asks to be drawn, in words: pictures, the populations in them, and times."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, Problem
from ..results import Result
from ..results.reader import ERODED_DEPTH
from .courses import choose_panels

LESION, FIELD, PANELS, COURSES, RADIAL, ANIMATION = (
    "lesion", "field", "panels", "courses", "radial", "animation",
)  # fmt: skip
ALL = "all"
MEANINGS = {
    LESION: "bone surface coloured by eroded depth, with foci and bacteria",
    FIELD: "the marrow (or bone surface) coloured by one population: 'field NAME', or just NAME",
    PANELS: "sections through the focus: populations by times",
    COURSES: "time courses from history.csv",
    RADIAL: "profiles against the distance from each focus",
    ANIMATION: "a film of the lesion and of one population: mp4 or gif",
}
_TAKES_NAMES = (FIELD, PANELS, COURSES, RADIAL, ANIMATION)


@dataclass(frozen=True)
class Request:
    """One picture.

    Attributes:
        kind: A key of `MEANINGS`.
        names: Populations that were asked for; empty for what the model's roles show.
    """

    kind: str
    names: tuple[str, ...] = ()


def read_requests(result: Result, what: str | Iterable[str] | None) -> list[Request]:
    """Words such as ``["lesion", "field TNF", "panels RANKL OPG"]`` as requests.

    A picture's name may be followed by the populations it is about; a population alone is drawn as a
    field. ``"all"`` is everything that there is; None everything but the film.

    Raises:
        InputError: Words that are neither a picture nor a population, or pictures that these
            results do not have.
    """
    possible, reasons = _possible(result)
    if what is None:
        by_names = (FIELD, PANELS, RADIAL)
        kinds = [k for k in possible if k != ANIMATION and (k not in by_names or shown(result))]
        if COURSES in kinds and not choose_panels(result):
            kinds.remove(COURSES)
        if not kinds:
            raise InputError(result.nothing_to("draw"))
        return [Request(k) for k in kinds]
    words = " ".join([what] if isinstance(what, str) else what).replace(",", " ").split()
    populations = names_of(result)
    problems: list[Problem] = []
    requests: list[Request] = []
    for word in words:
        if word in populations:
            name = _plain_name(result, word)
            if requests and requests[-1].kind in _TAKES_NAMES:
                last = requests.pop()
                requests.append(Request(last.kind, (*last.names, name)))
            else:
                requests.append(Request(FIELD, (name,)))
        elif word == ALL:
            requests += [Request(k) for k in possible]
        elif word in possible:
            requests.append(Request(word))
        elif word in MEANINGS:
            problems.append(
                Problem(f"there is no picture {word!r} of these results: {reasons[word]}.", result.path)
            )
        else:
            problems.append(Problem(_unknown(word, possible, populations), result.path))
    if problems:
        raise InputError(problems)
    if not requests:
        raise InputError(Problem("nothing was asked to be drawn.", result.path))
    return requests


def names_of(result: Result) -> list[str]:
    """Populations that were written, the bone's own depth included; without space those of the table."""
    fields = [*result.marrow, *result.surface]
    if fields:
        return fields
    return [h.partition(".mean [")[0] for h in result.history if ".mean [" in h]


def read_steps(result: Result, times: Sequence[float] | None) -> list[int] | None:
    """Output time numbers of `times` (day; NaN for the last one), None for no choice.

    Raises:
        InputError: Fields were not written at one of them; the message lists those there are.
    """
    if times is None:
        return None
    there = result.marrow.times if len(result.marrow.times) else result.times
    if not len(there):
        raise InputError(result.nothing_to("draw"))
    problems, steps = [], []
    tolerance = 1e-3 * float(np.diff(there).min()) if len(there) > 1 else 1e-9
    for time in times:
        k = len(there) - 1 if np.isnan(time) else int(np.abs(there - time).argmin())
        if not np.isnan(time) and abs(there[k] - time) > max(tolerance, 1e-9 * abs(time)):
            problems.append(
                Problem(
                    f"there is no output at day {time:g}; did you mean day {there[k]:.6g}? "
                    f"There are: {_listed(there)}.",
                    result.path,
                )
            )
        steps.append(k)
    if problems:
        raise InputError(problems)
    return list(dict.fromkeys(steps))


def _listed(times: np.ndarray) -> str:
    text = [f"{t:.6g}" for t in times]
    return ", ".join(text if len(text) <= 40 else [*text[:20], "...", *text[-3:]]) + " day"


def _possible(result: Result) -> tuple[list[str], dict[str, str]]:
    """Pictures that can be drawn, in the order of `MEANINGS`, and why the others cannot."""
    roles = result.record.get("roles") or {}
    reasons: dict[str, str] = {}
    steps = len(result.marrow.times)
    if not steps:
        well_mixed = result.record.get("dimension") == 0
        why = (
            "a well-mixed run has no space, only time courses" if well_mixed else "no fields are written yet"
        )
        reasons = dict.fromkeys((LESION, FIELD, PANELS, RADIAL, ANIMATION), why)
    else:
        if roles.get("depth") not in result.surface:
            reasons[LESION] = "no eroded depth was written, or there is no bone"
        if not result.record.get("foci"):
            reasons[RADIAL] = "it is drawn from the foci, and the case has none"
        if steps < 2:
            reasons[ANIMATION] = "there is only one output time"
    if len(result.times) < 2:
        reasons[COURSES] = (
            "there is only one output time" if len(result.times) else "the run has not written any"
        )
    return [k for k in MEANINGS if k not in reasons], reasons


def shown(result: Result) -> list[str]:
    """Populations that the model asks to show and that were written, without bacteria and depth.

    Those of the marrow first. Bacteria are in every picture as the border of the infected marrow.
    """
    roles = result.record.get("roles") or {}
    hidden = {roles.get("depth"), *roles.get("bacteria", ())}
    asked = [n for n in roles.get("show", ()) if n not in hidden]
    return [n for n in asked if n in result.marrow] + [n for n in asked if n in result.surface]


def _plain_name(result: Result, name: str) -> str:
    depth = (result.record.get("roles") or {}).get("depth")
    return str(depth) if name == ERODED_DEPTH else name


def _unknown(word: str, possible: Sequence[str], populations: Sequence[str]) -> str:
    known = {n.lower(): n for n in [*possible, ALL, *populations]}
    near = difflib.get_close_matches(word.lower(), known, 1, 0.6)
    hint = f"did you mean {known[near[0]]!r}? " if near else ""
    return (
        f"there is no picture and no population {word!r}; {hint}"
        f"Pictures: {', '.join([*possible, ALL])}; populations: {', '.join(populations)}."
    ).replace("; Pictures", ". Pictures")
