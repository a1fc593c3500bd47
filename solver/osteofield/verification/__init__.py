# SPDX-License-Identifier: LGPL-3.0-or-later
"""Published models held against published numbers: what ``osteofield verify`` runs, draws and writes.

A verification file names a shipped case, runs of it and numbers with their sources. It is at once test,
figure and page: `lines` makes the runs and compares, `write_page` writes page
and figure of the same runs.
"""

from .file import Verification, find, published, read_verification
from .line import Line, shown
from .page import make_folder, write_index, write_page
from .runner import Prepared, by_run, lines, prepare, work_folder

__all__ = [
    "Line",
    "Prepared",
    "Verification",
    "by_run",
    "find",
    "lines",
    "make_folder",
    "prepare",
    "published",
    "read_verification",
    "shown",
    "work_folder",
    "write_index",
    "write_page",
]
