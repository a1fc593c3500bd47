# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole way from a case file to results, for the command line and for Python."""

from __future__ import annotations

import hashlib
import platform
import time as clock
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, nullcontext
from importlib import metadata
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from .case import Case, check_names, load_case
from .continuation import EndState, may_go_on, on_root, shared
from .errors import ComputationStopped, InputError
from .kinetics import Held, Network, Solute, load_network
from .parallel import stack_versions, world

if TYPE_CHECKING:
    from mpi4py import MPI

    from .geometry import Piece
    from .results import Result, ResultsFolder
    from .simulation import Outcome, Progress
    from .tissue import WellMixed


def run(
    case: str | Path | Case,
    directory: str | Path | None = None,
    *,
    settings: Sequence[str] = (),
    overwrite: bool = False,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Run a case and open its results.

    Args:
        case: A case file, or one already loaded.
        directory: Results folder; by default ``results/<case name>``.
        settings: ``"key=value"`` changes of the case, as on the command line.
        overwrite: Replace earlier results of this case instead of moving them aside.
        resume: Go on from the last checkpoint in the folder.
        progress: Called after every time step on rank 0.

    Returns:
        History, fields and facts, read from the folder.

    Raises:
        InputError: The input is wrong; nothing was started.
        ComputationStopped: The computation could not reach its end; what was written stays.
    """
    loaded = case if isinstance(case, Case) else load_case(case, settings)
    folder = Path(directory) if directory is not None else Path("results") / loaded.name
    outcome = run_case(loaded, folder, overwrite=overwrite, resume=resume, progress=progress, screen=False)
    if outcome.status != "done":
        raise ComputationStopped(f"{outcome.reason} (results and a checkpoint are in {folder})")
    from .results import open_results

    return open_results(folder)


def run_case(
    case: Case,
    directory: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
    before_report: Callable[[], None] = lambda: None,
    screen: bool = True,
    level: str = "info",
    sample: Piece | WellMixed | None = None,
) -> Outcome:
    """Collective: run a case, or all its arms, into a folder.

    Args:
        case: What to run.
        directory: Results folder.
        overwrite, resume, progress: See `run`.
        before_report: Called when the integration is over, before its summary is logged.
        screen: Whether the log also goes to the screen (rank 0).
        level: Lowest level of messages that goes there: ``debug``, ``info``, ``warning``.
        sample: The sample of the case where it is known already.

    Raises:
        InputError: Before anything was computed or written.
    """
    if case.arms:
        from .arms import run_arms

        return run_arms(
            case, directory, overwrite=overwrite, resume=resume, progress=progress,
            before_report=before_report, screen=screen, level=level,
        )  # fmt: skip
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
            options = {"identity": identity, "keep": case.checkpoint.keep, "screen": screen}
            options["log_level"] = level
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
            outcome = simulation.run(folder, progress=progress, restored=restored, record=_record(case, comm))
            before_report()
            _report(outcome, sample.dimension, directory, log)
    return outcome


def plan(case: Case) -> str:
    """What `run_case` would do, after every check that it makes before it starts."""
    from .simulation import describe_arms, describe_plan

    network = case_network(case)
    sample = case_sample(case)
    text = describe_plan(case, network, sample)
    if case.arms:
        from .arms import check_arms

        check_arms(case, sample)
        text += "\n\n" + describe_arms(case)
    return text


def case_network(case: Case) -> Network:
    """The model of a case with its parameters; names in the case are checked against it.

    Raises:
        InputError: With every problem found.
    """
    m = case.model
    network = load_network(
        m.name, file=m.file, parameters=m.parameters, switches=m.switches, origin=case.source,
        solutes=solutes(case),
        held=[Held(h.name, h.concentration, h.in_new_bone, h.instead_of) for h in case.held],
    )  # fmt: skip
    problems = check_names(case, network)
    if problems:
        raise InputError(problems)
    return network


def solutes(case: Case) -> list[Solute]:
    """The drugs of a case that diffuse in marrow: those that arrive so, that a face or bone sets free."""
    agents = {t.agent.name: t.agent for t in case.therapies if t.agent and t.arrives == "by diffusion"}
    agents |= {name: drug for face in case.faces for name, drug in face.releases.items()}
    agents |= {h.drug.name: h.drug for h in case.held if h.drug}
    return [
        Solute(n, a.acts_on, a["half_effect"], a["diffusivity"], a["exchange"]) for n, a in agents.items()
    ]


def case_sample(
    case: Case, log: Callable[[str], None] = lambda line: None, comm: MPI.Comm | None = None
) -> Piece | WellMixed:
    """Collective: this rank's piece of the sample of a case, with the foci checked.

    Args:
        case: What it is a sample for.
        log: Hears, on every rank, what was done to make it.
        comm: Ranks that share it; by default this process has it alone.

    Raises:
        InputError: With every problem found.
    """
    from .geometry import build_piece
    from .simulation import check_faces, check_foci, check_places
    from .tissue import WellMixed

    spec = case.sample
    if spec.well_mixed:
        return WellMixed(spec.bone_surface_density, spec.bone_thickness)
    piece = build_piece(spec, comm, origin=case.surface == "moves", log=log)
    problems = [*check_foci(case, piece), *check_faces(case, piece), *check_places(case, piece)]
    if problems:
        raise InputError(problems)
    return piece


def case_hash(case: Case, network: Network) -> str:
    """Hash of everything that decides what a run computes: case, model, drug files."""
    text = f"{case.resolved}\0{network.source_hash}\0{drugs_hash(case)}"
    return hashlib.sha256(text.encode()).hexdigest()


def drugs_hash(case: Case) -> str:
    """Hash of the drug files of a case."""
    agents = [
        (t.agent.name, sorted((k, n.value) for k, n in t.agent.numbers.items()))
        for t in case.therapies
        if t.agent
    ]
    return hashlib.sha256(str(agents).encode()).hexdigest()


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


def _report(outcome: Outcome, dimension: int, directory: Path, log: Callable[[str], None]) -> None:
    s, t = outcome.steps, outcome.timings
    integration = t.get("integration", 0.0)
    per = integration / max(s["accepted"] + s["rejected"], 1)
    lines = [f"{outcome.status} at day {outcome.time:.6g}: {outcome.reason}"]
    numbers = outcome.numbers(dimension)
    lines += [f"  {label:<16}{text}" for label, text in numbers]
    lines.append(
        f"{s['accepted']} steps ({s['rejected']} rejected), "
        f"{s['iterations'] / max(s['solves'], 1):.1f} iterations per solve, {per:.3g} s per step; "
        f"sample {t.get('sample', 0):.1f} s, tissue {t.get('tissue', 0):.1f} s, "
        f"homeostasis {t.get('homeostasis', 0):.1f} s, integration {integration:.1f} s; "
        f"{t['memory_MB']:.0f} MB"
    )
    lines.append(f"results in {directory}" + (f"; osteofield plot {quote(str(directory))}" * bool(numbers)))
    log("\n".join(lines))
