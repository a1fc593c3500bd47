# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a case file to a `Case`, or to every problem it has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..errors import InputError, Problem, in_order
from ..tomlsource import TomlSource
from .arms import ArmSource, arm_source, read_arms
from .case import Case
from .face import read_face
from .focus import read_focus
from .held import read_held
from .model import ModelSpec, read_model
from .output import read_output
from .overrides import OverriddenSource, override, replace
from .place import read_places
from .sample import SampleSpec
from .sampletable import read_sample
from .table import Table
from .therapy import read_therapy
from .timing import read_checkpoint, read_time
from .tomltext import to_toml

FORMAT = 1
TABLES = (
    "format", "name", "title", "surface", "remodelling", "sample", "initial",
    "model", "bone_holds", "focus", "face", "probe", "region", "therapy", "boundary", "time", "stop",
    "output", "checkpoint", "arm",
)  # fmt: skip
RECUT = 0.2  # cells of displacement after which a moving surface is cut anew


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
    model = read_model(top.table("model", keep_empty=True))
    held = tuple(read_held(t) for t in top.tables("bone_holds"))
    focus_tables = top.tables("focus")
    foci = tuple(read_focus(t, sample) for t in focus_tables)
    _each_once("focus", focus_tables, foci, "loads add up", "load")
    face_tables = top.tables("face")
    probes, regions = read_places(top.tables("probe"), top.tables("region"), sample)
    therapy_tables = top.tables("therapy")
    boundary = top.table("boundary", keep_empty=True)
    outer = boundary.choice("outer", ("closed", "open"), "closed")
    boundary.close()
    time_table = top.table("time", keep_empty=True)
    time = read_time(time_table)
    faces = tuple(read_face(t, sample, time.end) for t in face_tables)
    therapies = tuple(read_therapy(t, time.end) for t in therapy_tables)
    _each_once("therapy", therapy_tables, therapies, "courses of a drug add up", "dose")
    stop_table = top.table("stop", keep_empty=True)
    stop = stop_table.words("when", ("cleared", "steady"))
    stop_table.close()
    output = read_output(top.table("output", keep_empty=True), time.end)
    arm_tables = top.tables("arm")
    checkpoint = read_checkpoint(top.table("checkpoint", keep_empty=True))
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
        held=held,
    )
    case = None if problems else draft
    return (
        Reading(case, draft, model if model.name else None, source, in_order(problems), arms),
        top.resolved,
    )


def _each_once(name: str, tables: Sequence[Table], specs: Sequence[object], why: str, amount: str) -> None:
    for i, spec in enumerate(specs):
        if (first := specs.index(spec)) < i:
            tables[i].problem(
                None,
                f"this is {name}[{first}] again, and {why}; leave one of them out, or write the {amount} "
                "that is meant into one.",
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
        raise InputError(in_order(problems))
    return sample


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
        top.problem(
            "surface",
            "a surface cannot move next to an implant yet: bone is cut anew without knowing of the implant. "
            'surface = "records depth" shows what is lost beside it; or leave the implant out.',
        )
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
