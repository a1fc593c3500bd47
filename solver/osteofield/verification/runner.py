# SPDX-License-Identifier: LGPL-3.0-or-later
"""Running a verification: everything checked first, then line by line, cheap targets first."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..case import Case, load_case
from ..case.tomltext import to_toml
from ..errors import ComputationStopped, InputError, Problem, did_you_mean, in_order
from ..kinetics import Network
from ..kinetics.value import read_value
from ..parallel import world
from ..tomlsource import Key, TomlSource
from .course import Course, bound_network, changes, output_times, run_course
from .file import RunSpec, Verification
from .line import Line, failed
from .measure import at_rest, needed_times, needs_fine_output, over_time
from .names import check_names
from .point import Point
from .targets import At, Drift, Eigenvalues, Extreme, Mode, Period, Roots, Space, Steady, Target
from .wave import mode_lines, snapshots, space_lines

LINEAR_TOLERANCE = 1e-8
POINTS = 1000  # of a course
FINE_POINTS = 2000  # of a course of which maxima are sought
SPACE_POINTS = 21
REFINEMENTS = 3
_MEMORY = "/dev/shm"
_ENOUGH = 300e6  # byte


@dataclass
class Prepared:
    """A verification whose runs and names were held against case and model.

    Attributes:
        file: What was asked for.
        cases: Case of every run.
        networks: Its model, bound to a well-mixed sample.
        unchanged: The same without the change of `prepare`, where a target is computed from it.
        space: The case of ``[space]``, if there is one.
        courses: Runs that were made, for figures.
    """

    file: Verification
    cases: Mapping[str, Case]
    networks: Mapping[str, Network]
    unchanged: Mapping[str, Network]
    space: Case | None
    courses: dict[str, Course] = field(default_factory=dict)

    def heading(self, line: Line) -> str:
        """What a line belongs to: the run, or the comparison of two."""
        run = line.target.run
        if isinstance(line.target, Space):
            return f"{run} again on a sample with space"
        return f"{run}: {self.file.runs[run].title}"

    def where(self, line: Line) -> str:
        """File, line and run of a target."""
        key = line.target.key
        return f"{self.file.source.file}:{self.file.source.lines.get(key, 1)}: {line.target.run}"

    def runs(self, light: bool) -> list[RunSpec]:
        """Those that are made."""
        return [r for r in self.file.runs.values() if r.light or not light]

    def targets(self, light: bool) -> list[Target]:
        """Those that are looked at, in the order of the runs."""
        runs = [r.name for r in self.runs(light)]
        kept = [t for t in self.file.targets if t.run in runs]
        if light:
            kept = [t for t in kept if not isinstance(t, Space) or t.light]
        return sorted(kept, key=lambda t: (isinstance(t, Space), runs.index(t.run)))


def prepare(file: Verification, folder: Path, change: Mapping[str, float] | None = None) -> Prepared:
    """Load the case of every run and check names.

    Args:
        file: What to verify.
        folder: Where a changed model file is written.
        change: Parameter to the factor its value in the model file is multiplied with; where a run sets
            the parameter itself, that value stands.

    Raises:
        InputError: With every problem found.
    """
    problems: list[Problem] = []
    model = _changed_model(file, folder, change) if change else ()
    basic = (f"time.tolerance={file.tolerance!r}", f"time.linear_tolerance={LINEAR_TOLERANCE!r}", "output={}")
    cases: dict[str, Case] = {}
    networks: dict[str, Network] = {}
    unchanged = {} if change else networks
    for run in file.runs.values():
        settings = (*basic, *model, *run.settings)
        try:
            cases[run.name] = load_case(file.case, settings)
            networks[run.name] = bound_network(cases[run.name])
            if change and any(isinstance(t, Mode) and t.run == run.name for t in file.targets):
                unchanged[run.name] = bound_network(load_case(file.case, (*basic, *run.settings)))
        except InputError as e:
            problems += [_of_run(file, run.key, p) for p in e.problems]
    problems += check_names(file, cases, networks)
    space = None
    for target in file.targets:
        if isinstance(target, Space) and target.run in cases:
            tolerance = max((target.share or 0.0) / 100, file.tolerance)
            settings = (
                *basic, f"time.tolerance={tolerance!r}", *model, *file.runs[target.run].settings,
                *target.settings,
            )  # fmt: skip
            try:
                space = load_case(file.case, settings)
            except InputError as e:
                problems += [_of_run(file, target.key, p) for p in e.problems]
            else:
                if space.sample.well_mixed:
                    message = "the sample is still well mixed; set one with space, such as a shape."
                    problems.append(file.source.problem(target.key, message))
    if problems:
        raise InputError(in_order(problems))
    return Prepared(file, cases, networks, unchanged, space)


def by_run(prepared: Prepared, found: Sequence[Line]) -> list[Line]:
    """Lines in the order of the runs; what compares runs comes last."""
    order = list(prepared.file.runs)
    return sorted(found, key=lambda line: (isinstance(line.target, Space), order.index(line.target.run)))


def lines(prepared: Prepared, folder: Path, *, light: bool = False, courses: bool = True) -> Iterator[Line]:
    """Collective: run and compare; lines come as soon as they are known, those that need no run first.

    Args:
        prepared: What to do.
        folder: For the results of the runs.
        light: Leave out what takes long.
        courses: Also make the runs that only the figure needs.
    """
    targets = prepared.targets(light)
    points: dict[str, Point] = {}
    for t in targets:
        if isinstance(t, Steady | Eigenvalues | Roots):
            if t.run not in points:
                points[t.run] = Point(prepared.networks[t.run])
            yield from at_rest(t, points[t.run])
    for run in prepared.runs(light):
        own = [t for t in targets if t.run == run.name]
        timed = [t for t in own if isinstance(t, At | Extreme | Period | Drift)]
        modes = [t for t in own if isinstance(t, Mode)]
        drawn = any(run.name in p.runs for p in prepared.file.panels)
        try:
            if timed or (courses and drawn):
                yield from _timed(prepared, run.name, timed, folder, courses)
            for mode in modes:
                case = prepared.cases[run.name]
                names = [p.name for p in prepared.networks[run.name].marrow]
                course = run_course(case, snapshots(case.time.end), folder / "mode", names)
                yield from mode_lines(mode, course, prepared.unchanged[run.name])
        except ComputationStopped as e:
            for t in (*timed, *modes):
                yield failed(t, f"run {run.name}", f"day {prepared.cases[run.name].time.end:g}", str(e))
    for t in targets:
        if isinstance(t, Space) and prepared.space is not None:
            yield from _space(t, prepared, folder)


def _timed(prepared: Prepared, run: str, targets: Sequence[Target], folder: Path, drawn: bool) -> list[Line]:
    """Run until the output is fine enough where maxima are."""
    case = prepared.cases[run]
    exactly = [*changes(case, prepared.networks[run]), *(t for x in targets for t in needed_times(x))]
    count = FINE_POINTS if any(map(needs_fine_output, targets)) else POINTS if drawn else 2
    times = output_times(case.time.end, count, exactly)
    for k in range(REFINEMENTS):
        course = run_course(case, times, folder / run)
        found: list[Line] = []
        coarse: list[tuple[float, float]] = []
        for t in targets:
            made, where = over_time(t, course)
            found += made
            coarse += where
        if not coarse or k == REFINEMENTS - 1:
            break
        more = [a + (b - a) * i / 40 for a, b in coarse for i in range(41)]
        times = output_times(case.time.end, count, [*exactly, *more])
    prepared.courses[run] = course
    return found


def _space(target: Space, prepared: Prepared, folder: Path) -> list[Line]:
    assert prepared.space is not None
    case = prepared.space
    names = [p.name for p in prepared.networks[target.run].populations]
    times = output_times(case.time.end, SPACE_POINTS, ())
    try:
        spatial = run_course(case, times, folder / "space", names)
        return space_lines(target, spatial, run_course(prepared.cases[target.run], times, folder / "flat"))
    except ComputationStopped as e:
        return [failed(target, "the run in space", f"day {case.time.end:g}", str(e))]


# ---------------------------------------------------------------- checks
def _of_run(file: Verification, key: Key, problem: Problem) -> Problem:
    """A problem of a run's settings points to the verification file, one of the case to the case."""
    if problem.file is not None and not str(problem.file).startswith("--set"):
        return problem
    return file.source.problem((*key, "set"), str(problem))


def _changed_model(file: Verification, folder: Path, change: Mapping[str, float]) -> tuple[str, ...]:
    """Write the case's model file with some parameters multiplied; the setting that names it."""
    model = bound_network(load_case(file.case)).model
    source = TomlSource.load(model.source.file)
    data = source.data
    for name, factor in change.items():
        if name not in model.parameters:
            hint = did_you_mean(name, model.parameters, otherwise="parameters")
            raise InputError(Problem(f"model '{model.name}' has no parameter '{name}'{hint}"))
        value = read_value(data["parameter"][name]["value"])
        number = value.number / value.unit.factor * factor
        data["parameter"][name]["value"] = f"{number!r} {value.unit.text}"
    path = folder / f"{Path(model.source.file).stem}.toml"
    comm = world()
    if comm.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(to_toml(data), encoding="utf-8")
    comm.barrier()
    return (f"model.name={str(path)!r}",)


def work_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for runs that is removed when it is no longer needed; in memory where that is possible.

    Every row of a history is forced to the disk, which takes longer than computing it.
    """
    place = None
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH:
        place = _MEMORY
    return tempfile.TemporaryDirectory(prefix="osteofield-verify-", dir=place)
