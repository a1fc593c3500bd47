# SPDX-License-Identifier: LGPL-3.0-or-later
"""Integrators and workloads by name, so that a process can be told what to do in one line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

from . import cvode, ours, petsc_ts
from .method import Failed, Method, Settings
from .osteoimmune import osteoimmune
from .problem_w import problem_w, ufl_ts
from .reference import scales
from .workload import Workload

METHODS = {m.name: m for m in (ours.METHOD, cvode.METHOD, petsc_ts.BDF, petsc_ts.ROSW, ufl_ts.METHOD)}
PEERS = tuple(name for name in METHODS if name != "ours")
WORKLOADS: dict[str, Callable[..., Workload]] = {"w": problem_w, "osteoimmune": osteoimmune}


@lru_cache(4)
def _workload(kind: str, arguments: tuple[tuple[str, Any], ...]) -> Workload:
    return WORKLOADS[kind](**dict(arguments))


def workload_of(request: dict[str, Any]) -> Workload:
    """The workload that a request describes: ``{"kind": "w", "n": 16}``."""
    rest = {k: v for k, v in request.items() if k != "kind"}
    return _workload(request["kind"], tuple(sorted(rest.items())))


def warm_up(request: dict[str, Any], method: Method, settings: Settings) -> None:
    """Run briefly what is to be timed, on a small mesh, so that all of it is compiled and imported."""
    small = problem_w(12 if method.name == "ours" else 4) if request["kind"] == "w" else osteoimmune(8)
    short = 1e-3
    case = replace(
        small.case,
        time=replace(small.case.time, end=short),
        output=replace(small.case.output, times=(short,)),
    )
    small = replace(small, case=case)
    start = small.start(small.tissue())
    with suppress(Failed):
        method.run(small, start, settings, scales(small))
