# SPDX-License-Identifier: LGPL-3.0-or-later
"""Adaptive, L-stable integration of M dy/dt = -K D y + M r(t, y)."""

from .control import StepControl
from .halo import Halo, LocalMatrix
from .rodas import Rodas, Statistics
from .steady import steady_state
from .system import Points, Problem, System

__all__ = [
    "Halo",
    "LocalMatrix",
    "Points",
    "Problem",
    "Rodas",
    "Statistics",
    "StepControl",
    "System",
    "steady_state",
]
