# SPDX-License-Identifier: LGPL-3.0-or-later
"""The full state of a run as named arrays and JSON facts, and back, on any number of ranks.

A checkpoint holds

- the fields: one array per population, ``marrow/NAME`` and ``surface/NAME``, and per coefficient of
  the bone surface, ``fields/NAME``, in the numbering of the whole sample;
- the facts of every `Keeper`: a piece of the run that has a history of its own (integrator, ledger,
  events, ...), under its name;
- what the integrator remembers of earlier states, ``past1/marrow/NAME`` and so on;
- the inverted node blocks of an earlier step where the preconditioner goes on with them, ``blocks/level0`` by
  the vertices of the sample, ``blocks/level1`` ... of the ranks that wrote them, one after the other;
- whatever arrays a piece adds that is more than numbers.

A geometry that changes is such a piece. What it needs to make its sample again (phi of the background
grid, say) it gives as further tables (`tissue.Rows` or `tissue.Columns`) named ``geometry/NAME``, which
`Simulation` hands out together with those of `tables`; small facts of it are those of a `Keeper`. When a
run is resumed, it reads its arrays (`Table.read`) and makes the sample from them *before* the tissue is
built; `restore_fields` then fills the fields of that tissue. Arrays that no reader asks for do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..integrator import Integrator, System
from ..kinetics import Network
from ..tissue import Columns, Gather, Rows, Table, Tissue
from .stream import hand_out
from .writer import Writer

if TYPE_CHECKING:
    from mpi4py import MPI


class Keeper(Protocol):
    """A piece of a run whose state is plain JSON and the same on every rank."""

    @property
    def state(self) -> dict[str, Any]: ...

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Restored:
    """What a checkpoint gives back.

    Attributes:
        time: day.
        facts: Name of a keeper to its state; on every rank.
        arrays: Name to something that can be sliced like an array (read from disk when it is);
            None on all ranks but the first.
    """

    time: float
    facts: Mapping[str, Any]
    arrays: Mapping[str, Any] | None


def tables(tissue: Tissue, system: System, y: np.ndarray) -> list[Table]:
    """The fields of a state, to be collected."""
    network = tissue.network
    return [
        Columns(tissue.gather_marrow, system.marrow(y), _names("marrow", network)),
        Columns(tissue.gather_surface, system.surface(y), _names("surface", network)),
        Columns(tissue.gather_surface, system.problem.surface.g, _names("fields", network)),
    ]


def restore_fields(restored: Restored, tissue: Tissue, system: System, y: np.ndarray) -> None:
    """Collective: the inverse; fills `y` and the coefficients of the bone surface."""
    for part in tables(tissue, system, y):
        part.read(restored.arrays)


def past(tissue: Tissue, system: System, integrator: Integrator) -> list[Table]:
    """The earlier states that the integrator goes on from, newest first."""
    network = tissue.network
    marrow, surface = _names("marrow", network), _names("surface", network)
    found: list[Table] = []
    for k, y in enumerate(integrator.states[1:], 1):
        found.append(Columns(tissue.gather_marrow, system.marrow(y), [f"past{k}/{n}" for n in marrow]))
        found.append(Columns(tissue.gather_surface, system.surface(y), [f"past{k}/{n}" for n in surface]))
    return found


def blocks(tissue: Tissue, system: System) -> list[Table]:
    """Collective: what the preconditioner goes on with of the node blocks of an earlier step."""
    comm, found = tissue.problem.comm, list[Table]()
    for n, rows in enumerate(system.reuse.arrays):
        ends = np.cumsum(comm.allgather(len(rows)))
        numbers = ends[comm.rank] - len(rows) + np.arange(len(rows))
        gather = Gather(comm, numbers, int(ends[-1])) if n else tissue.gather_marrow
        found.append(Rows(gather, rows, f"blocks/level{n}"))
    return found


def facts(keepers: Mapping[str, Keeper], integrator: Integrator, comm: MPI.Comm) -> dict[str, Any]:
    """Collective: the states of all keepers, every rank's part of the integrated reactions, node blocks."""
    reuse = integrator.system.reuse
    return {name: k.state for name, k in keepers.items()} | {
        "integral": [part.tolist() for part in comm.allgather(integrator.ledgers)],
        "blocks": reuse.state and reuse.state | {"rows": comm.allgather(reuse.rows)},
    }


def damage(tissue: Tissue, system: System, y: np.ndarray) -> str:
    """Collective: which populations hold values that are no numbers; empty if all is well."""
    totals = system.reduce(system.totals(y))
    names = [n for n, total in zip(tissue.names, totals, strict=True) if not np.isfinite(total)]
    return f"not a number: {', '.join(names)}" if names else ""


def keep(
    writer: Writer | None,
    tissue: Tissue,
    system: System,
    integrator: Integrator,
    keepers: Mapping[str, Keeper],
    further: Sequence[Table],
    log: Callable[[str], None],
) -> bool:
    """Collective: hand the full state to the writer; whether it could be kept.

    Args:
        writer: On rank 0; None elsewhere, and where nobody listens.
        tissue, system, integrator, keepers: The run.
        further: Tables of pieces that are more than numbers.
        log: Hears why it was not kept.
    """
    t, comm = integrator.t, tissue.problem.comm
    broken = damage(tissue, system, integrator.y)
    if broken:
        log(f"the state at day {t:.6g} is not kept ({broken}); the checkpoint before it stays.")
        return False
    told = facts(keepers, integrator, comm)
    found = [*tables(tissue, system, integrator.y), *past(tissue, system, integrator), *further]
    if told["blocks"]:
        found += blocks(tissue, system)
    opener = None if writer is None else lambda arrays: writer.checkpoint(t, told, arrays)
    try:
        hand_out(comm, found, opener)
    except OSError as e:
        log(f"the checkpoint at day {t:.6g} could not be written: {e.strerror or e}")
        return False
    return True


def restore_integrator(restored: Restored, tissue: Tissue, system: System, integrator: Integrator) -> None:
    """Collective: the states and integrals that the integrator goes on from; its facts are there already."""
    comm = tissue.problem.comm
    parts = np.array(restored.facts["integral"])
    # on as many ranks as before every rank gets its own part back, so that even round-off is the same
    integrator.ledgers = parts[comm.rank] if len(parts) == comm.size else parts.sum(axis=0) / comm.size
    restore_fields(restored, tissue, system, integrator.y)
    for part in past(tissue, system, integrator):
        part.read(restored.arrays)
    _restore_blocks(restored, tissue, system)


def _restore_blocks(restored: Restored, tissue: Tissue, system: System) -> None:
    """Collective: only the ranks that wrote them can go on with them, others make new ones."""
    kept, comm, reuse = restored.facts.get("blocks"), tissue.problem.comm, system.reuse

    def fill() -> None:
        for part in blocks(tissue, system):
            part.read(restored.arrays)

    if kept and kept["rows"] == comm.allgather(reuse.rows):
        reuse.recall(kept, fill)


def restore_facts(restored: Restored, keepers: Mapping[str, Keeper]) -> None:
    """The inverse of `facts`."""
    for name, keeper in keepers.items():
        keeper.state = restored.facts[name]


def _names(kind: str, network: Network) -> Sequence[str]:
    named: Sequence[Any] = getattr(network, kind)
    return [f"{kind}/{x.name}" for x in named]
