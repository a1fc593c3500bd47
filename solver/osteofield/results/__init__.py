# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run leaves on disk: fields for ParaView, history table, checkpoints, record; and reading it back."""

from .checkpoint import Checkpoint
from .earlier import refuse
from .folder import ResultsFolder, prepare
from .log import Log
from .reader import DomainResult, FieldSeries, Result, open_results
from .record import require_record
from .resume import ResumePoint, last_state
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
    "require_record",
]
