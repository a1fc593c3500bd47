# SPDX-License-Identifier: LGPL-3.0-or-later
"""The numbers behind compiled rates: parameters, geometry, and inputs that may change with time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .evaluation import Evaluation
from .network import Network

Course = Callable[[float], tuple[Mapping[str, float], Mapping[str, float]]]
"""Of a time (day): levels of inputs, and their derivatives by time, both in internal units."""

_STEP = 1e-20  # of the complex step that carries derivatives


class Numbers:
    """One array that all kernels of a network read, and that follows the inputs through time.

    Behind the one-number symbols of the network stand the time derivatives of those that inputs drive
    (`Network.driven`), so that time derivatives of rates are exact where a drug level changes.

    Attributes:
        array: What the compiled code reads.
        inputs: Present levels, internal units.
    """

    def __init__(self, network: Network):
        self._network = network
        self.inputs: dict[str, float] = {i.name: i.default for i in network.inputs}
        self._slopes: Mapping[str, float] = {}
        self._course: Course | None = None
        self._at = np.nan
        names = list(network.uniform({}))
        self._count = len(names)
        self._driven = [(names.index(n), n) for n in network.driven]
        self.array = np.zeros(self._count + len(self._driven))
        self._fill()

    @property
    def network(self) -> Network:
        """The network with the geometry in use."""
        return self._network

    def set(self, levels: Mapping[str, float]) -> None:
        """Set some inputs, constant from now on; the others stay.

        Raises:
            KeyError: The model has no such input.
        """
        for name in levels:
            if name not in self.inputs:
                raise KeyError(f"model '{self._network.name}' has no input '{name}'")
        self._course, self._slopes = None, {}
        self.inputs.update({n: float(v) for n, v in levels.items()})
        self._follow_inputs()

    def follow(self, course: Course) -> None:
        """Take the inputs from a function of time from now on."""
        self._course, self._at = course, np.nan

    def bind(self, network: Network) -> None:
        """Use the numbers of the same network on another geometry."""
        self._network = network
        self._fill()

    def at(self, t: float) -> None:
        """Bring the inputs to a time; to be called before compiled code is."""
        if self._course is None or t == self._at:
            return
        self._at = t
        levels, slopes = self._course(t)
        if levels != self.inputs or slopes != self._slopes:
            self.inputs.update(levels)
            self._slopes = slopes
            self._follow_inputs()

    def _fill(self) -> None:
        values = self._network.uniform(self.inputs)
        self.array[: self._count] = list(values.values())
        driven = {name for _, name in self._driven}
        self._fixed = {n: v for n, v in values.items() if n not in driven}
        self._follow_inputs()

    def _follow_inputs(self) -> None:
        """Recompute what depends on inputs; the complex part carries the derivative by time."""
        moving = {i: complex(v, _STEP * self._slopes.get(i, 0.0)) for i, v in self.inputs.items()}
        values = Evaluation(self._network.definitions, {**self._fixed, **moving})
        with np.errstate(all="ignore"):
            for k, (place, name) in enumerate(self._driven):
                value = complex(values(name))
                self.array[place] = value.real
                self.array[self._count + k] = value.imag / _STEP
