# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether a run may go on from what another one has left, and why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .case import Case
from .case.changes import changes
from .errors import InputError, Problem
from .parallel import agree

if TYPE_CHECKING:
    from mpi4py import MPI

    from .kinetics import Network
    from .results import Checkpoint
    from .simulation import Restored


def on_root[T](comm: MPI.Comm, make: Callable[[], T]) -> T | None:
    """Collective: what `make` returns on rank 0, None elsewhere; wrong input is raised on every rank."""
    made: T | None = None
    error: BaseException | None = None
    if comm.rank == 0:
        try:
            made = make()
        except InputError as e:
            error = e
    agree(comm, error)
    return made


def shared(comm: MPI.Comm, checkpoint: Checkpoint | None) -> Restored:
    """Collective: a checkpoint that rank 0 has, as every rank needs it."""
    from .simulation import Restored

    about = None if checkpoint is None else (checkpoint.time, checkpoint.facts)
    time, facts = comm.bcast(about, 0)
    return Restored(time, facts, None if checkpoint is None else checkpoint.arrays)


def may_go_on(checkpoint: Checkpoint, case: Case, identity: Mapping[str, str]) -> None:
    """Hold a case against the one that a checkpoint was computed with.

    Args:
        checkpoint: What is to go on.
        case: The case.
        identity: Hashes of what is known by now of ``model``, ``drugs`` and ``sample``.

    Raises:
        InputError: Something that matters has changed; every key is named with both values.
    """
    problems = differences(checkpoint.facts["identity"], checkpoint.time, case, identity)
    if problems:
        problems.append(
            Problem(
                f"the run cannot be resumed from {checkpoint.path}. The case as it was begun is "
                f"{checkpoint.path.parents[1] / 'case.resolved.toml'}; without --resume it starts afresh.",
                advice=True,
            )
        )
        raise InputError(problems)


def differences(
    stored: Mapping[str, str], now: float, case: Case, identity: Mapping[str, str]
) -> list[Problem]:
    """What has changed that matters to a run that goes on at day `now`, every key with both values.

    Args:
        stored: Resolved case and hashes of the run as it was begun.
        now: day.
        case, identity: See `may_go_on`.
    """
    problems = changes(stored["case"], case, now)
    keys = {"model": ("model", "name"), "drugs": ("therapy",), "sample": ("sample",)}
    whats = {
        "model": "the model file", "drugs": "a drug file",
        "sample": "the sample, or the file it comes from,",
    }  # fmt: skip
    for name, key in keys.items():
        if name in identity and stored.get(name) != identity[name] and not problems:
            message = (
                f"{whats[name]} has changed since the checkpoint was written (hash "
                f"{str(stored.get(name))[:12]} then, {identity[name][:12]} now)."
            )
            problems.append(case.problem(key, message))
    return problems


class EndState:
    """The end of the run that a case starts from.

    Attributes:
        checkpoint: Its last one.

    Raises:
        InputError: There is none, or it does not fit the case.
    """

    def __init__(self, case: Case, network: Network, identity: Mapping[str, str]):
        from .results import last_state

        assert case.start is not None
        key = ("initial", "from")
        try:
            self.checkpoint = last_state(case.start)
        except InputError as e:
            raise InputError([case.problem(key, str(p)) for p in e.problems]) from None
        stored, problems = self.checkpoint.facts["identity"], []
        if stored.get("sample") != identity["sample"]:
            message = (
                f"the run in {case.start} has another sample (hash {str(stored.get('sample'))[:12]}, here "
                f"{identity['sample'][:12]}): a state can only be taken over on the very same mesh."
            )
            problems.append(case.problem(key, message))
        if any(name.startswith("geometry/") for name in self.checkpoint.arrays):
            message = (
                f"the bone surface of the run in {case.start} has moved, and a case can only start on the "
                'surface it was cut with: take a run with surface = "records depth".'
            )
            problems.append(case.problem(key, message))
        wanted = {
            f"{kind}/{x.name}"
            for kind, named in (
                ("marrow", network.marrow), ("surface", network.surface), ("fields", network.fields),
            )
            for x in named
        }  # fmt: skip
        kinds = ("marrow/", "surface/", "fields/")
        there = {name for name in self.checkpoint.arrays if name.startswith(kinds)}
        for names, what in (
            (
                wanted - there,
                "the model of this case has {}, which that run in {} does not have. A drug that is bound to "
                'bone or has arrival = "by diffusion" has to be in the first run too, if only at level 0; '
                "one that arrives evenly can be added",
            ),
            (there - wanted, "the run in {1} has {0}, which the model of this case does not have"),
        ):
            if names:
                listed = ", ".join(sorted(n.partition("/")[2] for n in names))
                problems.append(case.problem(key, what.format(listed, case.start) + "."))
        if problems:
            self.close()
            raise InputError(problems)

    def close(self) -> None:
        """Give the file back."""
        self.checkpoint.arrays.close()
