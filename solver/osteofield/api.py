# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole way from a case file to results, for the command line and for Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .arms import check_arms, run_arms
from .case import Case, load_case
from .errors import ComputationStopped
from .ingredients import case_hash, case_network, case_sample, drugs_hash, solutes
from .onecase import Telling, run_one

if TYPE_CHECKING:
    from .results import Result
    from .simulation import Outcome, Progress

__all__ = [
    "case_hash", "case_network", "case_sample", "drugs_hash", "plan", "run", "run_case", "solutes",
]  # fmt: skip


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
) -> Outcome:
    """Collective: run a case, or all its arms, into a folder.

    Args:
        case: What to run.
        directory: Results folder.
        overwrite, resume, progress: See `run`.
        before_report: Called when the integration is over, before its summary is logged.
        screen: Whether the log also goes to the screen (rank 0).
        level: Lowest level of messages that goes there: ``debug``, ``info``, ``warning``.

    Raises:
        InputError: Before anything was computed or written.
    """
    tell = Telling(progress, before_report, screen, level)
    run_it = run_arms if case.arms else run_one
    return run_it(case, directory, tell, overwrite=overwrite, resume=resume)


def plan(case: Case) -> str:
    """What `run_case` would do, after every check that it makes before it starts."""
    from .simulation import describe_arms, describe_plan

    network = case_network(case)
    sample = case_sample(case)
    text = describe_plan(case, network, sample)
    if case.arms:
        check_arms(case, sample)
        text += "\n\n" + describe_arms(case)
    return text
