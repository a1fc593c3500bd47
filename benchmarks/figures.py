# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.figures``: the figures of docs/performance.md, drawn from `measured.json`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteofield.view import style

from .error import LIMIT
from .record import FILE, Measured, Phases, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parents[1] / "docs" / "figures" / "performance"
DPI = 200
ROOM = 3e-4  # curves that end at larger errors have room for a name beside them
HUMAN = {"kind": "osteoimmune", "image": "lhdl_3155_D_4_crop128.nrrd", "threshold": 63.0}
LOOKS = {  # method to name, colour, marker
    "ours": ("osteofield", style.BLUE, "o"),
    "cvode": ("CVODE, our preconditioner", style.RED, "s"),
    "petsc-bdf": ("PETSc bdf", style.GREEN, "^"),
    "petsc-rosw": ("PETSc rosw", style.PURPLE, "D"),
    "ufl": ("plain UFL, PETSc rosw", style.ORANGE, "v"),
}


@dataclass(frozen=True)
class Series:
    """Runs that differ in size alone.

    Attributes:
        label: For people.
        workloads: From coarse to fine.
        tolerance: Of all of them.
        colour, marker: How it looks.
    """

    label: str
    workloads: tuple[dict[str, Any], ...]
    tolerance: float
    colour: str
    marker: str

    def runs(self, record: Record) -> list[Measured]:
        """Those that were made, by size."""
        found = [r for w in self.workloads for r in record.of(w, "ours") if r.tolerance == self.tolerance]
        return sorted(found, key=lambda r: r.facts["nodes"])


SIZES = (
    Series(
        "problem W", tuple({"kind": "w", "n": n} for n in (16, 32, 64, 128)), 2.15e-3, style.BLUE, "o"
    ),
    Series(
        "human bone, osteoimmune model", tuple({**HUMAN, "voxels": v} for v in (8.0, 4.0, 3.0, 2.0)), 4.64e-4,
        style.RED, "s",
    ),
)  # fmt: skip
GROUPS = (  # of phases: label, colour, members in the order of the figure
    (
        "solving",
        style.BLUE,
        (
            "cycles, operator, products",
            "blocks of all levels, inverses",
            "Krylov: orthogonalisation, update",
        ),
    ),
    (
        "at points",
        style.RED,
        ("rates, Jacobian, elimination", "the same, back substitution, norms"),
    ),
    (
        "the step",
        style.GREEN,
        ("diffusion", "combinations of earlier states", "norms of other orders", "books of what flowed"),
    ),
)
PRECISION = (
    ({"kind": "w", "n": 32}, "Problem W, n = 32"),
    ({**HUMAN, "voxels": 4.0}, "Human bone, cells of 4 voxels"),
)


def main(argv: list[str] | None = None) -> int:
    """Draw all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__)
    parser.add_argument("--record", type=Path, default=FILE, help="measurements to draw (%(default)s)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to (%(default)s)")
    a = parser.parse_args(argv)
    record = Record.read(a.record)
    a.folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Callable[[Record], Figure]] = {
        "work_precision": work_precision,
        "sizes": sizes,
        "phases": phases,
    }
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    with mpl.rc_context(style.RC):
        for name, draw in figures.items():
            path = a.folder / f"{name}.png"
            figure = draw(record)
            figure.savefig(path, dpi=DPI, metadata={"Software": None})
            plt.close(figure)
            print(path)
    return 0


def work_precision(record: Record) -> Figure:
    """Error against processor seconds, a panel for each workload, a curve for each method."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator

    figure, axes = plt.subplots(1, 2, figsize=(style.COLUMN, 3.2), layout="constrained", sharex=True)
    for ax, (workload, title) in zip(axes, PRECISION, strict=True):
        for method, (name, colour, marker) in LOOKS.items():
            known = [(r.error, r.cpu) for r in record.of(workload, method) if r.error is not None]
            if not known:
                continue
            errors, cpu = [e for e, _ in known], [seconds for _, seconds in known]
            ax.plot(errors, cpu, marker, ls="-", ms=4, color=colour, mec="white", mew=0.5, zorder=3)
            beside = errors[-1] > ROOM  # the axis of errors runs downwards
            ax.annotate(
                name, (errors[-1], cpu[-1]), (7, 0) if beside else (4, 6), textcoords="offset points",
                color=colour, ha="left" if beside else "right", va="center" if beside else "bottom",
                weight="bold" if method == "ours" else None,
            )  # fmt: skip
        ax.set(xscale="log", yscale="log", title=title, xlabel="error (relative, worst population and time)")
        ax.axvspan(LIMIT, 1, color="0.93", zorder=0, lw=0)
        ax.grid(axis="y", which="major", color="0.9", lw=0.5)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
        ax.yaxis.set_minor_locator(NullLocator())
    axes[0].set_xlim(*_span([r for w, _ in PRECISION for m in LOOKS for r in record.of(w, m)]))
    axes[0].invert_xaxis()
    for ax in axes:
        low, high = ax.get_ylim()
        ax.set_ylim(low / 1.15, high * 1.3)
        ax.annotate(
            "not exact enough", (LIMIT, 0), (-4, 4), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right", va="bottom", color="0.45", fontsize=6.5,
        )  # fmt: skip
    axes[0].set_ylabel("CPU of a whole run [s]")
    return figure


def _span(runs: list[Measured]) -> tuple[float, float]:
    errors = [r.error for r in runs if r.error]
    return 0.7 * min(errors), 1.5 * max(errors)


def sizes(record: Record) -> Figure:
    """Cycles per solve, and processor time per unknown, over the size of the mesh."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(style.COLUMN, 2.7), layout="constrained")
    for series in SIZES:
        runs = series.runs(record)
        if not runs:
            continue
        nodes = [r.facts["nodes"] for r in runs]
        look = {"marker": series.marker, "ms": 4, "color": series.colour, "mec": "white", "mew": 0.5}
        for ax, values in (
            (left, [r.facts["cycles"] / r.facts["solves"] for r in runs]),
            (right, [1e6 * r.cpu / r.facts["unknowns"] for r in runs]),
        ):
            ax.plot(nodes, values, **look)
            _name(ax, series, nodes, values)
    left.set(title="Cycles of the hierarchy per linear solve", ylim=(0, 3.4))
    right.set(title="CPU of a whole run per unknown [µs]")
    right.set_ylim(0, 1.25 * right.get_ylim()[1])
    for ax in (left, right):
        ax.set(xscale="log", xlabel="marrow nodes")
        ax.grid(axis="y", color="0.9", lw=0.5)
        ax.xaxis.set_major_formatter(_thousands)
    return figure


def _name(ax: Axes, series: Series, nodes: list[float], values: list[float]) -> None:
    """Above the line of the series that is drawn above the others, below the others."""
    above = series is SIZES[-1]
    at = nodes[0], max(values) if above else min(values)
    ax.annotate(
        series.label, at, (0, 7 if above else -7), textcoords="offset points", color=series.colour, ha="left",
        va="bottom" if above else "top",
    )  # fmt: skip


def _thousands(value: float, _: object = None) -> str:
    return f"{value / 1e6:g} million" if value >= 1e6 else f"{value:,.0f}"


def phases(record: Record) -> Figure:
    """Shares of the phases of a run, a panel for each profile, the same phases in every row."""
    import matplotlib.pyplot as plt

    known = [n for _, _, names in GROUPS for n in names]
    others = dict.fromkeys(n for p in record.phases for n in p.shares if n not in known)
    names = [*known, *others]
    height = 0.17 * len(names) + 0.8
    figure, axes = plt.subplots(
        1, len(record.phases), figsize=(style.COLUMN, height), layout="constrained", sharey=True, sharex=True,
        squeeze=False,
    )  # fmt: skip
    for ax, profile in zip(axes[0], record.phases, strict=True):
        _bars(ax, profile, names)
    axes[0, 0].invert_yaxis()
    axes[0, 0].set_xlim(0, 1.45 * max(max(p.shares.values()) for p in record.phases))
    return figure


def _bars(ax: Axes, profile: Phases, names: list[str]) -> None:
    colours = {n: colour for _, colour, group in GROUPS for n in group}
    shares = [profile.shares.get(n, 0.0) for n in names]
    ax.barh(names, shares, color=[colours.get(n, "0.6") for n in names], height=0.72)
    for row, share in enumerate(shares):
        ax.annotate(f"{share:g}", (share, row), (2, 0), textcoords="offset points", va="center", fontsize=6.5)
    for label, colour, group in GROUPS:
        middle = names.index(group[0]) + (len(group) - 1) / 2
        whole = sum(profile.shares.get(n, 0.0) for n in group)
        ax.annotate(
            f"{label}\n{whole:.0f} %", (1, middle), xycoords=("axes fraction", "data"), ha="right",
            va="center", color=colour, weight="bold", linespacing=1.3,
        )  # fmt: skip
    ax.set(title=profile.title, xlabel=f"share of {profile.cpu:g} CPU s [%]")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


if __name__ == "__main__":
    sys.exit(main())
