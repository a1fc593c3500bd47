# SPDX-License-Identifier: LGPL-3.0-or-later
"""Kinetics: model files to populations, reactions, and compiled rates with their exact Jacobian."""

from __future__ import annotations

from .composing import Solute
from .consistency import conserved
from .describe import describe
from .held import NEW, OLD, RELEASE, Held
from .instants import instants
from .kernels import Kernels, PointKernel
from .library import library, load_network
from .network import Field, Network, Population
from .parameters import Input
from .roles import Roles

__all__ = [
    "NEW", "OLD", "RELEASE", "Field", "Held", "Input", "Kernels", "Network", "PointKernel", "Population",
    "Roles", "Solute", "conserved", "describe", "instants", "library", "load_network",
]  # fmt: skip
