# SPDX-License-Identifier: LGPL-3.0-or-later
"""Amounts are balanced: what a population gained is what its rates made, to the last digits asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..study import COLORS, Run, figure, run, save

BALANCE = 1e-10
TIGHT = 1e-8


def residuals(r: Run) -> dict[str, np.ndarray]:
    """Mass-balance residual of every population over its turnover, at the output times."""
    columns = {k.split(".")[0]: v for k, v in r.result.history.items() if ".residual" in k}
    assert columns
    return {k: np.abs(v) for k, v in columns.items()}


def bound_and_free(r: Run) -> dict[str, np.ndarray]:
    """Relative change of ligand + complex and of decoy + complex, from the fields themselves."""
    total = {n: r.result.marrow[n][:] @ r.volumes for n in ("ligand", "decoy", "complex")}
    sums = {n: total[n] + total["complex"] for n in ("ligand", "decoy")}
    return {n: np.abs(s / s[0] - 1) for n, s in sums.items()}


def test_binding_conserves_ligand_and_decoy(tmp_path):
    r = run("conservation", tmp_path, "binding")
    assert r.values("complex").max() > 1  # something happened
    for name, change in bound_and_free(r).items():
        assert change.max() < BALANCE, (name, change.max())


def test_osteoimmune_model_is_balanced(tmp_path):
    r = run("conservation/osteoimmune.toml", tmp_path, "tight", time__linear_tolerance=TIGHT)
    for name, values in residuals(r).items():
        assert values.max() < BALANCE, (name, values.max())


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    fig, axes = figure(2)
    left, right = axes[0]
    r = run("conservation", work, "binding")
    for (name, change), color in zip(bound_and_free(r).items(), COLORS, strict=False):
        label = f"{name} + complex: at most {change.max():.0e}"
        left.semilogy(r.result.times[1:], np.maximum(change[1:], 1e-17), color=color, marker="o", label=label)
    left.axhline(BALANCE, color="0.5", linestyle=":")
    left.set(
        xlabel="time [day]",
        ylabel="relative change of the amount",
        title="binding, disc of bone",
        ylim=(1e-17, 1e-6),
    )
    left.legend()
    lines = [f"binding {k}: {v.max():.1e}" for k, v in bound_and_free(r).items()]
    for tolerance, color in ((0.1, COLORS[1]), (1e-4, COLORS[2]), (TIGHT, COLORS[0])):
        r = run("conservation/osteoimmune.toml", work, f"linear{tolerance}", time__linear_tolerance=tolerance)
        worst = np.max(list(residuals(r).values()), axis=0)
        names = list(residuals(r))
        name = names[int(np.argmax([v.max() for v in residuals(r).values()]))]
        label = f"linear tolerance {tolerance:g}: at most {worst.max():.0e}"
        right.semilogy(r.result.times[1:], worst[1:], color=color, marker="o", label=label)
        lines.append(f"osteoimmune, linear tolerance {tolerance:g}: {worst.max():.1e} ({name})")
    right.axhline(BALANCE, color="0.5", linestyle=":")
    right.set(
        xlabel="time [day]", ylabel="largest residual over turnover",
        title=f"osteoimmune model, {len(names)} populations", ylim=(1e-15, 1e-1),
    )  # fmt: skip
    right.legend(ncols=1)
    save(fig, folder, "conservation")
    return lines
