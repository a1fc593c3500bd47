# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield plot``: pictures of a results folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import InputError, Problem
from ..parallel import is_root
from ..units import UnitError, quantity
from .screen import say
from .status import DONE

HELP = "draw pictures of a results folder"
DESCRIPTION = """Draw pictures of a results folder into its subfolder 'pictures': eroded depth on
the bone surface, fields in the marrow, and the history of the run."""
EXAMPLES = """examples:
  osteofield plot results/osteomyelitis
  osteofield plot results/osteomyelitis TNF RANKL history --time "14 day" -o figures"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a results folder")
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="populations to draw, or 'history' for the time courses; by default what the model shows",
    )
    parser.add_argument(
        "--time", metavar="TIME", help="draw the output nearest to this time; default the last"
    )
    parser.add_argument("-o", dest="output", metavar="FOLDER", type=Path, help="folder for the pictures")


def execute(args: argparse.Namespace) -> int:
    problems = []
    time = None
    if not args.directory.is_dir():
        problems.append(Problem("there is no such results folder.", args.directory))
    if args.time is not None:
        try:
            time = quantity(args.time, "day")
        except UnitError as e:
            problems.append(Problem(f"{e}.", f"--time {args.time}"))
    if problems:
        raise InputError(problems)
    if not is_root():
        return DONE
    from ..view import plot

    for picture in plot(args.directory, what=args.names or None, time=time, out=args.output):
        say(str(picture))
    return DONE
