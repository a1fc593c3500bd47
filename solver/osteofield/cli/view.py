# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield view``: a window on a results folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..parallel import is_root
from .status import DONE

HELP = "open a window to turn, cut and follow a result in"
DESCRIPTION = """Open a window with the bone surface coloured by eroded depth, or with one population, and the
infected marrow: turn it with the mouse, move the cut plane by its arrow, and choose the time with
the slider. Without a display it says what to do instead."""
EXAMPLES = """examples:
  osteofield view results/osteomyelitis
  osteofield view results/osteomyelitis TNF"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a results folder")
    parser.add_argument("name", metavar="NAME", nargs="?", help="population to colour by; default the depth")


def execute(args: argparse.Namespace) -> int:
    if is_root():
        from ..view import open_window

        open_window(args.directory, args.name)
    return DONE
