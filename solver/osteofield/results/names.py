# SPDX-License-Identifier: LGPL-3.0-or-later
"""Names of what lies in a results folder."""

from __future__ import annotations

CHECKPOINTS = "checkpoints"
REQUEST = "checkpoint"  # `touch DIR/checkpoint` asks a running job for one
PICTURES = "pictures"
HISTORY = "history.csv"
BUDGET = "budget.csv"
RESOLVED = "case.resolved.toml"
LOG = "log.txt"
SERIES = ("marrow", "surface")
IMPLANT, AT_MARROW = "implant", "at_marrow"
