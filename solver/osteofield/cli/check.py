# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield check``: everything but the computation."""

from __future__ import annotations

import argparse

from .casefile import case_arguments, located_in, read
from .screen import say
from .status import DONE

HELP = "validate a case and print what would run"
DESCRIPTION = """Read and validate a case with its sample and model, and print what would run:
sizes, memory, populations, schedule. Takes seconds and writes nothing. Every problem is listed
with its file, line and key."""
EXAMPLES = """examples:
  osteofield check osteomyelitis.toml
  osteofield check osteomyelitis.toml --set sample.cell_size="40 um" """


def arguments(parser: argparse.ArgumentParser) -> None:
    case_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    case = read(args.case, args.settings)
    from ..api import plan

    with located_in(case):
        say(plan(case))
    return DONE
