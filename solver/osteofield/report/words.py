# SPDX-License-Identifier: LGPL-3.0-or-later
"""The case in words, as a methods section would put it."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from ..results import Result
from ..view.radial import point_sizes
from ..view.state import State
from ..view.style import unit_text

_SI = 1e-3  # um to mm


def case_table(result: Result) -> dict[str, Any]:
    """The resolved case as read; empty if it was not written."""
    try:
        return tomllib.loads(result.case)
    except (OSError, tomllib.TOMLDecodeError):
        return {}


def paragraphs(result: Result) -> list[tuple[str, str]]:
    """Heading and text of each paragraph."""
    case = case_table(result)
    out = [("Sample", _sample(result, case)), ("Start", _start(case)), ("Model", _model(result, case))]
    out += [
        ("Infection", _infection(result, case)),
        ("Therapy", therapies(case) or "None."),
        ("Boundary and surface", _rest(result, case)),
    ]
    out.append(("Time", _time(result, case)))
    return [(heading, said) for heading, said in out if said]


def _sample(result: Result, case: Mapping[str, Any]) -> str:
    sample = case.get("sample", {})
    mesh = result.record.get("mesh") or {}
    if result.record.get("dimension") == 0:
        return "A well-mixed volume of marrow with its bone surface; there is no space in it."
    if "image" in sample:
        source = f"Bone from the image {PurePath(str(sample['image'])).name}"
        if "threshold" in sample:
            source += f", grey values above {plain(sample['threshold'])}"
    elif "synthetic" in sample:
        seed = sample["synthetic"].get("seed")
        source = "Synthetic trabecular bone, rods along the edges of random Voronoi cells"
        source += f" (seed {seed})" if seed is not None else ""
    elif "mesh" in sample:
        source = f"The mesh {PurePath(str(sample['mesh'])).name}"
    elif "shape" in sample:
        source = f"A test shape ({sample['shape'].get('kind', '')})"
    else:
        source = "A sample"
    if result.implant is not None:
        body = sample.get("implant")
        kind = f" (a {body['shape']})" if isinstance(body, Mapping) and "shape" in body else ""
        source += f", with an implant in it{kind}"
    if "slice" in sample:
        source += f", in the section at right angles to {sample['slice'].get('axis', '?')}"
    state = State(result, 0) if len(result.marrow.times) else None
    if state is None:
        return source + "."
    size = " × ".join(f"{x * _SI:.4g}" for x in np.ptp(state.box, axis=0)[: state.dimension])
    said = [f"{source}; {size} mm."]
    said.append(_morphometry(state))
    cell = mesh.get("provenance", {}).get("cell size [um]")
    cells = f" of {plain(cell)} µm" if cell is not None else ""
    marrow, surface = (
        f"{len(n):,}".replace(",", "\u2009") for n in (state.marrow_mesh[1], state.surface_mesh[0])
    )
    said.append(f"The mesh has {marrow} cells{cells} in the marrow and {surface} points on the bone surface.")
    return " ".join(s for s in said if s)


def _morphometry(state: State) -> str:
    """From the first mesh; thickness and separation by the plate model (Parfitt et al. 1983, JCI 72:1396)."""
    d = state.dimension
    marrow = float(point_sizes(*state.marrow_mesh).sum())
    total = float(np.prod(np.ptp(state.box, axis=0)[:d])) - _implant_size(state)
    bone = total - marrow
    surface = float(point_sizes(*state.surface_mesh).sum()) if len(state.surface_mesh[1]) else 0.0
    if surface <= 0 or bone <= 1e-9 * total:
        return "It holds no bone."
    fraction, specific = bone / total, surface / bone * 1e3  # 1/mm
    thickness = 2 / specific
    beside = "; the implant is no part of its tissue volume" if state.result.implant is not None else ""
    unit = "mm²" if d == 3 else "mm"
    return (
        f"BV/TV {fraction:.3f}, bone surface {surface * _SI ** (d - 1):.4g} {unit}, BS/BV "
        f"{specific:.3g} per mm; by the plate model Tb.Th {thickness:.3g} mm and Tb.Sp "
        f"{thickness * (1 / fraction - 1):.3g} mm{beside}."
    )


def _implant_size(state: State) -> float:
    """Volume of the implant (2-D: its area) by the divergence theorem, um^d; 0 without one."""
    if state.result.implant is None:
        return 0.0
    points, facets, _ = state.result.implant
    d = state.dimension
    x = (points - points.mean(0))[facets][..., :d]
    return float(np.linalg.det(x).sum()) / math.factorial(d)


def _start(case: Mapping[str, Any]) -> str:
    state = case.get("initial", {}).get("state")
    if state == "homeostasis":
        return (
            "Healthy bone in balance: before day 0 the model without disease was brought to its "
            "steady state on "
            "this mesh, and resorption and formation were set equal at every point of the surface."
        )
    return f"Initial state: {state}." if state else ""


def _model(result: Result, case: Mapping[str, Any]) -> str:
    model = result.record.get("model") or {}
    said = [f"{model.get('name', '?')}" + (f": {model['title']}." if model.get("title") else ".")]
    if model.get("description"):
        said.append(model["description"].rstrip(".") + ".")
    if len(result.marrow.times):
        depth = (result.record.get("roles") or {}).get("depth")
        cells = [n for n in result.surface if n not in (depth, "E.De")]
        said.append(f"{len(result.marrow)} populations live in the marrow, {len(cells)} on the bone surface.")
    changes = {**case.get("model", {}).get("parameters", {}), **case.get("model", {}).get("switches", {})}
    if changes:
        said.append(
            "Changed by the case: " + ", ".join(f"{k} = {plain(v)}" for k, v in changes.items()) + "."
        )
    return " ".join(said)


def _infection(result: Result, case: Mapping[str, Any]) -> str:
    labels = result.record.get("labels") or {}
    units = result.record.get("units") or {}
    said = []
    for focus in result.record.get("foci") or []:
        name = focus.get("population", "bacteria")
        unit = unit_text(units.get(name, "CFU/mm^3"))
        text = f"At day 0, {plain(focus.get('load'))} {unit} of {labels.get(name, name)}"
        if result.record.get("dimension") != 0:
            d = len(focus["center"])
            volume = focus.get("marrow_volume", 0) * _SI**d
            where = ", ".join(f"{x * _SI:.4g}" for x in focus["center"])
            text += (
                f" in the marrow within {focus['radius']:g} µm of ({where}) mm, "
                f"which is {volume:.3g} {'mm³' if d == 3 else 'mm²'}"
            )
        said.append(text + ".")
    said += [_about_face(face, labels) for face in case.get("face", [])]
    return " ".join(said) or "None: the case has no focus and nothing on a face."


def _about_face(face: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """What is put at a face of the sample, or at an implant, and what comes from there."""
    where = "the implant" if face.get("side") == "implant" else f"the face {face.get('side')}"

    def what(table: Mapping[str, Any]) -> str:
        return ", ".join(f"{unit_text(str(v))} of {labels.get(n, n)}" for n, v in table.items())

    said = []
    if "load" in face:
        layer = unit_text(str(face.get("layer")))
        said.append(f"At day 0, {what(face['load'])} in the marrow within {layer} of {where}.")
    if "source" in face:
        span = f"from {face.get('from', 'day 0')}" + (f" until {face['until']}" if "until" in face else " on")
        said.append(f"Through {where} flow, {span}, {what(face['source'])}.")
    return " ".join(said)


def therapies(case: Mapping[str, Any]) -> str:
    """The treatments of a case, or of an arm of it; empty if there are none."""
    said = []
    for therapy in case.get("therapy", []):
        rest = {k: v for k, v in therapy.items() if k not in ("drug", "from", "until")}
        span = f"from {therapy.get('from', 'day 0')}" + (
            f" until {therapy['until']}" if "until" in therapy else " on"
        )
        said.append(f"{therapy.get('drug', 'A drug')} {span}" + (f" ({plain(rest)})" if rest else "") + ".")
    return " ".join(said)


def _rest(result: Result, case: Mapping[str, Any]) -> str:
    said = []
    outer = case.get("boundary", {}).get("outer")
    if outer == "closed":
        said.append("Nothing crosses the outer faces of the sample.")
    elif outer == "open":
        said.append("At the outer faces the marrow goes on as an infinite healthy surrounding.")
    elif outer:
        said.append(f"Outer faces: {plain(outer)}.")
    if case.get("surface") == "records depth":
        said.append("The bone surface stays where it is and records how deep it would have been eroded.")
    elif case.get("surface") == "moves":
        said.append("The bone surface moves with resorption and formation.")
    return " ".join(said)


def _time(result: Result, case: Mapping[str, Any]) -> str:
    record = result.record
    last = f"{result.times[-1]:.6g}" if len(result.times) else "0"
    wanted = case.get("time", {}).get("end")
    said = f"Computed to day {last}" + (f" of {wanted}" if wanted else "")
    tolerance = case.get("time", {}).get("tolerance")
    said += f", relative tolerance {tolerance:g} per step" if tolerance else ""
    return f"{said}; status: {result.status}" + (f" ({record['reason']})." if record.get("reason") else ".")


def plain(value: Any) -> str:
    """A value of a case file as words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        shown = [plain(v) for v in value]
        return shown[0] if len(set(shown)) == 1 and len(shown) > 1 else ", ".join(shown)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
