# SPDX-License-Identifier: LGPL-3.0-or-later
"""The numbers that a reader wants first, each at day 0 and at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..results import Result, Shown
from ..view.radial import point_sizes
from ..view.state import State
from ..view.style import label_text

WITHIN = 0.9  # share of the eroded volume that a lesion's radius holds
_TIMES = 12


@dataclass(frozen=True)
class KeyNumber:
    """One quantity over time.

    Attributes:
        label: What it is.
        unit: Its unit text.
        time: ``(n,)`` day.
        values: ``(n,)``.
        column: Header of ``history.csv`` that it stands in; empty if it was computed from the fields.
        peak: Whether its highest value is of interest.
        note: What needs to be said about it.
        floor: What is below this is not told from zero.
    """

    label: str
    unit: str
    time: np.ndarray
    values: np.ndarray
    column: str = ""
    peak: bool = False
    note: str = ""
    floor: float = 0.0

    @property
    def start(self) -> float:
        """At day 0."""
        return float(self.values[0])

    @property
    def end(self) -> float:
        """At the last output time."""
        return float(self.values[-1])

    @property
    def highest(self) -> tuple[float, float]:
        """Highest value, and its day."""
        k = int(np.nanargmax(self.values)) if np.isfinite(self.values).any() else 0
        return float(self.values[k]), float(self.time[k])


def key_numbers(result: Result) -> list[KeyNumber]:
    """Bone, lesion, cells on bone, infection, mediators: those that these results have."""
    roles = result.record.get("roles") or {}
    labels = {n: label_text(t) for n, t in (result.record.get("labels") or {}).items()}
    time, shown_as = result.times, Shown(result)
    out: list[KeyNumber] = []

    def column(header: str, label: str, peak: bool = False, note: str = "") -> None:
        if header in result.history and np.isfinite(result.history[header]).any():
            values, floor = result.history[header], shown_as.floor(header)
            out.append(KeyNumber(label, shown_as.unit(header), time, values, header, peak, note, floor))

    column("bone_loss [mm^3]", "bone lost, net")
    column("bone_loss [%]", "bone lost, net")
    column("BV/TV [1]", "bone volume fraction BV/TV")
    column("resorbed [mm^3]", "bone resorbed by the moving surface")
    column("formed [mm^3]", "bone formed by the moving surface")
    column("detached [mm^3]", "bone that came loose")
    column("perforations [1]", "perforations: holes, struts cut through, pieces gone")
    column("BS/BV [1/mm]", "bone surface per bone volume BS/BV")
    column("Tb.Th [mm]", "trabecular thickness Tb.Th")
    column("Conn.D [1/mm^3]", "connectivity density Conn.D")
    column("ES/BS [1]", "eroded surface per bone surface ES/BS")
    column("E.De.mean [um]", "erosion depth E.De, mean of the eroded surface")
    column("E.De.max [um]", "erosion depth E.De, deepest place")
    radius = _lesion_radius(result)
    if radius is not None:
        out.append(radius)
    for header, meaning in (result.record.get("columns") or {}).items():  # of the model, such as Oc.S/BS
        column(header, meaning, True)
    hidden = {roles.get("depth"), *roles.get("bacteria", ())}
    shown = [n for n in roles.get("show", ()) if n not in hidden]
    on_bone = [n for n in shown if n in result.surface]
    for name in on_bone:
        found = _relative(result, name, labels.get(name, name))
        if found:
            out.append(found)
    column("bacteria_total [CFU]", "bacterial load of the sample", True)
    column("infected_marrow [mm^3]", "infected marrow", True)
    in_space = result.record.get("dimension", 3) != 0
    for name in (n for n in shown if n not in on_bone):
        for header in result.history:
            if header.startswith(f"{name}.{'max' if in_space else 'mean'} ["):
                where = ", highest in the sample" if in_space else ""
                column(header, f"{labels.get(name, name)}{where}", True)
    return out


def _relative(result: Result, name: str, label: str) -> KeyNumber | None:
    """Cells on the bone surface relative to the start."""
    for header, values in result.history.items():
        if header.startswith(f"{name}.mean [") and values[0] > 0:
            note = "relative to day 0"
            floor = Shown(result).floor(header) / float(values[0])
            label, course = f"{label} per bone surface", values / values[0]
            return KeyNumber(label, "× day 0", result.times, course, "", True, note, floor)
    return None


def _lesion_radius(result: Result) -> KeyNumber | None:
    """Radius around the first focus that holds `WITHIN` of the eroded volume."""
    times = result.marrow.times
    depth = (result.record.get("roles") or {}).get("depth")
    if not len(times) or depth not in result.surface or not result.record.get("foci"):
        return None
    steps = np.unique(np.linspace(0, len(times) - 1, _TIMES).round().astype(int))
    radii = [lesion_radius(State(result, int(k))) for k in steps]
    note = f"around the first focus, with {100 * WITHIN:g} % of the volume lost on eroded surface"
    return KeyNumber("lesion radius", "um", times[steps], np.array(radii), note=note)


def lesion_radius(state: State) -> float:
    """Distance from the first focus within which `WITHIN` of the eroded volume lies, um; 0 without any."""
    assert state.depth is not None
    points, cells = state.surface_mesh
    depth = state.result.surface[state.depth][state.step]
    least = float(state.result.record.get("eroded_above") or 0.0)
    volume = point_sizes(points, cells) * np.where(depth > least, depth, 0.0)
    if not volume.sum() > 0:
        return 0.0
    distance = np.linalg.norm(points - state.foci[0][0][: points.shape[1]], axis=1)
    order = np.argsort(distance)
    share = np.cumsum(volume[order]) / volume.sum()
    return float(distance[order][np.searchsorted(share, WITHIN)])
