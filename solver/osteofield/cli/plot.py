# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield plot``: pictures of a results folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError, Problem
from ..parallel import is_root
from .screen import say
from .status import DONE

HELP = "draw pictures of a results folder"
DESCRIPTION = """Draw pictures of a results folder into its subfolder 'pictures': eroded depth on
the bone surface, fields in the marrow, and the history of the run."""
EXAMPLES = """example:
  osteofield plot results/osteomyelitis"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a results folder")


def execute(args: argparse.Namespace) -> int:
    if not args.directory.is_dir():
        raise InputError(Problem("there is no such results folder.", args.directory))
    if not is_root():
        return DONE
    from ..view import plot

    for picture in plot(args.directory):
        say(str(picture))
    return DONE
