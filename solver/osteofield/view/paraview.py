# SPDX-License-Identifier: LGPL-3.0-or-later
"""A script that sets up the resorption view of a results folder in ParaView."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, to_rgb

from ..errors import InputError, Problem, writing
from ..results import Result, open_results
from .request import shown
from .scale import norm_of, surface_colours
from .sight import kept_box, normal_of
from .state import State
from .style import IMPLANT, INFECTION, depth_colours, field_colours

SCRIPT = "resorption.py"  # not paraview.py: it would hide the module it imports
_SAMPLES = 33  # of a colour scale


def write_paraview(directory: str | Path, out: str | Path | None = None) -> Path:
    """Write the script; it finds the fields by where it lies, so a folder can be moved as a whole.

    Args:
        directory: The results folder.
        out: Folder for the script; None for the results folder.

    Returns:
        The script.

    Raises:
        InputError: No results, no fields, or the script cannot be written.
    """
    result = open_results(directory)
    if not len(result.marrow.times):
        message = "there are no fields to show: the run is well mixed, or has not written any yet."
        raise InputError(Problem(message, result.path))
    path = Path(out) / SCRIPT if out is not None else result.path / SCRIPT
    text = resources.files(__package__).joinpath("resorption.py.txt").read_text(encoding="utf-8")
    settings = json.dumps(_settings(result), indent=1, ensure_ascii=True)
    for mark, value in (("@NAME@", SCRIPT), ("@FOLDER@", result.path.name), ("@SETTINGS@", settings)):
        text = text.replace(mark, value)
    with writing("the script", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def _settings(result: Result) -> dict[str, Any]:
    import matplotlib as mpl

    from .scene import Camera

    state = State(result, len(result.marrow.times) - 1)
    normal = normal_of(state)
    flat = state.dimension == 2
    box = state.box if flat else kept_box(state.box, state.centre, normal)
    camera = (
        Camera(normal, np.array([0.0, 1, 0]), box.mean(0), 1.25 * float(np.ptp(box[:, 1])))
        if flat
        else Camera.looking_at(normal, 24, 20, box, 1.4)
    )
    distance = 3 * float(np.linalg.norm(np.ptp(box, axis=0)))
    names = [n for n in shown(result) if n in result.marrow] or list(result.marrow)
    field = names[0] if names else None
    out: dict[str, Any] = {
        "folder": result.path.name,
        "dimension": state.dimension,
        "centre": state.centre.tolist(),
        "normal": normal.tolist(),
        "depth": state.depth,
        "field": field,
        "bacteria": _bacteria(state),
        "infected above": state.infected_above,
        "infection colour": list(to_rgb(INFECTION)),
        "implant colour": None if result.implant is None else list(to_rgb(IMPLANT)),
        "foci": [] if flat else [[c.tolist(), r] for c, r in state.foci],
        "camera": {
            "centre": camera.centre.tolist(),
            "position": (camera.centre + distance * camera.direction).tolist(),
            "up": camera.up.tolist(),
            "height": 1.15 * camera.height,
        },
    }
    if state.depth:
        norm, _, _ = surface_colours(True, [result.surface[state.depth][-1]])
        out |= {
            "depth top": norm.vmax or 1.0,  # nothing lost
            "depth title": f"net eroded depth ({result.surface[state.depth].unit})",
            "depth colours": _sampled(depth_colours()),
        }
    if field:
        norm, _ = norm_of(result.marrow[field][-1])
        label = (result.record.get("labels") or {}).get(field, field)  # its font has no Greek letters
        out |= {
            "field low": norm.vmin,
            "field top": norm.vmax,
            "field log": isinstance(norm, LogNorm),
            "field title": f"{label} ({result.marrow[field].unit})",
            "field colours": _sampled(mpl.colormaps[field_colours()]),
        }
    return out


def _bacteria(state: State) -> list[str]:
    """Populations whose sum is infection; none if it never counts as such."""
    ever = state.result.history.get("infected_marrow [mm^3]")
    if ever is not None and not ever.any():
        return []
    return [n for n in state.roles.get("bacteria", ()) if n in state.result.marrow]


def _sampled(colours: Any) -> list[list[float]]:
    """Position and RGB, 0 to 1."""
    x = np.linspace(0, 1, _SAMPLES)
    return np.round(np.column_stack([x, np.asarray(colours(x))[:, :3]]), 4).tolist()
