# SPDX-License-Identifier: LGPL-3.0-or-later
"""Running the arms of a case one after the other, and comparing them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from .case import Case
from .continuation import differences, on_root
from .errors import InputError, Problem
from .ingredients import case_hash, case_network, case_sample, drugs_hash
from .onecase import Telling, run_one
from .parallel import world

if TYPE_CHECKING:
    from .geometry import Piece
    from .kinetics import Network
    from .simulation import Outcome
    from .tissue import WellMixed


def run_arms(
    case: Case,
    directory: Path,
    tell: Telling,
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> Outcome:
    """Collective: run every arm of a case into ``DIR/<arm>`` and write ``arms.csv``.

    An arm that stops does not keep the others from running; a signal does.

    Args:
        case: A case with arms; all share its sample.
        directory: Folder of the comparison.
        tell: Who hears of it.
        overwrite: Replace earlier results of this case instead of moving them aside.
        resume: Go on where the arms were left; those that are done are kept.

    Returns:
        Of the first arm that did not come to its end, else of the last.

    Raises:
        InputError: Before anything was computed or written.
    """
    from .results import refuse
    from .results.arms import ArmsFolder, compare
    from .simulation import Outcome

    comm = world()
    notes: list[str] = []
    sample = case_sample(case, notes.append, comm)
    networks = check_arms(case, sample)
    hashes = [case_hash(a, n) for a, n in zip(case.arms, networks, strict=True)]
    whole = {"name": case.name, "hash": hashlib.sha256("".join(hashes).encode()).hexdigest()}

    def make() -> ArmsFolder:
        refuse(directory, case.name)
        if resume:
            _may_go_on(directory, case, networks, sample)
        return ArmsFolder(
            directory, whole, case.resolved, [a.name for a in case.arms], overwrite=overwrite, resume=resume,
            screen=tell.screen and tell.level != "warning",
        )  # fmt: skip

    folder = on_root(comm, make)
    outcomes: list[Outcome] = []
    with folder or nullcontext():
        if folder:
            for line in notes:
                folder.log(line)
        for k, arm in enumerate(case.arms):
            left = comm.bcast(folder.what_is_left(arm.name, arm.resolved) if folder else None, 0)
            if folder:
                folder.log(f"arm {k + 1} of {len(case.arms)}: {arm.name}" + _STATE[left])
            if left == "nothing":
                continue
            outcome = run_one(
                arm, directory / arm.name, tell, overwrite=left == "all" and resume, resume=left == "rest",
                sample=sample,
            )  # fmt: skip
            outcomes.append(outcome)
            if outcome.status in ("interrupted", "requeue"):
                break
        last = next((o for o in outcomes if o.status != "done"), outcomes[-1] if outcomes else None)
        last = last or Outcome("done", "all arms were done", case.time.end)
        if folder:
            folder.log("\n" + compare(directory))
            folder.end({"status": last.status, "reason": last.reason, "time": last.time})
    return last


_STATE = {"all": "", "rest": " (resumed)", "nothing": " (done already)"}


def _may_go_on(directory: Path, case: Case, networks: Sequence[Network], sample: Piece | WellMixed) -> None:
    """Hold every arm against what was begun of it.

    Raises:
        InputError: Something that matters has changed in any of them, or one is missing.
    """
    from .results.arms import begun
    from .results.record import read_record

    problems = []
    names = [a.name for a in case.arms]
    for name in (read_record(directory) or {}).get("arms", ()):
        if name not in names and (directory / name).is_dir():
            message = f"the comparison was begun with the arm '{name}' too, which this case does not have."
            problems.append(case.problem(("arm",), message))
    for arm, network in zip(case.arms, networks, strict=True):
        old = begun(directory / arm.name)
        if old is not None:
            now = {"model": network.source_hash, "drugs": drugs_hash(arm)}
            now["sample"] = getattr(sample, "hash", "")
            known = {k: v for k, v in now.items() if k in old.identity}
            problems += differences(old.identity, old.time, arm, known)
    if problems:
        message = (
            f"the comparison in {directory} cannot be resumed. The case as it was begun is "
            f"{directory / 'case.resolved.toml'}; without --resume it starts afresh."
        )
        raise InputError([*dict.fromkeys(problems), Problem(message, advice=True)])


def check_arms(case: Case, sample: Piece | WellMixed) -> list[Network]:
    """The model of every arm.

    Raises:
        InputError: What is wrong with any arm, each fault told once.
    """
    from .simulation import check_faces, check_foci, check_places
    from .tissue import WellMixed

    networks, problems = [], dict[Problem, None]()
    for arm in case.arms:
        try:
            networks.append(case_network(arm))
            problems |= dict.fromkeys(check_faces(arm, sample))
            if not isinstance(sample, WellMixed):
                problems |= dict.fromkeys(check_foci(arm, sample))
                problems |= dict.fromkeys(check_places(arm, sample))
        except InputError as e:
            problems |= dict.fromkeys(e.problems)
    if problems:
        raise InputError(problems)
    return networks
