# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run leaves on disk: fields for ParaView, history table, checkpoints, record; and reading it back."""

from .checkpoint import Checkpoint
from .folder import ResultsFolder, ResumePoint, last_state, prepare, refuse
from .log import Log
from .reader import DomainResult, FieldSeries, Result, open_results
from .shown import Shown

__all__ = [
    "Checkpoint",
    "DomainResult",
    "FieldSeries",
    "Log",
    "Result",
    "ResultsFolder",
    "ResumePoint",
    "Shown",
    "last_state",
    "open_results",
    "prepare",
    "refuse",
]
