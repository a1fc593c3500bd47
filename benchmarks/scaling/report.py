# SPDX-License-Identifier: LGPL-3.0-or-later
"""What runs on several numbers of ranks say: a table by phase, and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Run = dict[str, Any]


def phases(runs: list[Run]) -> list[str]:
    """Names of the phases in the order of the first run."""
    names = list(runs[0]["ranks"][0]["spent"])
    for run in runs[1:]:
        names += [n for n in run["ranks"][0]["spent"] if n not in names]
    return names


def of_phase(run: Run, phase: str, key: str) -> float:
    """Seconds of the slowest rank in a phase: ``wall``, ``cpu``, or ``work``, processor without exchanges."""
    out = 0.0
    for rank in run["ranks"]:
        s = rank["spent"].get(phase, {})
        if key == "work":
            out = max(out, s.get("cpu", 0.0) - s.get("cpu_waiting", 0.0))
        else:
            out = max(out, s.get(key, 0.0))
    return out


def total(run: Run, key: str) -> float:
    """Seconds of the whole run on its slowest rank."""
    names = {n for rank in run["ranks"] for n in rank["spent"]}
    if key == "work":
        return max(sum(s["cpu"] - s["cpu_waiting"] for s in rank["spent"].values()) for rank in run["ranks"])
    if not names:
        return 0.0
    return max(sum(s[key] for s in rank["spent"].values()) for rank in run["ranks"])


def exchanges(run: Run, kind: str) -> tuple[float, float]:
    """Largest number of calls and of bytes sent that a rank had of one kind of exchange in time steps."""
    calls = [
        (count, size)
        for rank in run["ranks"]
        for name, phase, count, size in rank["calls"]
        if name == kind and phase == "time steps"
    ]
    return max((c for c, _ in calls), default=0), max((b for _, b in calls), default=0.0)


def table(runs: list[Run], kind: str) -> str:
    """Seconds by phase and number of ranks, and what follows from them.

    Args:
        runs: One for every number of ranks, ascending.
        kind: ``strong`` or ``weak``.
    """
    ranks = [len(r["ranks"]) for r in runs]
    wide = 24
    lines = [f"{'':<{wide}}" + "".join(f"{n:>12} rank{'s' if n > 1 else ' '}" for n in ranks)]

    def row(label: str, cells: list[str]) -> None:
        lines.append(f"{label:<{wide}}" + "".join(f"{c:>17}" for c in cells))

    row("", ["wall      work"] * len(runs))
    for name in phases(runs):
        row(name, [f"{of_phase(r, name, 'wall'):.2f}{of_phase(r, name, 'work'):10.2f}" for r in runs])
    row("whole run, s", [f"{total(r, 'wall'):.2f}{total(r, 'work'):10.2f}" for r in runs])
    first = runs[0]
    for key in ("wall", "work"):
        if kind == "strong":
            row(f"speed-up, {key}", [f"{total(first, key) / total(r, key):.2f}" for r in runs])
        else:
            row(f"efficiency, {key}", [f"{total(first, key) / total(r, key):.2f}" for r in runs])
    row("cells", [f"{r['cells']:,}" for r in runs])
    row("unknowns", [f"{r['unknowns']:,}" for r in runs])
    row("rows, most / mean", [f"{balance(r):.3f}" for r in runs])
    row("steps", [str(r["steps"]["accepted"]) for r in runs])
    row(
        "iterations per solve",
        [f"{r['steps']['iterations'] / max(r['steps']['solves'], 1):.2f}" for r in runs],
    )
    row("halo calls per step", [f"{exchanges(r, 'halo')[0] / _steps(r):.0f}" for r in runs])
    row("MB sent per step", [f"{exchanges(r, 'halo')[1] / _steps(r) / 1e6:.2f}" for r in runs])
    row("reductions per step", [f"{exchanges(r, 'reduction')[0] / _steps(r):.0f}" for r in runs])
    row("GB, all ranks", [f"{sum(k['memory'] for k in r['ranks']) / 1e9:.2f}" for r in runs])
    row("bytes per unknown", [f"{memory_per_unknown(r):.0f}" for r in runs])
    return "\n".join(lines)


def balance(run: Run) -> float:
    """Most rows of a rank over their mean."""
    rows = [rank["rows"] for rank in run["ranks"]]
    return max(rows) * len(rows) / sum(rows)


def memory_per_unknown(run: Run) -> float:
    """Peak memory besides interpreter and libraries, bytes."""
    used = sum(rank["memory"] - rank["memory_before"] for rank in run["ranks"])
    return used / run["unknowns"]


def _steps(run: Run) -> int:
    return max(run["steps"]["accepted"] + run["steps"]["rejected"], 1)


def figure(results: dict[str, list[Run]], path: Path) -> None:
    """Draw seconds by phase over ranks, and speed-up or efficiency.

    Args:
        results: ``strong`` and ``weak`` to runs.
        path: PNG to write.
    """
    import matplotlib.pyplot as plt

    wide = 5.0 * len(results) + 1.8
    fig, axes = plt.subplots(
        2, len(results), figsize=(wide, 7), squeeze=False, height_ratios=(3, 2), layout="constrained"
    )
    for (kind, runs), (above, below) in zip(results.items(), axes.T, strict=True):
        ranks = [len(r["ranks"]) for r in runs]
        at = range(len(runs))
        bottom = [0.0] * len(runs)
        for k, name in enumerate(phases(runs)):
            height = [of_phase(r, name, "wall") for r in runs]
            above.bar(at, height, 0.7, bottom, label=name, color=plt.get_cmap("tab20")(k))
            bottom = [b + h for b, h in zip(bottom, height, strict=True)]
        above.set_xticks(list(at), [str(n) for n in ranks])
        above.set_ylabel("wall clock of the slowest rank [s]")
        size = "the same sample" if kind == "strong" else "a sample that grows with the ranks"
        above.set_title(f"{kind} scaling: {size}", fontsize=11)
        for key, style, label in (
            ("wall", "o-", "wall clock"),
            ("work", "s--", "processor, without exchanges"),
        ):
            value = [total(runs[0], key) / total(r, key) for r in runs]
            below.plot(ranks, value, style, label=label)
        goal = ranks if kind == "strong" else [1.0] * len(ranks)
        below.plot(ranks, [g / goal[0] for g in goal], ":", color="0.5", label="ideal")
        below.set_xlabel("MPI ranks")
        below.set_xticks(ranks)
        below.set_ylabel("speed-up" if kind == "strong" else "efficiency")
        below.set_ylim(bottom=0)
        below.legend(fontsize=8)
        below.grid(alpha=0.3)
    bars, names = axes[0][0].get_legend_handles_labels()
    fig.legend(bars[::-1], names[::-1], loc="outside right upper", fontsize=9, frameon=False)
    fig.savefig(path, dpi=130)
    plt.close(fig)
