# SPDX-License-Identifier: LGPL-3.0-or-later
"""What verification cases share: runs through the front door, weighted norms, orders, log-log figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import osteofield
from osteofield.results import Result
from osteofield.tissue import lumped

HERE = Path(__file__).parent

Exact = Callable[[np.ndarray], np.ndarray]
"""Exact solution: points (n, 3) in um to values (n,)."""


@dataclass(frozen=True)
class Run:
    """A finished run with the weights of its norms."""

    result: Result

    @property
    def dimension(self) -> int:
        return int(self.result.record["dimension"])

    @property
    def cell(self) -> float:
        """Edge of the background grid, um."""
        return float(self.result.record["mesh"]["provenance"]["cell size [um]"][0])

    @property
    def sigma0(self) -> float:
        """Bone surface per marrow volume, 1/um."""
        return float(self.result.record["mesh"]["sigma0 [1/um]"])

    @property
    def steps(self) -> dict[str, Any]:
        """Accepted and rejected time steps, iterations."""
        return self.result.record["steps"]

    @cached_property
    def points(self) -> np.ndarray:
        """(n, 3) marrow points, um."""
        return self.result.marrow.points

    @cached_property
    def surface_points(self) -> np.ndarray:
        """(n, 3) points of the bone surface, um."""
        return self.result.surface.points

    @cached_property
    def volumes(self) -> np.ndarray:
        """(n,) lumped marrow volumes, recomputed from the mesh that was written."""
        cells = self.result.marrow.cells
        return lumped(self.points[:, : self.dimension], cells, len(self.points))

    @cached_property
    def areas(self) -> np.ndarray:
        """(n,) lumped bone surface."""
        return lumped(
            self.surface_points[:, : self.dimension], self.result.surface.cells, len(self.surface_points)
        )

    def values(self, name: str, step: int = -1) -> np.ndarray:
        """A field at an output time."""
        where = self.result.marrow if name in self.result.marrow else self.result.surface
        return where[name][step]

    def error(self, name: str, exact: Exact | np.ndarray, step: int = -1) -> float:
        """Relative L2 error, weighted with lumped volumes (areas for a surface population)."""
        on_surface = name not in self.result.marrow
        points, weights = (self.surface_points, self.areas) if on_surface else (self.points, self.volumes)
        wanted = exact(points) if callable(exact) else exact
        return norm(self.values(name, step) - wanted, weights) / norm(wanted, weights)


def norm(values: np.ndarray, weights: np.ndarray) -> float:
    """Root mean square with weights."""
    return float(np.sqrt(weights @ values**2 / weights.sum()))


def run(case: str, folder: Path, name: str, **settings: Any) -> Run:
    """Run ``case/case.toml`` with changes; double underscores in keys stand for dots.

    Args:
        case: Folder of the case, or ``folder/file.toml``.
        folder: Where the results go.
        name: Of the results folder.
        settings: For example ``sample__cell_size="20 um"``, ``time__tolerance=1e-6``.
    """
    path = HERE / case
    path = path if path.suffix else path / "case.toml"
    changes = [f"{key.replace('__', '.')}={_toml(value)}" for key, value in settings.items()]
    return Run(osteofield.run(path, folder / name, settings=changes, overwrite=True))


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def shape(kind: str, size: Sequence[float], **more: Any) -> dict[str, Any]:
    """Settings of an analytic sample; lengths in um."""

    def lengths(v: Any) -> Any:
        return [f"{x} um" for x in v] if isinstance(v, list | tuple) else f"{v} um"

    table = {"kind": kind, "size": lengths(size), **{k: lengths(v) for k, v in more.items()}}
    return {"sample__shape": Inline(table)}


class Inline(dict):
    """A table that prints as TOML."""

    def __repr__(self) -> str:
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in self.items()) + " }"


@dataclass(frozen=True)
class Convergence:
    """Errors at several step sizes.

    Attributes:
        label: What was measured.
        sizes: Mesh or time step sizes, falling.
        errors: Relative errors.
    """

    label: str
    sizes: np.ndarray
    errors: np.ndarray

    @property
    def order(self) -> float:
        """Slope of the least-squares line through the log-log points."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.errors), 1)[0])

    @property
    def last_order(self) -> float:
        """Slope between the two finest sizes."""
        return float(np.log(self.errors[-2] / self.errors[-1]) / np.log(self.sizes[-2] / self.sizes[-1]))

    def __str__(self) -> str:
        pairs = ", ".join(f"{s:.4g}: {e:.2e}" for s, e in zip(self.sizes, self.errors, strict=True))
        return f"{self.label}: order {self.order:.2f} ({pairs})"


# ---------------------------------------------------------------- figures
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe & Ito
MARKERS = "os^Dv<"


def figure(columns: int = 1, *, height: float = 3.6, width: float = 4.4):
    """A matplotlib figure with axes in a row."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
         "axes.titlesize": 10, "lines.linewidth": 1.3, "lines.markersize": 5}
    )  # fmt: skip
    return plt.subplots(1, columns, figsize=(width * columns, height), layout="constrained", squeeze=False)


def loglog(axes, studies: Sequence[Convergence], *, order: int, size: str, error: str, title: str) -> None:
    """Errors over step sizes with a slope triangle and the measured orders."""
    for study, color, marker in zip(studies, COLORS, MARKERS, strict=False):
        label = f"{study.label}: order {study.order:.2f}"
        axes.loglog(study.sizes, study.errors, color=color, marker=marker, label=label)
    errors = np.concatenate([s.errors for s in studies])
    low = _triangle(axes, min(studies, key=lambda s: s.errors[-1]), order)
    decades = np.log10(errors.max() / low)
    axes.set_ylim(low / 10 ** (0.1 * decades), errors.max() * 10 ** ((0.06 + 0.085 * len(studies)) * decades))
    axes.set(xlabel=size, ylabel=error, title=title)
    _plain_ticks(axes, np.unique(np.concatenate([s.sizes for s in studies])))
    axes.legend(loc="upper left")
    axes.grid(True, which="major", color="0.9")


def _triangle(axes, study: Convergence, order: int) -> float:
    """A triangle of the design order under the finest points of a curve; returns its lowest value."""
    x1 = study.sizes[-1]
    x2 = max(study.sizes[-2], x1 * (study.sizes[0] / x1) ** 0.3)
    y2 = 0.5 * float(np.exp(np.interp(np.log(x2), np.log(study.sizes[::-1]), np.log(study.errors[::-1]))))
    y1 = y2 / (x2 / x1) ** order
    y1, y2 = (y * min(1.0, 0.5 * study.errors[-1] / y1) for y in (y1, y2))
    axes.plot([x1, x2, x2, x1], [y1, y1, y2, y1], color="0.4", linewidth=0.9)
    style = {"textcoords": "offset points", "color": "0.3"}
    axes.annotate(f"{order}", (x2, np.sqrt(y1 * y2)), xytext=(3, 0), va="center", **style)
    axes.annotate("1", (np.sqrt(x1 * x2), y1), xytext=(0, -10), ha="center", **style)
    return y1


def _plain_ticks(axes, sizes: np.ndarray) -> None:
    """Plain numbers at a cell-size axis."""
    from matplotlib.ticker import NullLocator

    if sizes.min() > 0.5:
        lo, hi = axes.get_xlim()
        ticks = [s for s in (1, 2, 5, 10, 20, 30, 40, 60, 100) if lo <= s <= hi]
        axes.set_xticks(ticks, [f"{s}" for s in ticks])
        axes.xaxis.set_minor_locator(NullLocator())


def save(fig, folder: Path, name: str) -> Path:
    """Write a figure as PNG."""
    import matplotlib.pyplot as plt

    path = folder / f"{name}.png"
    fig.savefig(path, dpi=160, metadata={"Software": None})
    plt.close(fig)
    return path
