# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a case would run: sizes, memory, populations, schedule."""

from __future__ import annotations

from collections.abc import Sequence

from ..case.types import Case, FaceSpec, TherapySpec
from ..geometry import Piece
from ..geometry.implant import FACE as IMPLANT
from ..kinetics import Network
from ..tissue import WellMixed
from .schedule import Schedule
from .seeding import marrow_volume, place_center

_BASE_GB = 0.2  # a rank before it has a mesh: Python, DOLFINx, PETSc
_BYTES_PER_NODE = 1900  # measured on the osteoimmune model, 0.1 and 0.2 million nodes, set-up included
_BYTES_PER_BLOCK = 32  # and per entry of the node blocks on all levels


def describe_start(case: Case, network: Network, sample: Piece | WellMixed, ranks: int) -> str:
    """The first lines of a run: what runs, on what."""
    lines = [case.title or case.name]

    def say(label: str, text: str) -> None:
        lines.append(f"  {label:<8}{text}")

    if isinstance(sample, WellMixed):
        say("sample", "well mixed: one point of marrow in contact with bone surface")
    else:
        say("sample", f"{_extent(sample)}, {sample.marrow_cells:,} marrow cells")
    counts = (
        (network.n_diffusing, "diffuse"),
        (len(network.marrow) - network.n_diffusing, "stay in marrow"),
        (len(network.surface), "live on the bone surface"),
    )
    kinds = ", ".join(f"{n} {what}" for n, what in counts if n)
    say("model", f"{network.name}: {len(network.populations)} populations ({kinds})")
    unknowns, memory = _unknowns(network, sample, ranks)
    where = f"{ranks} rank{'s' * (ranks > 1)}"
    say("solve", f"{unknowns:,} unknowns on {where}, about {memory:.1f} GB; {_span(case.time.end)}")
    return "\n".join(lines)


def _span(time: float) -> str:
    return f"{time:g} day{'s' * (time != 1)}"


def _extent(sample: Piece) -> str:
    lo, hi = sample.box
    box = " x ".join(f"{(b - a) / 1e3:.3g}" for a, b in zip(lo, hi, strict=True))
    m = sample.morphometry
    total = m.bone_volume + m.marrow_volume
    beside = " beside an implant" if IMPLANT in sample.faces else ""
    return f"{box} mm, {sample.dimension}-D, BV/TV {100 * m.bone_volume / total:.2f} %{beside}"


def _unknowns(network: Network, sample: Piece | WellMixed, ranks: int = 1) -> tuple[int, float]:
    """Number of unknowns, and an estimate of the memory over all ranks in GB."""
    nodes, points = (1, 1) if isinstance(sample, WellMixed) else (sample.marrow_points, sample.surface_points)
    nd = max(network.n_diffusing, 1)
    memory = ranks * _BASE_GB + nodes * (_BYTES_PER_NODE + _BYTES_PER_BLOCK * nd * nd) / 1e9
    return nodes * len(network.marrow) + points * len(network.surface), memory


def describe_plan(case: Case, network: Network, sample: Piece | WellMixed) -> str:
    """A page of text about what would run."""
    lines = [f"{case.title or case.name}", ""]

    def say(label: str, text: str) -> None:
        lines.append(f"  {label:<14}{text}")

    say("model", f"{network.name}: {network.title}")
    moving = network.marrow[: network.n_diffusing]
    local = network.marrow[network.n_diffusing :]
    say("diffuse", ", ".join(p.name for p in moving) or "nothing")
    say("in marrow", ", ".join(p.name for p in local) or "nothing")
    say("on surface", ", ".join(p.name for p in network.surface) or "nothing")
    for name, value in {**case.model.parameters, **case.model.switches}.items():
        say("changed", f"{name} = {value}")
    lines.append("")
    if isinstance(sample, WellMixed):
        say("sample", "well mixed: one point of marrow in contact with bone surface")
        say(
            "",
            f"bone surface / marrow volume {1e3 * sample.sigma0:.3g} /mm, bone / surface {sample.d0:.4g} um",
        )
    else:
        nodes, points = sample.marrow_points, sample.surface_points
        say("sample", _extent(sample))
        say("mesh", f"{sample.marrow_cells:,} marrow cells, {nodes:,} nodes, {points:,} on the bone surface")
        simplices = 6 if sample.dimension == 3 else 2  # of a cube, a square
        edge = (sample.morphometry.marrow_volume / sample.marrow_cells * simplices) ** (1 / sample.dimension)
        say("", f"mean cell size {edge:.3g} um")
    unknowns, memory = _unknowns(network, sample)
    say("unknowns", f"{unknowns:,}; about {memory:.1f} GB of memory over all ranks")
    say("boundary", "closed: no flux" if case.outer == "closed" else "open: an infinite healthy surrounding")
    starts = {
        "homeostasis": "homeostasis, then the infection",
        "model": "the model's initial values",
        "results": f"the end of the run in {case.start}",
    }
    say("start", starts[case.initial])
    for focus in case.foci:
        population = focus.population or network.roles.inoculum or "?"
        unit = next(p.unit for p in network.marrow if p.name == population)
        text = f"{focus.load:g} {unit} of {population}"
        if not isinstance(sample, WellMixed):
            center = place_center(focus, sample)
            size = marrow_volume(sample, center, focus.radius) * (1e-9 if sample.dimension == 3 else 1e-6)
            where = ", ".join(f"{x / 1e3:.4g}" for x in center)
            what = "mm^3" if sample.dimension == 3 else "mm^2"
            text += f" within {focus.radius:g} um of ({where}) mm: {size:.4g} {what} of marrow"
        say("focus", text)
    for face in case.faces:
        say("face", _about_face(face))
    for held in case.held:
        where = "all bone, new bone too" if held.in_new_bone else "the bone of day 0"
        say("bone holds", f"{held.text} of {held.name}: {where}")
    for x in case.therapies:
        say("therapy", _about_therapy(x))
    schedule = Schedule({}, {}, case.therapies, case.time.end)
    lines.append("")
    say("time", f"{_span(case.time.end)}, tolerance {case.time.tolerance:g}")
    if schedule.events:
        say("hit exactly", _days(schedule.events))
    times = case.output.times
    span = f"day {times[0]:g} to {times[-1]:g}" if times else "none"
    say("output", f"{len(times)} times, {span}")
    if case.stop:
        say("ends early", "when " + " or ".join(case.stop))
    return "\n".join(lines)


def _about_face(face: FaceSpec) -> str:
    texts = [f"{v} of {n} in {face.layer:g} um of marrow" for n, v in face.load_text.items()]
    texts += [f"{v} of {n}" for n, v in face.source_text.items()]
    return f"{face.side}: {', '.join(texts)}"


def _about_therapy(x: TherapySpec) -> str:
    if x.doses is None:
        level = f"{x.level:g}" if x.agent is None else f"{x.level * x.share:.3g} half effects in marrow"
        return f"{x.drug} at {level}, day {x.start:g} to {x.stop:g}"
    first, last, n = x.doses.times[0], x.doses.times[-1], len(x.doses.times)
    what = {"bolus": "dose", "infusion": "infusion", "injection": "injection"}[x.doses.route]
    when = f"day {first:g}" if n == 1 else f"day {first:g} to {last:g}"
    peak = max(x.doses.rise) * x.share
    many = f"{n} {what}s" if n > 1 else f"one {what}"
    return f"{x.drug}, {many}, {when}; each brings marrow to {peak:.3g} half effects if it is there at once"


def _days(times: Sequence[float]) -> str:
    shown = ", ".join(f"{t:g}" for t in times[:12])
    return f"day {shown}" + (f" and {len(times) - 12} more" if len(times) > 12 else "")


def describe_arms(case: Case) -> str:
    """What the arms of a case change, one after the other."""
    lines = [f"{len(case.arms)} arms, run one after the other:"]
    common = len(case.therapies), len(case.foci)
    wide = max(12, *(len(arm.name) for arm in case.arms)) + 2
    for arm in case.arms:
        what = [
            f"{n} = {v}"
            for n, v in {**arm.model.parameters, **arm.model.switches}.items()
            if {**case.model.parameters, **case.model.switches}.get(n) != v
        ]
        what += [_about_therapy(x) for x in arm.therapies[common[0] :]]
        what += [f"{f.load_text} more in a focus" for f in arm.foci[common[1] :]]
        what += [_about_face(f) for f in arm.faces[len(case.faces) :]]
        names = [arm.name, *[""] * (len(what) - 1)]
        lines += [f"  {n:<{wide}}{w}" for n, w in zip(names, what or ["as it is"], strict=True)]
    return "\n".join(lines)
