# SPDX-License-Identifier: LGPL-3.0-or-later
"""A self-contained HTML report of a results folder; reads files only."""

from .report import write_report

__all__ = ["write_report"]
