# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield doctor``: does everything work here, and what to do if not."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import textwrap
from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from ..parallel import is_root
from .screen import say, warn
from .status import DONE, STOPPED

if TYPE_CHECKING:
    from ..diagnosis import Finding

HELP = "try out what osteofield needs on this machine"
DESCRIPTION = """Try out what osteofield needs on this machine: a C compiler, DOLFINx and PETSc, MPI (two
ranks are really started), the cache for compiled code; and what some verbs use besides: pictures,
SBML, Slurm. Every fault comes with a remedy. Nothing is left behind."""
EXAMPLES = """examples:
  osteofield doctor
  srun --ntasks=1 osteofield doctor     the same on a compute node

exit status: 0 'osteofield run' has what it needs, 3 something of that fails"""

_COLOURS = {"ok": "32", "fails": "31;1", "absent": "33"}
_WORDS = {"ok": "ok", "fails": "FAILS", "absent": "absent"}


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def execute(args: argparse.Namespace) -> int:
    if not is_root():
        return DONE
    from ..diagnosis import needed, useful

    say(_machine())
    say("\nneeded to run a case")
    failed = _show(needed())
    say("\nneeded for pictures, jobs, imports")
    _show(useful())
    say()
    if failed:
        warn(f"a run cannot work here: {', '.join(failed)}.")
        return STOPPED
    say("osteofield can run here.")
    return DONE


def _show(findings: Iterable[Finding]) -> list[str]:
    """Print each as soon as it is known; the names of those that fail."""
    width = min(shutil.get_terminal_size().columns, 110)
    failed = []
    for finding in findings:
        if finding.state == "fails":
            failed.append(finding.what)
        label = f"{_WORDS[finding.state]:<8}"
        text = textwrap.wrap(finding.found, width - 27) or [""]
        say(f"  {_coloured(label, _COLOURS[finding.state])}{finding.what:<16} {text[0]}")
        remedy = textwrap.wrap(finding.remedy, width - 30)
        for line in [*text[1:], *(f"{'-> ' if n == 0 else '   '}{x}" for n, x in enumerate(remedy))]:
            say(f"{'':<27}{line}")
    return failed


def _coloured(text: str, code: str) -> str:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def _machine() -> str:
    try:
        version = metadata.version("osteofield")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"osteofield {version}, Python {platform.python_version()} ({sys.prefix}), "
        f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GB of memory"
    )
