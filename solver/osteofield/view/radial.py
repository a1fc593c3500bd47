# SPDX-License-Identifier: LGPL-3.0-or-later
"""Profiles of populations against the distance from a focus: mean and spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .grid import lettered
from .state import State
from .style import DPI, INK, RC, time_colours, time_text

_BINS = 40
SPREAD = (0.1, 0.9)  # quantiles


@dataclass(frozen=True)
class Profile:
    """A field in shells around a centre, every point weighted with its volume (area on the surface).

    Attributes:
        distance: ``(n,)`` mean distance of the points of a shell, um.
        mean: ``(n,)``.
        low, high: ``(n,)`` quantiles `SPREAD`.
    """

    distance: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def profile(distance: np.ndarray, values: np.ndarray, weights: np.ndarray, width: float) -> Profile:
    """Average over shells of equal width.

    Args:
        distance: ``(n,)`` um.
        values: ``(n,)``.
        weights: ``(n,)`` volume or area of each point.
        width: Of a shell, um; shells without a point are left out.
    """
    order = np.lexsort([values, (distance // width).astype(int)])
    shell = (distance[order] // width).astype(int)
    d, v, w = distance[order], values[order], weights[order]
    starts = np.flatnonzero(np.r_[True, shell[1:] != shell[:-1]]) if len(shell) else np.empty(0, dtype=int)
    ends = np.r_[starts[1:], len(shell)].astype(int)
    total = np.add.reduceat(w, starts) if len(starts) else np.empty(0)
    rows = []
    for a, b, t in zip(starts, ends, total, strict=True):
        share = (np.cumsum(w[a:b]) - 0.5 * w[a:b]) / t
        low, high = np.interp(SPREAD, share, v[a:b])
        rows.append((w[a:b] @ d[a:b] / t, w[a:b] @ v[a:b] / t, low, high))
    return Profile(*np.array(rows).reshape(-1, 4).T)


def point_sizes(points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Volume, area or length of the cells, shared equally among their points: ``(n,)``."""
    edges = points[cells[:, 1:]] - points[cells[:, :1]]
    gram = edges @ edges.transpose(0, 2, 1)
    k = cells.shape[1]
    size = np.sqrt(np.clip(np.linalg.det(gram), 0, None)) / float(np.prod(np.arange(1, k)))
    return np.bincount(cells.ravel(), np.repeat(size / k, k), minlength=len(points))


def draw_radial(states: Sequence[State], path: Path, names: Sequence[str], focus: int) -> Path:
    """Write profiles of populations from one focus at several times.

    Args:
        states: Output times in order.
        path: PNG file.
        names: Populations of marrow or surface.
        focus: Number of the focus, from 0.

    Returns:
        `path`.
    """
    import matplotlib.pyplot as plt

    last = states[-1]
    centre, radius = last.foci[focus]
    colours = time_colours(len(states))
    with plt.rc_context(RC):
        figure, axes = lettered(len(names), high=1.85, spare=0.35, across="distance from the focus (µm)")
        for ax, name in zip(axes, names, strict=True):
            tops, floors, inside = [], [], []
            for state, colour in zip(states, colours, strict=True):
                p = _profile_of(state, name, centre)
                if state is last:
                    ax.fill_between(p.distance, p.low, p.high, color=colour, alpha=0.15, lw=0)
                ax.plot(p.distance, p.mean, color=colour, label=time_text(state.time))
                tops.append(p.mean.max(initial=0.0))
                floors.append(p.mean.min(initial=np.inf))
                inside.append(float((p.mean > 1e-4 * p.mean.max(initial=0.0)).mean()))
            top, floor = max(tops), min(floors)
            if top > 20 * floor >= 0 and min(inside) > 0.7:
                ax.set_yscale("log")
                ax.set_ylim(max(floor / 2, top * 1e-4), 2 * top)
            elif floor >= 0 and floor < 0.6 * top:
                ax.set_ylim(bottom=0)
            ax.axvline(radius, color=INK, lw=0.7, ls=(0, (1, 1.6)))
            ax.set_xlim(left=0)
            ax.set_ylabel(last.labelled(last.series(name)))
        handles, texts = axes[0].get_legend_handles_labels()
        number = f"focus {focus + 1}: " if len(last.foci) > 1 else ""
        figure.legend(
            handles, texts, loc="outside upper center", ncols=len(handles), handlelength=1.4, frameon=False
        )
        note = (
            f"{number}lines: mean; band: 10 to 90 % of the marrow or bone surface, {time_text(last.time)}; "
            "dotted: edge of the focus"
        )
        figure.supxlabel(note, size=6.5, x=0.01, ha="left")
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
    return path


def _profile_of(state: State, name: str, centre: np.ndarray) -> Profile:
    points, cells = state.marrow_mesh if name in state.result.marrow else state.surface_mesh
    d = centre[: points.shape[1]]
    distance = np.linalg.norm(points - d, axis=1)
    weights = point_sizes(points, cells)
    mesh, marrow_cells = state.marrow_mesh
    edge = np.linalg.norm(mesh[marrow_cells[:, 0]] - mesh[marrow_cells[:, 1]], axis=1)
    width = max(float(np.median(edge)), float(distance.max(initial=0.0)) / _BINS)
    return profile(distance, state.series(name)[state.step], weights, width)
