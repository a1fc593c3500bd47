# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield report``: one HTML file about a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..parallel import is_root
from .screen import say
from .status import DONE

HELP = "write a self-contained HTML report of a results folder"
DESCRIPTION = """Write one HTML file that opens offline in any browser: the case in words, key numbers
against day 0, an interactive 3-D lesion, pictures, balances, assumptions and provenance. It can be
mailed, printed and archived; it never asks the network for anything."""
EXAMPLES = """examples:
  osteofield report results/osteomyelitis
  osteofield report results/osteomyelitis -o report.html"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a results folder")
    parser.add_argument(
        "-o", dest="output", metavar="FILE", type=Path, help="the HTML file; default DIR/report.html"
    )


def execute(args: argparse.Namespace) -> int:
    if not is_root():
        return DONE
    from ..report import write_report

    def told(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{line} ", end="", file=sys.stderr, flush=True)

    path = write_report(args.directory, args.output, told)
    told("")
    say(str(path))
    return DONE
