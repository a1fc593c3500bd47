# SPDX-License-Identifier: LGPL-3.0-or-later
"""osteofield and a peer in alternating runs, and the advantage that comes out."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from . import process
from .error import LIMIT
from .method import Method
from .reference import LOOSER
from .registry import METHODS
from .search import NoSettings
from .tuning import Log, Meshes, Runner, ensure_reference, tuned
from .worker import Report

COUNTED = (
    "CPU: processor seconds of one thread from the mesh in memory to the last output, set-up included; "
    "imports, compiling and the state at day 0 are not counted, on either side."
)


def compare(
    meshes: Meshes,
    peer: Method,
    pairs: int,
    log: Log = print,
    *,
    renew: bool = False,
    run_peer: Runner | None = None,
) -> int:
    """Tune both sides, run the pairs and print the advantage on the last line.

    Args:
        meshes: The workload, and where settings are searched.
        peer: Against whom.
        pairs: How many pairs; 0: only reference and settings are made ready.
        log: Receives the lines.
        renew: Search settings again.
        run_peer: Runs the peer otherwise than by one worker.

    Returns:
        Exit status: 0; 2 the peer is not installed; 3 an error is too large, so that there is no ratio.
    """
    lacking = peer.missing() or METHODS["cvode"].missing()  # CVODE makes the reference
    if lacking:
        log(lacking)
        return 2
    ours, request = METHODS["ours"], meshes.request
    reference = ensure_reference(request)
    try:
        settings = {
            ours.name: tuned(ours, replace(meshes, coarse=meshes.source or request), log, renew=renew),
            peer.name: tuned(peer, meshes, log, renew=renew, run=run_peer),
        }
    except NoSettings as e:
        log(f"There is no ratio: {e}.")
        return 3
    if not pairs:
        return 0
    log(COUNTED)
    ratios: list[float] = []
    worst = 0.0
    for k in range(pairs):
        runs = {}
        for method in (ours, peer) if k % 2 == 0 else (peer, ours):
            run = one_run(ours) if method is ours else run_peer or one_run(peer)
            runs[method.name] = report = run(request, reference, settings[method.name])
            if report.failed is not None or report.error is None:
                log(f"There is no ratio: {method.title} failed ({report.failed}).")
                return 3
            worst = max(worst, report.error)
            log(f"pair {k + 1}: {method.title}: {describe(report)}")
        ratios.append(runs[peer.name].cpu / runs["ours"].cpu)
        log(f"pair {k + 1}: CPU of the peer / CPU of osteofield = {ratios[-1]:.2f}")
    if worst > LIMIT:
        log(f"There is no ratio: an error of {worst:.2e} exceeds {LIMIT:g}.")
        return 3
    log(f"{statistics.median(ratios):.2f}x")
    return 0


def check_reference(request: dict[str, Any], log: Log = print) -> int:
    """Make the reference where it is not kept, and say how exact it is; 2 where CVODE is not installed."""
    lacking = METHODS["cvode"].missing()
    if lacking:
        log(lacking)
        return 2
    report = process.start({"workload": request, "reference": True, "doubt": True})
    log(
        f"CVODE at {LOOSER:g} times the tolerance of the reference is {report.error:.1e} from it, as the "
        "error of all runs is measured; the reference itself is nearer to the solution."
    )
    return 0


def one_run(method: Method) -> Runner:
    """A method run by one worker."""

    def run(request: dict[str, Any], reference: str, settings: dict[str, Any]) -> Report:
        asked = {"workload": request, "path": reference, "method": method.name, "settings": settings}
        return process.start(asked)

    return run


def describe(report: Report) -> str:
    """A run on one line."""
    facts = ", ".join(f"{k} {v}" for k, v in (report.facts or {}).items())
    error = "not known" if report.error is None else f"{report.error:.2e}"
    return f"error {error}, CPU {report.cpu:.2f} s (set-up {report.setup:.2f} s); {facts}"
