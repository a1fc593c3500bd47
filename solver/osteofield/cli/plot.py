# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield plot``: pictures of a results folder."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from ..parallel import is_root
from ..units import UnitError, quantity
from .screen import say
from .status import DONE

HELP = "draw pictures of a results folder"
DESCRIPTION = """Draw pictures of a results folder into its subfolder 'pictures', PNG with 300 dpi. Words
after --what:

  lesion          bone surface coloured by eroded depth, with foci and bacteria
  field NAME      the marrow (or bone surface) coloured by a population; just NAME means the same
  panels [NAME]   sections through the focus: populations by times
  courses [NAME]  time courses
  radial [NAME]   profiles against the distance from each focus: mean and spread
  animation       a film of the lesion and of one population
  all             everything that these results have

Without --what everything but the animation, for the populations that the model asks to show."""
EXAMPLES = """examples:
  osteofield plot results/osteomyelitis
  osteofield plot results/osteomyelitis --what TNF courses panels RANKL OPG -o figures
  osteofield plot results/osteomyelitis --what panels --time "1, 7, 28 day"
  osteofield plot results/osteomyelitis --what animation --film mp4
  osteofield plot results/treated --against results/untreated
  osteofield plot results/osteomyelitis --paraview
  osteofield plot results/osteomyelitis --what lesion --time "14 day" -o figures"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a results folder")
    parser.add_argument(
        "--what", metavar="WORD", nargs="+", action="extend", help="pictures and populations (see above)"
    )
    parser.add_argument(
        "--time", metavar="TIMES", help='output times, such as "14 day", "1, 7, 28 day" or last; default last'
    )
    parser.add_argument(
        "--film", choices=("gif", "mp4"), default="gif", help="kind of film; mp4 needs ffmpeg; default gif"
    )
    parser.add_argument(
        "--against",
        metavar="DIR2",
        type=Path,
        help="another results folder: side by side with one scale, and the difference DIR less DIR2",
    )
    parser.add_argument(
        "--paraview",
        action="store_true",
        help="write the script resorption.py, which sets up the view in ParaView, instead of pictures",
    )
    parser.add_argument("-o", dest="output", metavar="FOLDER", type=Path, help="folder for the pictures")


def read_times(text: str | None) -> list[float] | None:
    """``"1, 7, 28 day"`` in days; ``last`` as NaN; None if nothing was asked for.

    Raises:
        InputError: A part is no time.
    """
    if text is None:
        return None
    parts = [p.strip() for p in text.split(",")]
    unit = re.search(r"[a-zA-Z]+$", parts[-1])
    times, problems = [], []
    for part in parts:
        if part == "last":
            times.append(float("nan"))
            continue
        if unit and part and not re.search(r"[a-zA-Z]", part.replace("e", "")):
            part += f" {unit[0]}"  # "1, 7, 28 day"
        try:
            times.append(quantity(part, "day"))
        except UnitError as e:
            problems.append(Problem(f"{e}.", f"--time {text}"))
    if problems:
        raise InputError(problems)
    return times


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line} ", end="", file=sys.stderr, flush=True)


def execute(args: argparse.Namespace) -> int:
    from ..results import require_record

    problems: list[Problem] = []
    times = None
    try:
        require_record(args.directory)
    except InputError as e:
        problems += e.problems
    try:
        times = read_times(args.time)
    except InputError as e:
        problems += e.problems
    if problems:
        raise InputError(problems)
    if not is_root():
        return DONE
    from ..view import plot, write_paraview

    if args.paraview:
        if args.what or args.time or args.against:
            message = (
                "it writes a script for all times and fields, so it goes without --what, --time, --against."
            )
            raise InputError(Problem(message, "--paraview"))
        say(str(write_paraview(args.directory, args.output)))
        return DONE

    how: dict[str, Any] = {"film": args.film, "told": _progress, "against": args.against}
    for picture in plot(args.directory, what=args.what, time=times, out=args.output, **how):
        say(str(picture))
    return DONE
