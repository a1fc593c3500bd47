# SPDX-License-Identifier: LGPL-3.0-or-later
"""A row of ``history.csv``: what histomorphometry and microbiology would report at one time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..integrator import System
from ..tissue import Tissue, WellMixed, fraction_above
from .derived import derived_columns

AMOUNT = {"pM": "amol", "nM": "fmol", "cells/mm^3": "cells", "cell/mm^3": "cells", "CFU/mm^3": "CFU"}
MM3 = 1e-9
MM2 = 1e-6
SLICE = 1000.0  # um: 2-D results are per millimetre of thickness


class Measures:
    """Computes rows from the state, each rank its part.

    Definitions (ASBMR nomenclature, Dempster et al. 2013, J Bone Miner Res 28:2): depth is the net
    eroded depth, positive where bone was lost; depth.mean is its mean over all bone surface; the
    eroded surface is where depth exceeds `eroded_above`; E.De.mean and E.De.max refer to it;
    bone_loss is the integral of depth over the surface; BV/TV follows from it while the surface
    stays in place. infected_marrow is the volume of the nodes at which all bacterial populations
    together exceed `infected_above` (they stay in place, so each node speaks for its own lumped
    volume, as in bacteria_total). 2-D values are per millimetre of thickness.
    """

    def __init__(self, tissue: Tissue, system: System, eroded_above: float, infected_above: float):
        self._t, self._s = tissue, system
        self._eroded, self._infected = eroded_above, infected_above
        sample = tissue.sample
        self._thick = SLICE if sample.dimension == 2 else 1.0
        self._marrow_volume, self._surface_area = float(system.marrow_volume), float(system.surface_area)
        if isinstance(sample, WellMixed):
            self._bone = sample.d0 * self._surface_area
        else:
            self._bone = sample.morphometry.bone_volume

    def row(self, time: float, y: np.ndarray, residuals: Mapping[str, float]) -> dict[str, float]:
        """Collective: columns in the order of the contract, the same on every rank.

        Args:
            time: day.
            y: State.
            residuals: Population name to its mass-balance residual, relative to its turnover.
        """
        network, roles = self._t.network, self._t.network.roles
        marrow, surface, s = self._s.marrow(y), self._s.surface(y), self._s
        highest = np.concatenate([v.max(axis=0, initial=-np.inf) for v in (marrow, surface)])
        highest = s.reduce(highest, "MAX")
        totals = s.reduce(s.totals(y))
        row: dict[str, float] = {"time [day]": time}
        nm = len(network.marrow)
        depth_at = next((k for k, p in enumerate(network.surface) if p.name == roles.depth), None)
        if depth_at is not None:
            row |= self._bone_columns(
                surface[:, depth_at], float(totals[nm + depth_at]), float(highest[nm + depth_at])
            )
        bacteria = [k for k, p in enumerate(network.marrow) if p.name in (roles.bacteria or ())]
        if bacteria:
            load = marrow[:, bacteria].sum(axis=1)
            infected = s.reduce(np.array([s.problem.volumes[load > self._infected].sum()]))
            row["infected_marrow [mm^3]"] = float(infected[0]) * self._thick * MM3
            row["bacteria_total [CFU]"] = float(totals[bacteria].sum()) * self._thick * MM3
        for k, p in enumerate(network.marrow):
            about = totals[k] / p.factor, highest[k] / p.factor
            row |= self._columns(p.name, p.unit, *about, self._marrow_volume, AMOUNT.get(p.unit), MM3)
        for k, p in enumerate(network.surface, nm):
            if k - nm == depth_at:
                row["depth.max [um]"] = float(highest[k]) if self._surface_area else 0.0
                row["depth.total [mm^3]"] = row["bone_loss [mm^3]"]  # its mean stands in front
                continue
            sigma0 = self._t.sample.sigma0
            total, most, area = totals[k] / p.factor, highest[k] / p.factor, self._surface_area
            if p.unit in AMOUNT and sigma0 > 0:  # a density in the RVE scale: its areal amount is X / sigma0
                about, amount, size = (total / sigma0, most), AMOUNT[p.unit], MM3
                row |= self._columns(p.name, p.unit, *about, area / sigma0, amount, size)
            elif p.unit == "um":  # a thickness: its amount is a volume
                row |= self._columns(p.name, p.unit, total, most, area, "mm^3", MM3)
            else:
                row |= self._columns(p.name, p.unit, total, most, area, None, MM2)
        row |= derived_columns(self._t, self._s, time, y)
        row |= {f"{name}.residual [1]": value for name, value in residuals.items()}
        return row

    def _columns(
        self, name: str, unit: str, total: float, most: float, domain: float, amount: str | None, size: float
    ) -> dict[str, float]:
        unit_total = amount or (f"{unit} " if unit != "1" else "") + ("mm^3" if size == MM3 else "mm^2")
        return {
            f"{name}.mean [{unit}]": float(total / domain) if domain else 0.0,
            f"{name}.max [{unit}]": float(most) if domain else 0.0,
            f"{name}.total [{unit_total}]": float(total) * self._thick * size,
        }

    def _bone_columns(self, depth: np.ndarray, loss: float, deepest: float) -> dict[str, float]:
        """Collective.

        Args:
            depth: At the surface points of this rank, um.
            loss: Its integral over the whole surface.
            deepest: Its highest value.
        """
        area, tv = self._surface_area, self._bone + self._marrow_volume
        eroded, eroded_volume = self._s.reduce(np.array(self._erosion(depth)))
        return {
            "BV/TV [1]": (self._bone - loss) / tv,
            "bone_loss [mm^3]": loss * self._thick * MM3,
            "bone_loss [%]": 100.0 * loss / self._bone if self._bone else 0.0,
            "depth.mean [um]": loss / area if area else 0.0,
            "E.De.mean [um]": float(eroded_volume / eroded) if eroded else 0.0,
            "E.De.max [um]": deepest if deepest > self._eroded else 0.0,
            "ES/BS [1]": float(eroded / area) if area else 0.0,
        }

    def _erosion(self, depth: np.ndarray) -> tuple[float, float]:
        """Collective: eroded surface of this rank and the volume eroded from it."""
        problem, layout = self._s.problem, self._t.layout
        if isinstance(self._t.sample, WellMixed):
            eroded = float(problem.surface.weight[depth > self._eroded].sum())
            return eroded, eroded * float(depth.sum())
        at = np.zeros((problem.local.rows + problem.local.halo.ghosts, 1))
        at[problem.surface.node, 0] = depth
        problem.local.halo(at)
        v = at[layout.facets, 0] - self._eroded
        if not len(v):
            return 0.0, 0.0
        eroded = float(layout.facet_sizes @ fraction_above(v))
        return eroded, self._eroded * eroded + float(layout.facet_sizes @ _mean_positive_part(v))


def _mean_positive_part(values: np.ndarray) -> np.ndarray:
    """Mean over each segment or triangle of max(v, 0), v linear with the given vertex values."""
    k1 = values.shape[1]
    f = fraction_above(values)
    positive = (values > 0).sum(axis=1)
    out = np.where(positive == k1, values.mean(axis=1), 0.0)
    one = positive == 1
    out[one] = f[one] * values[one].max(axis=1) / k1
    if k1 == 3:
        two = positive == 2
        out[two] = values[two].mean(axis=1) - (1.0 - f[two]) * values[two].min(axis=1) / k1
    return out
