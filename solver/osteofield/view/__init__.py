# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures of a results folder; reads files only."""

from .paraview import write_paraview
from .plot import plot
from .window import open_window

__all__ = ["open_window", "plot", "write_paraview"]
