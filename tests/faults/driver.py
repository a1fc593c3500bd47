# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python driver.py PLAN.json ARGUMENTS...``: the osteofield command with a fault that is planned.

The plan names the rank (or all of them) and one of

- ``{"kill": "operation", "n": 37, "how": "before" | "after" | "torn"}``: SIGKILL at the n-th operation on a
  file (writing, syncing, renaming, removing); torn: in the middle of a write;
- ``{"kill": "time", "after": 0.4}``: SIGKILL so many seconds after the first time step has begun;
- ``{"nan": 8}``: after that step a value of the state is no number;
- ``{"raise": 8}``: in that step this rank runs out of memory;
- ``{"largest_file": 40000}``: no file may become longer (bytes), as on a full disk;
- ``{"count": "FILE"}``: writes down how many operations on files there were.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

OPERATIONS = ("pwrite", "write", "fsync", "ftruncate", "replace", "rename", "unlink", "mkdir")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # until it has arrived


class Operations:
    """Counts what is done to files and dies at one of them."""

    def __init__(self, n: int = 0, how: str = "before"):
        self.n, self.how, self.count = n, how, 0
        for name in OPERATIONS:
            setattr(os, name, self.watched(name, getattr(os, name)))

    def watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count != self.n:
                return original(*arguments, **options)
            if self.how == "torn" and name in ("pwrite", "write"):
                fd, data, *rest = arguments
                original(fd, memoryview(data).cast("B")[: len(data) // 2], *rest)
            elif self.how == "after":
                original(*arguments, **options)
            return die()

        return call


def at_step(n: int, act: Callable[[Any], None]) -> None:
    """Do something with the integrator at the begin of the n-th time step of this process."""
    from osteofield.simulation import Simulation

    original, steps = Simulation._step, 0

    def step(self: Any) -> bool:
        nonlocal steps
        steps += 1
        if steps == n:
            act(self._integrator)
        return original(self)

    Simulation._step = step  # type: ignore[method-assign]


def plant_nan(integrator: Any) -> None:
    if len(integrator.y):
        integrator.y[len(integrator.y) // 2] = np.nan


def no_memory(integrator: Any) -> None:
    raise MemoryError("this rank has no memory left")


def prepare(plan: dict[str, Any], rank: int) -> None:
    if "count" in plan:
        operations = Operations()

        def save() -> None:
            with open(plan["count"], "w", encoding="utf-8") as f:
                f.write(str(operations.count))

        import atexit

        atexit.register(save)
    if plan.get("rank", 0) not in (rank, "all"):
        return
    if plan.get("kill") == "operation":
        Operations(plan["n"], plan["how"])
    elif plan.get("kill") == "time":
        at_step(1, lambda _: threading.Timer(plan["after"], die).start())
    if "nan" in plan:
        at_step(plan["nan"], plant_nan)
    if "raise" in plan:
        at_step(plan["raise"], no_memory)
    if "largest_file" in plan:  # not before MPI has made its own files
        limit = (plan["largest_file"], resource.RLIM_INFINITY)
        at_step(1, lambda _: resource.setrlimit(resource.RLIMIT_FSIZE, limit))


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as f:
        plan = json.load(f)
    prepare(plan, int(os.environ.get("PMI_RANK", "0")))
    from osteofield.cli import main as osteofield

    if int(os.environ.get("PMI_SIZE", "1")) > 1:  # every rank writes, however small the sample
        from osteofield.parallel import load_mpi

        load_mpi()
        from osteofield.tissue import gather

        gather.SHARE = 16
    return osteofield(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
