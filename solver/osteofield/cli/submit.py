# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield submit``: a case as a Slurm job."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..case import Case
from ..errors import InputError, Problem
from ..parallel import is_root
from .casefile import case_arguments, read
from .screen import say
from .status import DONE

if TYPE_CHECKING:
    from ..batch import Job, Profile, Resources, Variant

HELP = "write, and with --now send, the Slurm job of a case"
DESCRIPTION = """Write the Slurm script that runs a case, to be read, edited and sent with sbatch; --now
sends it at once. Before the time limit the job writes a checkpoint, is queued again and goes on.
The case is validated first. How osteofield is activated on a compute node, and the options that
all your jobs share, stand in ~/.config/osteofield/profile.toml; without it the job uses the
environment that this command runs in."""
EXAMPLES = """examples:
  osteofield submit case.toml --ranks 16 --time 12:00:00 --partition short
  osteofield submit case.toml --nodes 4 --ranks 256 --time 2-00 --mem 64G --now
  osteofield submit case.toml --time 4:00:00 --array 'focus.0.load=10 CFU/mm^3,100 CFU/mm^3,1000 CFU/mm^3'"""


def arguments(parser: argparse.ArgumentParser) -> None:
    case_arguments(parser)
    ask = parser.add_argument_group("what the job asks for")
    ask.add_argument(
        "--time", metavar="LIMIT", required=True, help="time limit, as in 12:00:00 or 2-12 (days-hours)"
    )
    ask.add_argument("--nodes", metavar="N", type=int, default=1, help="number of nodes; default 1")
    ask.add_argument("--ranks", metavar="R", type=int, help="MPI ranks over all nodes; default one per node")
    ask.add_argument(
        "--mem", metavar="M", help="memory per node, for example 16G ('osteofield check' estimates it)"
    )
    ask.add_argument("--partition", metavar="P", help="default: that of the profile, or Slurm's own")
    ask.add_argument("--account", metavar="A", help="default: that of the profile, or Slurm's own")
    ask.add_argument(
        "--notice",
        metavar="S",
        type=float,
        help="seconds before the limit at which the run writes its checkpoint and stops; default a tenth of "
        "the limit, at most 300",
    )
    many = parser.add_argument_group("variants")
    many.add_argument(
        "--array",
        metavar="key=v1,v2,...",
        action="append",
        default=[],
        help="a job array with one task for every value; repeated: for every combination",
    )
    many.add_argument(
        "--at-once", metavar="N", type=int, help="so many tasks of the array at a time, at most"
    )
    parser.add_argument(
        "-o", dest="directory", metavar="DIR", type=Path, help="results folder; default results/<case name>"
    )
    parser.add_argument("--script", metavar="FILE", type=Path, help="default <case name>.sbatch")
    parser.add_argument("--profile", metavar="FILE", type=Path, help="another profile than your own")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in the results folder"
    )
    how.add_argument(
        "--overwrite", action="store_true", help="replace old results instead of moving them aside"
    )
    parser.add_argument("--now", action="store_true", help="send it with sbatch")


def execute(args: argparse.Namespace) -> int:
    if not is_root():
        return DONE
    from .. import batch
    from ..results.names import CHECKPOINTS

    job, asked, profile, case = _checked(args)
    launcher = batch.find_launcher()
    launch = profile.launch or (launcher.srun if launcher else "srun")
    pattern = f"{'*/' if case.arms else ''}{CHECKPOINTS}/*.h5"
    command = shlex.join(["osteofield", *sys.argv[1:]])
    text = batch.job_script(job, asked, profile, launch, command, pattern)
    script = args.script or Path(f"{job.name}.sbatch")
    _write(script, text)
    if not args.now:
        say(f"{script} written; send it with: sbatch {shlex.quote(str(script))}")
        return DONE
    number = batch.send(script)
    say(f"{script} written and sent as job {number}; its log: {_log(job, number)}")
    say(f"How it stands: squeue -j {number}; to end it: scancel {number}")
    return DONE


def _checked(args: argparse.Namespace) -> tuple[Job, Resources, Profile, Case]:
    """All that was asked for, or every problem of it.

    Raises:
        InputError: With the problems of case, variants, profile and resources together.
    """
    from .. import batch

    problems: list[Problem] = []
    variants: tuple[Variant, ...] = ()
    profile = batch.Profile()
    try:
        variants = batch.read_variants(args.array)
    except InputError as e:
        problems += e.problems
    try:
        profile = batch.read_profile(args.profile)
    except InputError as e:
        problems += e.problems
    case = _valid_case(args.case, args.settings, variants, problems)
    seconds = batch.duration(args.time) or 0.0
    notice = args.notice if args.notice is not None else profile.notice
    asked = batch.Resources(
        time=args.time,
        nodes=args.nodes,
        ranks=args.nodes if args.ranks is None else args.ranks,
        partition=args.partition or profile.partition,
        account=args.account or profile.account,
        memory=args.mem or profile.memory,
        notice=min(batch.LONGEST_NOTICE, seconds / 10) if notice is None else notice,
    )
    problems += batch.check_resources(asked)
    if args.at_once is not None and (args.at_once < 1 or not args.array):
        message = "at least 1 is needed." if args.array else "this is a limit for the tasks of an --array."
        problems.append(Problem(message, f"--at-once {args.at_once}"))
    if args.now:
        try:
            batch.check_sbatch()
        except InputError as e:
            problems += e.problems
    if problems or case is None:
        raise InputError(problems)
    default = Path("results") / (f"{case.name}-array" if variants else case.name)
    job = batch.Job(
        name=case.name,
        title=case.title,
        case=args.case,
        results=str(args.directory or default),
        settings=tuple(args.settings),
        variants=variants,
        at_once=args.at_once,
        resume=args.resume,
        overwrite=args.overwrite,
    )
    return job, asked, profile, case


def _valid_case(
    path: str, settings: Sequence[str], variants: Sequence[Variant], problems: list[Problem]
) -> Case | None:
    """The case, once every variant of it has been read."""
    case = None
    for variant in [v.settings for v in variants] or [()]:
        typed = {f"--set {s}": f"--array {s}" for s in variant}
        try:
            case = read(path, [*settings, *variant])
        except InputError as e:
            found = [replace(p, file=typed.get(str(p.file), p.file)) for p in e.problems]
            problems += [p for p in found if p not in problems]
    return case


def _write(script: Path, text: str) -> None:
    """Write the script; another one of that name is kept under another name."""
    try:
        if script.exists() and script.read_text(encoding="utf-8") != text:
            n = 1
            while (aside := script.with_name(f"{script.name}.{n}")).exists():
                n += 1
            script.rename(aside)
            say(f"The script that was there is now {aside}.")
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        said = e.strerror if isinstance(e, OSError) else "what is there is no text"
        raise InputError(Problem(f"the script cannot be written: {said}.", script)) from None


def _log(job: Job, number: str) -> str:
    return f"{job.name}-{number}_N.log, N for each task" if job.variants else f"{job.name}-{number}.log"
