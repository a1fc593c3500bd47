# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a job asks for: nodes, ranks, time, memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import Problem

_CLOCK = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")
_MEMORY = re.compile(r"\d+[KMGT]?")
LONGEST_NOTICE = 300.0  # seconds; a tenth of the time where that is less


@dataclass(frozen=True)
class Resources:
    """As they stand in the script.

    Attributes:
        time: Time limit, in a form that Slurm reads.
        nodes: Number of nodes.
        ranks: MPI ranks over all nodes.
        partition, account, memory: None leaves them to Slurm.
        notice: Seconds before the limit at which the job is told.
    """

    time: str
    nodes: int = 1
    ranks: int = 1
    partition: str | None = None
    account: str | None = None
    memory: str | None = None
    notice: float = LONGEST_NOTICE


def duration(text: str) -> float | None:
    """Seconds of a Slurm time limit (``90``, ``12:00:00``, ``2-12``, ``1-06:30``); None if it is none.

    A single number counts minutes, two numbers are minutes and seconds; after days and a dash they
    are hours, minutes and seconds.
    """
    m = _CLOCK.fullmatch(text.strip())
    if not m:
        return None
    days, *parts = (None if x is None else int(x) for x in m.groups())
    numbers = [x for x in parts if x is not None]
    if days is not None:
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
    elif len(numbers) == 3:
        hours, minutes, seconds = numbers
    else:
        hours, (minutes, seconds) = 0, (*numbers, 0)[:2]
    if (len(numbers) > 1 or days is not None) and (seconds > 59 or (minutes > 59 and len(numbers) == 3)):
        return None
    total = (((days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
    return float(total)


def check_resources(asked: Resources) -> list[Problem]:
    """Everything that Slurm or the run could not live with."""
    problems = []
    seconds = duration(asked.time)
    if not seconds:
        message = (
            "this is not a time limit; write hours:minutes:seconds as in 12:00:00, "
            "days-hours as in 2-12, or minutes."
        )
        problems.append(Problem(message, f"--time {asked.time}"))
    elif asked.notice >= seconds:
        message = (
            f"a notice of {asked.notice:g} s leaves nothing of a time limit of {seconds:g} s; "
            "give more time or a shorter notice."
        )
        problems.append(Problem(message, f"--time {asked.time}"))
    for name, number in (("nodes", asked.nodes), ("ranks", asked.ranks)):
        if number < 1:
            problems.append(Problem("at least 1 is needed.", f"--{name} {number}"))
    if 0 < asked.ranks < asked.nodes:
        message = (
            f"{asked.ranks} rank(s) cannot keep {asked.nodes} nodes busy; --ranks counts those of all nodes."
        )
        problems.append(Problem(message, f"--nodes {asked.nodes}"))
    if asked.memory is not None and not _MEMORY.fullmatch(asked.memory):
        message = "memory per node is a whole number with K, M, G or T, for example 16G."
        problems.append(Problem(message, f"--mem {asked.memory}"))
    for name, word in (("partition", asked.partition), ("account", asked.account)):
        if word is not None and not re.fullmatch(r"[\w.,@+-]+", word):
            problems.append(
                Problem(f"this is no name of a{'n' * (name == 'account')} {name}.", f"--{name} {word}")
            )
    return problems
