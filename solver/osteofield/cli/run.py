# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield run``: the main job."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ..parallel import end_all_ranks, is_root
from .casefile import case_arguments, located_in, read
from .progress import Mode, ProgressLine
from .screen import warn
from .status import STOPPED

HELP = "run a case"
DESCRIPTION = """Run a case and write what was computed to a folder: fields for ParaView, a
history table, the case with every default written out, and a checkpoint. The same case again
moves the old folder aside and starts afresh; results of another case are never touched. On
several cores: mpiexec -n 2 osteofield run CASE.toml"""
EXAMPLES = """examples:
  osteofield run osteomyelitis.toml
  mpiexec -n 2 osteofield run osteomyelitis.toml -o results/trial --set time.end="7 day"
  osteofield run osteomyelitis_microct.toml --set sample.image=scan.nrrd --set sample.threshold=63
  osteofield run osteomyelitis.toml --resume"""

_LEVELS = {"quiet": "warning", "live": "info", "verbose": "debug"}


def arguments(parser: argparse.ArgumentParser) -> None:
    case_arguments(parser)
    parser.add_argument(
        "-o", dest="directory", metavar="DIR", type=Path, help="results folder; default results/<case name>"
    )
    tell = parser.add_mutually_exclusive_group()
    tell.add_argument("--quiet", action="store_true", help="say nothing unless something is wrong")
    tell.add_argument("--verbose", action="store_true", help="say everything, with a line for every step")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the folder")
    how.add_argument("--overwrite", action="store_true", help="replace the folder instead of moving it aside")


def execute(args: argparse.Namespace) -> int:
    case = read(args.case, args.settings)
    directory = args.directory or Path("results") / case.name
    from ..api import run_case  # brings in DOLFINx: not before the case is known to be right

    mode: Mode = "quiet" if args.quiet else "verbose" if args.verbose else "live"
    line = ProgressLine(mode=mode)
    try:
        with located_in(case), _hearing_the_limit(lambda: line.started, ending=args.own_process):
            outcome = run_case(
                case,
                directory,
                overwrite=args.overwrite,
                resume=args.resume,
                progress=line,
                before_report=line.close,
                level=_LEVELS[mode],
            )
    finally:
        line.close()
    if outcome.exit_status and args.quiet:
        warn(f"{outcome.status} at day {outcome.time:.6g}: {outcome.reason}; results in {directory}")
    return outcome.exit_status


@contextmanager
def _hearing_the_limit(started: Callable[[], bool], *, ending: bool) -> Iterator[None]:
    """Before the first step a scheduler's notice finds nothing to save: say so and end all ranks.

    The job is not queued again, as it would come no further the next time. From the first step on
    the simulation itself hears the signal; between two arms it is kept for the next one. Where the
    process ends with the run (`ending`), a notice that comes late must not spoil its status.
    """
    from ..simulation.interrupt import announce

    def end(_number: int, _frame: FrameType | None) -> None:
        if started():
            announce()
        elif is_root():
            warn(
                "the computation stopped: SIGUSR1 announced the end of the job's time before the first "
                "step, so there is nothing to save; ask for more time (--time)."
            )
            end_all_ranks(STOPPED)

    before = signal.signal(signal.SIGUSR1, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN if ending else before)
