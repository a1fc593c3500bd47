# SPDX-License-Identifier: LGPL-3.0-or-later
"""Adaptive, L-stable integration of M dy/dt = -K D y + M r(t, y)."""

from .acceptance import Statistics
from .bdf import Bdf
from .control import StepControl
from .halo import Halo, LocalMatrix
from .history import area
from .problem import Points, Problem
from .rodas import Rodas
from .steady import steady_state
from .system import System

Integrator = Bdf | Rodas
METHODS: dict[str, type[Bdf] | type[Rodas]] = {"bdf": Bdf, "rodas": Rodas}

__all__ = [
    "METHODS",
    "Bdf",
    "Halo",
    "Integrator",
    "LocalMatrix",
    "Points",
    "Problem",
    "Rodas",
    "Statistics",
    "StepControl",
    "System",
    "area",
    "steady_state",
]
