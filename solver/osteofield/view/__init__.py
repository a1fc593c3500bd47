# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures of a results folder; reads files only."""

from .plot import plot

__all__ = ["plot"]
