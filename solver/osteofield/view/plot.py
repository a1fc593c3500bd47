# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drawing what was asked for of a results folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import InputError, Problem, writing
from ..results import Result, open_results
from .film import GIF, MP4, require_ffmpeg
from .request import (
    ANIMATION,
    COURSES,
    FIELD,
    LESION,
    PANELS,
    RADIAL,
    Request,
    read_requests,
    read_steps,
    shown,
)
from .sight import normal_of
from .state import State

PICTURES = "pictures"
COLUMNS = 4  # times in panels and profiles, by default


def _silent(line: str) -> None:
    pass


def plot(
    directory: str | Path,
    *,
    what: str | Sequence[str] | None = None,
    time: float | Sequence[float] | None = None,
    out: str | Path | None = None,
    film: str = GIF,
    told: Callable[[str], None] = _silent,
    against: str | Path | None = None,
) -> list[Path]:
    """Draw pictures of a results folder.

    Args:
        directory: The results folder; of a running or stopped run too.
        what: Pictures and populations, such as ``"lesion"``, ``"field TNF"`` or just ``"TNF"``,
            ``"panels RANKL OPG"``, ``"courses"``, ``"radial"``, ``"animation"``, ``"all"``; None for all
            but the animation.
        time: day; one or several output times, NaN for the last. None for the last, in panels and
            profiles for four of them, in an animation for all.
        out: Folder for the pictures; None for ``pictures`` in the results folder.
        film: ``"gif"`` or, with ffmpeg, ``"mp4"``.
        told: Hears how far a film is.
        against: Another results folder, drawn side by side with this one, with the difference.

    Returns:
        Paths of the files, PNG with 300 dpi or a film, in the order drawn.

    Raises:
        InputError: No results, unknown pictures, populations or times, or no OpenGL on this machine.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")
    result = open_results(directory)
    times = None if time is None else [time] if isinstance(time, int | float) else list(time)
    if against is not None:
        return _plot_against(result, open_results(against), what, times, out)
    if what is None and (arms := {n: r for n, r in result.arms.items() if len(r.times) > 1}):
        from .arms import draw_arms

        folder = make_folder(Path(out) if out is not None else result.path / PICTURES)
        return [draw_arms(arms, folder / "arms.png")]
    if result.arms:
        where = ", ".join(str(result.path / n) for n in result.arms)
        message = f"this folder holds the arms of a comparison; name one of them: {where}."
        raise InputError(Problem(message, result.path))
    requests = read_requests(result, what)
    steps = read_steps(result, times)
    folder = make_folder(Path(out) if out is not None else result.path / PICTURES)
    if film == MP4 and any(r.kind == ANIMATION for r in requests):
        require_ffmpeg()
    drawing = Drawing(result, folder, steps, film, told)
    if drawing.needs_opengl(requests):
        from .opengl import require_opengl

        require_opengl()
    return [path for request in requests for path in drawing.draw(request)]


def _plot_against(
    result: Result,
    other: Result,
    what: str | Sequence[str] | None,
    times: Sequence[float] | None,
    out: str | Path | None,
) -> list[Path]:
    from .compare import draw_comparison
    from .pair import Pair

    pair = Pair.of(result, other)
    requests = pair.requests(what)
    in_space = [r for r in requests if r.kind != COURSES]
    steps = pair.steps(times) if in_space else []
    folder = make_folder(Path(out) if out is not None else result.path / PICTURES)
    if in_space and State(result, 0).dimension == 3:
        from .opengl import require_opengl

        require_opengl()
    dated = times is not None
    return [p for r in requests for p in draw_comparison(pair, r, steps, folder, dated)]


def make_folder(folder: Path) -> Path:
    """Make a folder for pictures.

    Raises:
        InputError: It cannot be made.
    """
    with writing("the pictures", folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class Drawing:
    """Draws requests of one results folder.

    Attributes:
        result: The results.
        folder: Where to.
        steps: Output time numbers that were asked for, None for the usual ones.
        film: Ending of films.
        told: Hears how far a film is.
    """

    result: Result
    folder: Path
    steps: list[int] | None = None
    film: str = GIF
    told: Callable[[str], None] = _silent
    _states: dict[int, State] = field(default_factory=dict)

    def draw(self, request: Request) -> list[Path]:
        """Files written for one request."""
        names = list(request.names) or None
        if request.kind == COURSES:
            from .courses import draw_courses

            return [draw_courses({"": self.result}, self.folder / "courses.png", names)]
        if request.kind == LESION:
            return [self._lesion(s) for s in self._at()]
        if request.kind == FIELD:
            return [self._field(s, n) for n in names or shown(self.result)[:1] for s in self._at()]
        if request.kind == PANELS:
            from .panels import draw_panels

            path = self.folder / "panels.png"
            return [draw_panels(self._spread(), path, names or self._panel_names(), self.normal)]
        if request.kind == RADIAL:
            from .radial import draw_radial

            many = len(self.last.foci) > 1
            return [
                draw_radial(
                    self._spread(),
                    self.folder / (f"radial_{k + 1}.png" if many else "radial.png"),
                    names or self._radial_names(),
                    k,
                )
                for k in range(len(self.last.foci))
            ]
        if request.kind == ANIMATION:
            from .film import draw_film

            steps = self.steps if self.steps is not None else range(len(self.result.marrow.times))
            in_marrow = [n for n in names or shown(self.result) if n in self.result.marrow]
            path = self.folder / f"animation.{self.film}"
            # states are not kept: a film of many times would hold them all
            states = [State(self.result, k) for k in sorted(steps)]
            return [draw_film(states, path, in_marrow[0] if in_marrow else None, self.normal, self.told)]
        raise AssertionError(request.kind)

    def needs_opengl(self, requests: Sequence[Request]) -> bool:
        """Whether anything is drawn in 3-D."""
        flat = (COURSES, RADIAL)
        return any(r.kind not in flat for r in requests) and self.last.dimension == 3

    def _lesion(self, step: int) -> Path:
        state = self.state(step)
        assert state.depth is not None  # read_requests has seen to it
        path = self.folder / f"lesion{self._dated(state)}.png"
        if state.dimension == 2:
            from .plane import draw_plane

            return draw_plane(state, path, [state.depth], near=True)
        from .lesion import draw_lesion

        return draw_lesion(state, path, state.depth, self.normal)

    def _field(self, step: int, name: str) -> Path:
        state = self.state(step)
        path = self.folder / f"{name.replace('/', '_')}{self._dated(state)}.png"
        if state.dimension == 2:
            from .plane import draw_plane

            beside = [state.depth] if state.depth and name in self.result.marrow else []
            return draw_plane(state, path, [name, *beside])
        if name in self.result.surface:
            from .lesion import draw_lesion

            return draw_lesion(state, path, name, self.normal)
        from .block import draw_field

        return draw_field(state, path, name, self.normal)

    def state(self, step: int) -> State:
        """One output time; what it has read is kept."""
        return self._states.setdefault(step, State(self.result, step))

    @property
    def last(self) -> State:
        """The last output time."""
        return self.state(len(self.result.marrow.times) - 1)

    @cached_property
    def normal(self) -> np.ndarray:
        """From where all pictures are looked at."""
        return normal_of(self.last)

    def _at(self) -> list[int]:
        return self.steps if self.steps is not None else [self.last.step]

    def _spread(self) -> list[State]:
        """The output times asked for, or four between the start and the end."""
        if self.steps is not None:
            return [self.state(k) for k in sorted(self.steps)]
        times = self.result.marrow.times
        wanted = times[0] + (times[-1] - times[0]) * np.arange(1, COLUMNS + 1) / COLUMNS
        return [self.state(k) for k in sorted({int(np.abs(times - t).argmin()) for t in wanted})]

    def _dated(self, state: State) -> str:
        return "" if self.steps is None else f"_day{state.time:g}"

    def _panel_names(self) -> list[str]:
        """Up to three populations of the marrow, and one of the bone surface."""
        names = shown(self.result)
        in_marrow = [n for n in names if n in self.result.marrow][:3]
        return in_marrow + [n for n in names if n in self.result.surface][:1]

    def _radial_names(self) -> list[str]:
        """As in the panels, with bacteria before and eroded depth behind."""
        roles = self.result.record.get("roles") or {}
        bacteria = [n for n in roles.get("bacteria", ()) if n in self.result.marrow][:1]
        depth = [self.last.depth] if self.last.depth else []
        return [*bacteria, *self._panel_names(), *depth]
