# SPDX-License-Identifier: LGPL-3.0-or-later
"""A network at one well-mixed point, and small model files to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from osteofield.kinetics import Kernels, Network, load_network

SMALL = """\
format = 1
name = "small"
title = "A cytokine in marrow and a cell on bone"
sources = { Someone2000 = "Someone 2000" }

[parameter.d]
value = "2 1/day"
meaning = "loss"
source = "Someone2000"

[parameter.K]
value = "3 nM"
meaning = "half effect"
source = "assumed"

[switch.feedback]
on = true
meaning = "the cytokine feeds back"
source = "assumed"

[input.drug]
unit = "1"
meaning = "drug over Kd"

[quantity]
h = "C/(K + C)"

[population.C]
domain = "marrow"
unit = "pM"
diffusivity = "10 um^2/s"
initial = "1 nM"
scale = "1 pM"
volume = { loss = "-d*C*(1 + drug)" }
surface = { secretion = "feedback*d*B" }

[population.B]
domain = "surface"
unit = "pM"
initial = "1 pM"
scale = "1 pM"
surface = { growth = "d*B*h" }
"""


class WellMixed:
    """A network at one point of marrow in contact with bone, bone volume held."""

    def __init__(self, network: Network):
        self.network, self.kernels = network, Kernels(network)
        self.kernel = self.kernels.surface
        self.names = self.kernel.names
        self.scale = np.array([p.scale for p in network.populations])
        self._nm = len(network.marrow)
        self._g = np.array([[f.initial for f in network.fields]])
        for k, f in enumerate(network.fields):
            if f.name == "half_thickness":
                self._g[0, k] = 1e30
        self._node, self._a = np.zeros(1, np.int32), np.ones(1)

    def _split(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.array([y[: self._nm]]), np.array([y[self._nm :]])

    def rates(self, t: float, y: np.ndarray) -> np.ndarray:
        fm, fs = np.empty((1, self._nm)), np.empty((1, len(y) - self._nm))
        self.kernel.rates(t, self._node, *self._split(y), self._a, self._g, np.zeros((1, 3)), fm, fs)
        return np.concatenate([fm[0], fs[0]])

    def jacobian(self, t: float, y: np.ndarray) -> np.ndarray:
        J = np.empty((1, len(self.kernel.jac_rows)))
        self.kernel.jacobian(t, self._node, *self._split(y), self._a, self._g, np.zeros((1, 3)), J)
        full = np.zeros((len(y), len(y)))
        full[self.kernel.jac_rows, self.kernel.jac_cols] = J[0]
        return full

    def healthy(self, **added: float) -> np.ndarray:
        state = self.network.healthy
        return np.array([state[n] + added.get(n, 0.0) for n in self.names])

    def run(self, y: np.ndarray, days: float, at: list[float] | None = None) -> np.ndarray:
        """State after some days, or states (one per row) at several days."""
        done = solve_ivp(
            self.rates,
            (0.0, days),
            y,
            "BDF",
            t_eval=at,
            jac=self.jacobian,
            rtol=1e-9,
            atol=1e-12 * self.scale,
        )
        assert done.success
        return done.y.T if at else done.y[:, -1]

    def named(self, y: np.ndarray) -> Mapping[str, float]:
        return dict(zip(self.names, map(float, y), strict=True))


@pytest.fixture(scope="session")
def well_mixed() -> Callable[..., WellMixed]:
    """``well_mixed(parameters=..., switches=...)``: the osteoimmune model at one point."""
    return lambda **changes: WellMixed(load_network("osteoimmune", **changes))


@pytest.fixture(scope="session")
def at_one_point() -> Callable[[Network], WellMixed]:
    return WellMixed


@pytest.fixture
def small() -> str:
    """Text of a small sound model file."""
    return SMALL


@pytest.fixture
def load_text(tmp_path: Path) -> Callable[..., Network]:
    """Load a model from text."""

    def load(text: str, **changes: object) -> Network:
        file = tmp_path / "model.toml"
        file.write_text(text)
        return load_network("model", file=file, **changes)  # type: ignore[arg-type]

    return load
