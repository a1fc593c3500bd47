# SPDX-License-Identifier: LGPL-3.0-or-later
"""A row of ``history.csv``: what histomorphometry and microbiology would report at one time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..tissue import Tissue, WellMixed, fraction_above, sizes

_AMOUNT = {"pM": "amol", "nM": "fmol", "cells/mm^3": "cells", "cell/mm^3": "cells", "CFU/mm^3": "CFU"}
_MM3 = 1e-9
_MM2 = 1e-6
_SLICE = 1000.0  # um: 2-D results are per millimetre of thickness


class Measures:
    """Computes rows from whole-sample fields (rank 0).

    Definitions (ASBMR nomenclature, Dempster et al. 2013, J Bone Miner Res 28:2): depth is the net
    eroded depth, positive where bone was lost; depth.mean is its mean over all bone surface; the
    eroded surface is where depth exceeds `eroded_above`; E.De.mean and E.De.max refer to it;
    bone_loss is the integral of depth over the surface; BV/TV follows from it while the surface
    stays in place. infected_marrow is the volume of the nodes at which all bacterial populations
    together exceed `infected_above` (they stay in place, so each node speaks for its own lumped
    volume, as in bacteria_total). 2-D values are per millimetre of thickness.
    """

    def __init__(self, tissue: Tissue, eroded_above: float, infected_above: float):
        self._t = tissue
        self._eroded, self._infected = eroded_above, infected_above
        self._thick = _SLICE if tissue.sample.dimension == 2 else 1.0
        self._marrow_volume = float(tissue.volumes.sum())
        self._surface_area = float(tissue.areas.sum())
        self._bone = tissue.sample.d0 * self._surface_area if self._surface_area else 0.0
        sample = tissue.sample
        if not isinstance(sample, WellMixed):
            self._bone = float(sizes(sample.points, sample.bone).sum())
            surface_points = sample.points[tissue.surface_vertices]
            self._facets = sizes(surface_points, tissue.surface_cells)

    def row(
        self, time: float, marrow: np.ndarray, surface: np.ndarray, residuals: Mapping[str, float]
    ) -> dict[str, float]:
        """Columns in the order of the contract.

        Args:
            time: day.
            marrow: (marrow values, marrow populations), whole sample.
            surface: (surface values, surface populations), whole sample.
            residuals: Population name to its mass-balance residual, relative to its turnover.
        """
        network, roles = self._t.network, self._t.network.roles
        row: dict[str, float] = {"time [day]": time}
        depth_at = next((k for k, p in enumerate(network.surface) if p.name == roles.depth), None)
        if depth_at is not None:
            row |= self._bone_columns(surface[:, depth_at])
        bacteria = [k for k, p in enumerate(network.marrow) if p.name in (roles.bacteria or ())]
        if bacteria:
            load = marrow[:, bacteria].sum(axis=1)
            row["infected_marrow [mm^3]"] = (
                float(self._t.volumes[load > self._infected].sum()) * self._thick * _MM3
            )
            row["bacteria_total [CFU]"] = float(load @ self._t.volumes) * self._thick * _MM3
        for k, p in enumerate(network.marrow):
            values = marrow[:, k] / p.factor
            row |= self._columns(p.name, p.unit, values, self._t.volumes, _AMOUNT.get(p.unit), _MM3)
        for k, p in enumerate(network.surface):
            if k == depth_at:
                row["depth.max [um]"] = float(surface[:, k].max()) if len(surface) else 0.0
                row["depth.total [mm^3]"] = row["bone_loss [mm^3]"]  # its mean stands in front
                continue
            sigma0 = self._t.sample.sigma0
            if p.unit in _AMOUNT and sigma0 > 0:  # a density in the RVE scale: its areal amount is X / sigma0
                weights, amount, size = self._t.areas / sigma0, _AMOUNT[p.unit], _MM3
            else:
                weights, amount, size = self._t.areas, None, _MM2
            row |= self._columns(p.name, p.unit, surface[:, k] / p.factor, weights, amount, size)
        row |= {f"{name}.residual [1]": value for name, value in residuals.items()}
        return row

    def _columns(
        self, name: str, unit: str, values: np.ndarray, weights: np.ndarray, amount: str | None, size: float
    ) -> dict[str, float]:
        total = float(values @ weights)
        domain = float(weights.sum())
        unit_total = amount or (f"{unit} " if unit != "1" else "") + ("mm^3" if size == _MM3 else "mm^2")
        return {
            f"{name}.mean [{unit}]": total / domain if domain else 0.0,
            f"{name}.max [{unit}]": float(values.max(initial=-np.inf)) if len(values) else 0.0,
            f"{name}.total [{unit_total}]": total * self._thick * size,
        }

    def _bone_columns(self, depth: np.ndarray) -> dict[str, float]:
        area, tv = self._surface_area, self._bone + self._marrow_volume
        loss = float(depth @ self._t.areas)
        if isinstance(self._t.sample, WellMixed):
            eroded = area if depth[0] > self._eroded else 0.0
            eroded_volume = eroded * depth[0]
        elif len(depth):
            v = depth[self._t.surface_cells] - self._eroded
            eroded = float(self._facets @ fraction_above(v))
            eroded_volume = self._eroded * eroded + float(self._facets @ _mean_positive_part(v))
        else:
            eroded = eroded_volume = 0.0
        deepest = float(depth.max(initial=0.0))
        return {
            "BV/TV [1]": (self._bone - loss) / tv,
            "bone_loss [mm^3]": loss * self._thick * _MM3,
            "bone_loss [%]": 100.0 * loss / self._bone if self._bone else 0.0,
            "depth.mean [um]": loss / area if area else 0.0,
            "E.De.mean [um]": eroded_volume / eroded if eroded else 0.0,
            "E.De.max [um]": deepest if deepest > self._eroded else 0.0,
            "ES/BS [1]": eroded / area if area else 0.0,
        }


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
