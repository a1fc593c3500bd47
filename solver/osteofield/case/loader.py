# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a case file to a `Case`, or to every problem it has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from .. import units
from ..errors import InputError, Problem
from ..tomlsource import TomlSource
from .arms import ArmSource, arm_source, read_arms
from .face import read_face
from .overrides import OverriddenSource, override, replace
from .place import read_places
from .sample import read_sample, sample_box, sample_dimension
from .table import Table
from .therapy import read_therapy
from .tomltext import to_toml
from .types import (
    CENTER,
    RECUT,
    Case,
    CheckpointSpec,
    FocusSpec,
    ModelSpec,
    OutputSpec,
    SampleSpec,
    TimeSpec,
)

FORMAT = 1
MOST_OUTPUTS = 100_000
TABLES = (
    "format", "name", "title", "surface", "remodelling", "sample", "initial",
    "model", "focus", "face", "probe", "region", "therapy", "boundary", "time", "stop", "output",
    "checkpoint", "arm",
)  # fmt: skip
_LOADS = ("CFU/mm^3", "cells/mm^3", "pM")


@dataclass(frozen=True)
class Reading:
    """What could be made of a case file.

    Attributes:
        case: None if there are problems.
        draft: The case with harmless values (nan, empty texts) where it is wrong, so that its names
            can be held against the model even then.
        model: Its model, also where other tables are at fault; None if that table is at fault.
        source: The file with the settings of the command line.
        problems: In the order of the file, those of the arms included.
        arms: What could be made of each arm.
    """

    case: Case | None
    draft: Case
    model: ModelSpec | None
    source: TomlSource
    problems: tuple[Problem, ...]
    arms: tuple[Reading, ...] = ()


def load_case(path: str | Path, overrides: Iterable[str] = ()) -> Case:
    """Read a case file.

    Args:
        path: The file; paths inside it are relative to its folder.
        overrides: ``key=value`` settings; paths in them are relative to the current folder.

    Raises:
        InputError: With every problem that can be found without looking at sample or model.
    """
    reading = read_case(path, overrides)
    if reading.case is None:
        raise InputError(reading.problems)
    return reading.case


def read_case(path: str | Path, overrides: Iterable[str] = ()) -> Reading:
    """Read a case file as far as possible, for callers that add problems of their own.

    Raises:
        InputError: The file cannot be read at all.
    """
    path = Path(path)
    source, problems = override(TomlSource.load(path), overrides)
    return read_source(path, source, problems)[0]


def read_source(
    path: Path, source: OverriddenSource, problems: list[Problem]
) -> tuple[Reading, dict[str, Any]]:
    """The case, and everything that was read with all defaults."""
    if not source.data:
        what = "there is nothing in this file; 'osteofield new' lists cases to start from."
        raise InputError(Problem(what, source.file))
    top = Table(source, (), source.data, problems)
    _format(top)
    name = top.text("name", path.stem)
    if ("/" in name or name in (".", "..")) and not isinstance(source, ArmSource):  # of arms: read_arms
        top.problem("name", "the name of a case also names a folder; it must not contain '/'.")
    title = top.text("title", name or path.stem)
    surface = top.choice("surface", ("records depth", "moves"), "records depth")
    sample_table = top.table("sample", keep_empty=True)
    sample = read_sample(sample_table)
    recut = _remodelling(top, surface, sample)
    initial_table = top.table("initial", keep_empty=True)
    initial, start = _initial(initial_table)
    before = len(problems)
    model = _model(top.table("model", keep_empty=True))
    model_stands = len(problems) == before
    foci = tuple(_focus(t, sample) for t in top.tables("focus"))
    face_tables = top.tables("face")
    probes, regions = read_places(top.tables("probe"), top.tables("region"), sample)
    therapy_tables = top.tables("therapy")
    boundary = top.table("boundary", keep_empty=True)
    outer = boundary.choice("outer", ("closed", "open"), "closed")
    boundary.close()
    time_table = top.table("time", keep_empty=True)
    time = _time(time_table)
    faces = tuple(read_face(t, sample, time.end) for t in face_tables)
    therapies = tuple(read_therapy(t, time.end) for t in therapy_tables)
    for i, therapy in enumerate(therapies):
        if (first := therapies.index(therapy)) < i:
            therapy_tables[i].problem(
                None,
                f"this is therapy[{first}] again, and courses of a drug add up; leave one of them out, or "
                "write the dose that is meant into one.",
            )
    stop_table = top.table("stop", keep_empty=True)
    stop = stop_table.words("when", ("cleared", "steady"))
    stop_table.close()
    output = _output(top.table("output", keep_empty=True), time.end)
    arm_tables = top.tables("arm")
    checkpoint = _checkpoint(top.table("checkpoint", keep_empty=True))
    top.close()
    read_arms(arm_tables)
    arms = tuple(_arm(path, source, t, problems) for t in arm_tables)

    resolved = {k: top.resolved[k] for k in TABLES if top.resolved.get(k) not in (None, {})}
    draft = Case(
        name=name,
        path=path.absolute(),
        source=source,
        resolved=to_toml(resolved),
        title=title,
        surface=cast(Any, surface),
        recut=recut,
        sample=sample,
        initial=cast(Any, initial),
        model=model,
        foci=foci,
        therapies=therapies,
        outer=cast(Any, outer),
        time=time,
        output=output,
        stop=cast(Any, stop),
        arms=tuple(a.draft for a in arms),
        checkpoint=checkpoint,
        start=start,
        faces=faces,
        probes=probes,
        regions=regions,
    )
    case = None if problems else draft
    return (
        Reading(case, draft, model if model_stands else None, source, _in_order(problems), arms),
        top.resolved,
    )


def _arm(path: Path, source: OverriddenSource, table: Table, problems: list[Problem]) -> Reading:
    """Read an arm as a case; what is wrong in the rest of the file is told once."""
    found: list[Problem] = []
    reading, resolved = read_source(path, arm_source(source, table.key[-1], table.data), found)
    problems += [p for p in found if p not in problems]
    for key, value in table.data.items():
        if isinstance(value, list) and isinstance(resolved.get(key), list):
            table.resolved[key] = resolved[key][len(resolved[key]) - len(value) :]
        elif isinstance(value, dict) and key in resolved:
            table.resolved[key] = resolved[key]
    return reading


def load_sample_spec(
    path: str | Path, *, image: bool, settings: Sequence[tuple[str, Any, str]] = ()
) -> SampleSpec:
    """Read a sample from an image, or from the ``[sample]`` table of a recipe or case file.

    Args:
        path: The image, or the TOML file.
        image: Which of the two it is.
        settings: ``(key of [sample], value, label for messages)`` that replace the file's.

    Raises:
        InputError: With every problem found.
    """
    problems: list[Problem] = []
    if image:
        source: TomlSource = TomlSource("", {}, {})
        changes = [(("sample", "image"), str(path), str(path))]
    else:
        source, changes = TomlSource.load(path), []
    changes += [(("sample", key), value, label) for key, value, label in settings]
    changed, faults = replace(source, changes)
    problems += faults
    top = Table(changed, (), changed.data, problems)
    top.text("title", "sample")
    sample = read_sample(top.table("sample", keep_empty=True))
    top.close(dict.fromkeys(TABLES, ""))
    if problems:
        raise InputError(_in_order(problems))
    return sample


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By line; those of the command line first."""
    return tuple(sorted(problems, key=lambda p: p.line or 0))


def _format(top: Table) -> None:
    number = top.number("format", example=f"{FORMAT} (the version of the case format).")
    if not math.isnan(number) and number != FORMAT:
        top.problem(
            "format",
            f"format {number:g} is not known to this version of osteofield; it reads format {FORMAT}.",
        )


def _initial(table: Table) -> tuple[str, Path | None]:
    """How the run starts, and from whose end state."""
    start = None
    if table.has("from"):
        text = table.text("from")
        if text:  # that it exists does not matter to a run that is resumed
            start = table.locate("from", text)
            table.resolved["from"] = str(start)
        if table.has("state"):
            table.problem("state", "the state is the one in 'from'; leave one of the two keys out.")
            table.text("state")
        initial = "results"
    else:
        initial = table.choice("state", ("homeostasis", "model"), "homeostasis")
    table.close()
    return initial, start


def _remodelling(top: Table, surface: str, sample: SampleSpec) -> float:
    """After how many cells of displacement a moving surface is cut anew."""
    if surface != "moves":
        if top.has("remodelling"):
            top.problem("remodelling", 'this is for a surface that moves; write surface = "moves" for that.')
            top.table("remodelling")
        return RECUT
    if sample.well_mixed:
        top.problem("surface", "a well-mixed sample has no surface that could move.")
    elif sample.mesh is None and sample.holds_implant:
        top.problem("surface", "a surface cannot move next to an implant yet; leave 'implant' or this out.")
    elif sample.mesh is not None:
        top.problem(
            "surface",
            "a surface moves on the grid that its sample was cut from, which a sample file does not hold; "
            "give the image, foam or shape itself.",
        )
    table = top.table("remodelling", keep_empty=True)
    recut = table.number("recut", RECUT, above=0.0, at_most=0.5)
    table.close()
    return recut


def _model(table: Table) -> ModelSpec:
    name = table.text("name", example='"osteoimmune"')
    file = None
    if name.endswith(".toml"):
        file = table.path("name", what="model file", suffixes=(".toml",))
        name = file.stem
    parameters: dict[str, str | float] = {}
    switches: dict[str, bool] = {}
    if table.has("parameters"):
        inner = table.table("parameters")
        for key, value in inner.data.items():
            if isinstance(value, str):
                parameters[key] = inner.text(key)
            else:
                parameters[key] = inner.number(key)
        inner.close()
    if table.has("switches"):
        inner = table.table("switches")
        for key in inner.data:
            switches[key] = inner.flag(key, True)
        inner.close()
    table.close()
    return ModelSpec(name, file, parameters, switches)


def _focus(table: Table, sample: SampleSpec) -> FocusSpec:
    center: tuple[float, ...] | Literal["center"] = CENTER
    radius = math.inf
    dimension = sample_dimension(sample)
    elsewhere = {}
    if dimension == 0 and sample.well_mixed:
        message = "a well-mixed sample has no places in it, so its focus has only a load; leave '{}' out."
        elsewhere = {k: message.format(k) for k in ("center", "radius")}
    else:
        if isinstance(table.data.get("center"), str):
            if table.text("center") not in ("", CENTER):
                axes = ", ".join(['"0.5 mm"'] * (dimension or 3))
                table.problem("center", f'a position such as [{axes}], or "center", is needed here.')
        else:
            counts = (dimension,) if dimension else (2, 3)
            center = table.quantities("center", "um", counts, example='"center".', any_sign=True) or CENTER
            _inside(table, center, sample_box(sample))
        radius = table.quantity("radius", "um", example="300 um")
    load, load_text = _load(table)
    population = table.text("population") if table.has("population") else None
    table.close(elsewhere)
    return FocusSpec(center, radius, load, population, load_text)


def _inside(table: Table, center: tuple[float, ...] | str, sides: tuple[float, ...] | None) -> None:
    if isinstance(center, str) or sides is None or len(sides) != len(center):
        return
    if min(sides) > 0 and not all(0 <= x <= side for x, side in zip(center, sides, strict=True)):
        where = ", ".join(f"{x:g}" for x in center)
        span = " x ".join(f"0..{side:g} um" for side in sides)
        table.problem("center", f"({where}) um is outside the sample, which spans {span}.")


def _load(table: Table) -> tuple[float, str]:
    """A number density or concentration; which of them the population wants is known later."""
    like = _LOADS[0]
    text = table.data.get("load")
    if isinstance(text, str):
        for candidate in _LOADS:
            try:
                units.quantity(text, candidate)
                like = candidate
            except units.UnitError:
                continue
    load = table.quantity("load", like, example="1000 CFU/mm^3")
    return load, text if isinstance(text, str) and not math.isnan(load) else ""


def _time(table: Table) -> TimeSpec:
    end = table.quantity("end", "day", example="28 day")
    short = 1.0 if math.isnan(end) else min(1.0, 10.0 * end)  # runs of seconds begin with shorter steps
    spec = TimeSpec(
        end=end,
        tolerance=table.number("tolerance", 1e-3, above=0.0, at_most=0.1),
        first_step=table.quantity(
            "first_step", "day", "1e-4 day" if short == 1 else f"{1e-4 * short:.3g} day"
        ),
        shortest_step=table.quantity(
            "shortest_step", "day", "1e-9 day" if short == 1 else f"{1e-9 * short:.3g} day"
        ),
        longest_step=table.quantity("longest_step", "day") if table.has("longest_step") else None,
        linear_tolerance=table.number("linear_tolerance", 1e-2, above=0.0, at_most=1.0),
        method=table.choice("method", ("auto", "bdf", "rodas"), "auto"),
    )
    table.close()
    if spec.first_step < spec.shortest_step:
        table.problem(
            "first_step" if table.has("first_step") else "shortest_step",
            f"the first step ({spec.first_step:g} day) is shorter than the shortest that is allowed "
            f"({spec.shortest_step:g} day).",
        )
    if spec.longest_step is not None and spec.longest_step < spec.shortest_step:
        table.problem("longest_step", "the longest step is shorter than the shortest.")
    return spec


def _output(table: Table, end: float) -> OutputSpec:
    if table.has("every") and table.has("times"):
        table.problem("times", "give either 'every' or 'times', not both.")
    times: tuple[float, ...] = ()
    if table.has("times"):
        times = table.quantities("times", "day", example='["0 day", "7 day"]', any_sign=True) or ()
        if table.data["times"] == []:
            table.problem("times", "at least one time is needed.")
        for i, t in enumerate(times):
            if not 0 <= t <= end * (1 + 1e-12) and not math.isnan(end):
                table.problem(
                    "times", f"{t:g} day is not within the run, which goes from 0 to {end:g} day.", i
                )
            elif i and t <= times[i - 1]:
                table.problem("times", "the times must ascend, and none may stand twice.", i)
        if table.has("every"):
            table.quantity("every", "day")
    else:
        times = _regular(table, table.quantity("every", "day", "1 day"), end)
    spec = OutputSpec(
        times,
        table.words("fields") if table.has("fields") else None,
        table.quantity("eroded_above", "um", "2 um", zero=True),
        table.quantity("infected_above", "CFU/mm^3", "50 CFU/mm^3", zero=True),
    )
    table.close()
    return spec


def _checkpoint(table: Table) -> CheckpointSpec:
    spec = CheckpointSpec(
        every=table.quantity("every", "day") if table.has("every") else None,
        every_wall=table.quantity("every_wall", "day", "30 min"),
        keep=table.integer("keep", 2, at_least=1),
    )
    table.close()
    return spec


def _regular(table: Table, every: float, end: float) -> tuple[float, ...]:
    """0, every, 2 every, ... and the end, whether or not it is a multiple."""
    if math.isnan(every) or math.isnan(end):
        return ()
    if end / every > MOST_OUTPUTS:
        table.problem("every", f"this asks for {end / every:.3g} output times; {MOST_OUTPUTS} are the most.")
        return ()
    n = math.floor(end / every * (1 + 1e-12))
    times = [i * every for i in range(n + 1)]
    if end - times[-1] > 1e-9 * end:
        times.append(end)
    else:
        times[-1] = end
    return tuple(times)
