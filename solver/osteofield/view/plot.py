# SPDX-License-Identifier: LGPL-3.0-or-later
"""The pictures of a results folder: which there are, and writing them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError, Problem, did_you_mean
from ..results import Result, open_results
from ..results.reader import ERODED_DEPTH
from .state import State

PICTURES = "pictures"
COURSES = "history"


def plot(
    directory: str | Path,
    *,
    what: str | Sequence[str] | None = None,
    time: float | None = None,
    out: str | Path | None = None,
) -> list[Path]:
    """Draw pictures of a results folder.

    Args:
        directory: The results folder; of a running or stopped run too.
        what: ``"history"`` (time courses) and names of fields; None for what the model's roles ask
            for: the eroded depth, the first marrow field to show, and the time courses.
        time: day; the nearest output time is drawn. None for the last.
        out: Folder for the pictures; None for ``pictures`` in the results folder.

    Returns:
        Paths of the PNG files, 300 dpi, in the order drawn.

    Raises:
        InputError: No results, unknown names, or this machine has no OpenGL.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")
    result = open_results(directory)
    wanted = _wanted(result, what)
    folder = Path(out) if out is not None else result.path / PICTURES
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(Problem(f"the pictures cannot be written here: {e.strerror}.", folder)) from None
    state = None
    if len(result.marrow.times):
        times = result.marrow.times
        state = State(result, len(times) - 1 if time is None else int(np.abs(times - time).argmin()))
    drawings = [_drawing(result, name, state, time is not None) for name in wanted]
    return [draw(folder) for draw in drawings]


def _wanted(result: Result, what: str | Sequence[str] | None) -> list[str]:
    if what is not None:
        names = [what] if isinstance(what, str) else list(what)
        known = [COURSES, *result.marrow, *result.surface]
        problems = [
            Problem(
                f"there is no field {n!r} to draw{did_you_mean(n, known, otherwise='there are')}", result.path
            )
            for n in names
            if n not in known
        ]
        if problems:
            raise InputError(problems)
        depth = (result.record.get("roles") or {}).get("depth")
        return [str(depth) if n == ERODED_DEPTH else n for n in names]
    roles = result.record.get("roles") or {}
    names = []
    if len(result.marrow.times):
        names += [str(n) for n in [roles.get("depth")] if n in result.surface]
        bacteria = roles.get("bacteria", ())  # every picture shows where they are
        names += [n for n in roles.get("show", ()) if n in result.marrow and n not in bacteria][:1]
        if len(names) == 2 and result.marrow.cells.shape[1] == 3:
            names = names[1:]  # in 2-D the depth is beside the field
    if len(result.times) > 1:
        names.append(COURSES)
    if not names:
        raise InputError(Problem("the run has not written anything to draw yet.", result.path))
    return names


def _drawing(result: Result, name: str, state: State | None, dated: bool) -> Callable[[Path], Path]:
    """What to call with the folder to write one picture into."""
    if name == COURSES or state is None:
        from .courses import draw_courses

        return lambda folder: draw_courses(result, folder / f"{COURSES}.png")
    in_marrow = name in result.marrow
    file = name.replace("/", "_") + (f"_day{state.time:g}" if dated else "") + ".png"
    if state.dimension == 2:
        from .plane import draw_plane

        if in_marrow:
            return lambda folder: draw_plane(state, folder / file, [name], state.depth)
        return lambda folder: draw_plane(state, folder / file, [], name)
    from .opengl import require_opengl

    require_opengl()
    from .lesion import draw_lesion
    from .section import draw_section

    if in_marrow:
        return lambda folder: draw_section(state, folder / file, [name])
    return lambda folder: draw_lesion(state, folder / file, name)
