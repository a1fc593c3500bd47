# SPDX-License-Identifier: LGPL-3.0-or-later
"""One case run into one folder."""

from __future__ import annotations

import platform
import time as clock
from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from .case import Case
from .continuation import EndState, may_go_on, on_root, shared
from .ingredients import case_hash, case_network, case_sample, drugs_hash
from .parallel import stack_versions, world

if TYPE_CHECKING:
    from .geometry import Piece
    from .results import ResultsFolder
    from .simulation import Outcome, Progress
    from .tissue import WellMixed


@dataclass(frozen=True)
class Telling:
    """Who hears how a run goes.

    Attributes:
        progress: Called after every time step on rank 0.
        before_report: Called when the integration is over, before its summary is logged.
        screen: Whether the log also goes to the screen (rank 0).
        level: Lowest level of messages that goes there: ``debug``, ``info``, ``warning``.
    """

    progress: Callable[[Progress], None] | None = None
    before_report: Callable[[], None] = lambda: None
    screen: bool = True
    level: str = "info"


def run_one(
    case: Case,
    directory: Path,
    tell: Telling,
    *,
    overwrite: bool = False,
    resume: bool = False,
    sample: Piece | WellMixed | None = None,
) -> Outcome:
    """Collective: run a case without arms into a folder.

    Args:
        case: What to run.
        directory: Results folder.
        tell: Who hears of it.
        overwrite: Replace earlier results of this case instead of moving them aside.
        resume: Go on from the last checkpoint in the folder.
        sample: The sample of the case where it is known already.

    Raises:
        InputError: Before anything was computed or written.
    """
    from .results import Log, ResumePoint, prepare, refuse
    from .simulation import Simulation, describe_start

    begun = clock.perf_counter()
    comm = world()
    network = case_network(case)
    identity = {"case": case.resolved, "model": network.source_hash, "drugs": drugs_hash(case)}
    notes: list[str] = []
    with ExitStack() as stack:

        def find() -> ResumePoint:
            point = stack.enter_context(closing(ResumePoint(directory, case.name)))
            may_go_on(point.checkpoint, case, identity)
            return point

        point: ResumePoint | None = None
        if resume:
            point = on_root(comm, find)
        else:
            on_root(comm, lambda: refuse(directory, case.name))
        sample = sample or case_sample(case, notes.append, comm)
        identity["sample"] = getattr(sample, "hash", "")
        start = None
        if case.start is not None and not resume:
            source = on_root(comm, lambda: stack.enter_context(closing(EndState(case, network, identity))))
            start = shared(comm, source.checkpoint if source else None)
            notes.append(f"start: the end of the run in {case.start}")

        def make() -> ResultsFolder:
            options = {"identity": identity, "keep": case.checkpoint.keep, "screen": tell.screen}
            options["log_level"] = tell.level
            fingerprint = case_hash(case, network)
            if point is None:
                return prepare(directory, case.name, fingerprint, overwrite, **options)
            may_go_on(point.checkpoint, case, identity)
            return point.open(fingerprint, **options)

        folder = on_root(comm, make)
        log: Log = Log.silent() if folder is None else folder.log
        restored = shared(comm, folder.resume_from if folder else None) if resume else None
        read = clock.perf_counter() - begun
        with folder or nullcontext():  # notes in run.json how it ended, also after an error
            log(describe_start(case, network, sample, comm.size))
            for line in notes:
                log.debug(line)
            simulation = Simulation(case, network, network.in_health(), sample, comm, log, start)
            simulation.timings["sample"] = read
            outcome = simulation.run(
                folder, progress=tell.progress, restored=restored, record=_record(case, comm)
            )
            tell.before_report()
            _report(outcome, sample.dimension, directory, log, restored is not None)
    return outcome


def _record(case: Case, comm: Any) -> dict[str, Any]:
    """Facts for ``run.json``: case, versions, machine-independent."""
    import numpy
    from mpi4py import MPI

    try:
        own = metadata.version("osteofield")
    except metadata.PackageNotFoundError:
        own = "not installed"
    versions = {
        "osteofield": own,
        **stack_versions(),
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "MPI": MPI.Get_library_version().splitlines()[0].strip().strip("\0"),
    }
    return {
        "case": {"file": str(case.path), "title": case.title},
        "resolved": case.resolved,
        "versions": versions,
        "ranks": comm.size,
    }


def _report(
    outcome: Outcome, dimension: int, directory: Path, log: Callable[[str], None], resumed: bool
) -> None:
    s, t = outcome.steps, outcome.timings
    integration = t.get("integration", 0.0)
    steps = s["accepted"] + s["rejected"]
    per = "" if resumed else f", {integration / max(steps, 1):.3g} s per step"  # steps count from day 0
    lines = [f"{outcome.status} at day {outcome.time:.6g}: {outcome.reason}"]
    numbers = outcome.numbers(dimension)
    lines += [f"  {label:<16}{text}" for label, text in numbers]
    lines.append(
        f"{s['accepted']} steps ({s['rejected']} rejected), "
        f"{s['iterations'] / max(s['solves'], 1):.1f} iterations per solve{per}; "
        f"sample {t.get('sample', 0):.1f} s, tissue {t.get('tissue', 0):.1f} s, "
        f"homeostasis {t.get('homeostasis', 0):.1f} s, integration {integration:.1f} s; "
        f"{t['memory_MB']:.0f} MB"
    )
    lines.append(f"results in {directory}" + (f"; osteofield plot {quote(str(directory))}" * bool(numbers)))
    log("\n".join(lines))
