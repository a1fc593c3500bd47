# SPDX-License-Identifier: LGPL-3.0-or-later
"""Distributed arrays on their way to a writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..parallel import agree
from ..tissue import Table
from .writer import ArraySpec, Extents, Part, Sink

if TYPE_CHECKING:
    from mpi4py import MPI


def hand_out(
    comm: MPI.Comm, tables: Sequence[Table], opener: Callable[[Mapping[str, ArraySpec]], Sink] | None
) -> None:
    """Collective: send tables through a sink, block by block.

    Rank 0 opens and commits; every rank that can writes a share of the rows.

    Args:
        comm: Communicator.
        tables: The same on every rank.
        opener: Opens the sink; rank 0 only, and None there if nobody listens.

    Raises:
        OSError: The writer failed; on every rank, and what it had got is abandoned.
    """
    if not comm.bcast(opener is not None, 0):
        return
    error: OSError | None = None
    sink: Sink | None = None
    if opener is not None:
        try:
            sink = opener({n: ArraySpec(*s) for t in tables for n, s in t.shapes().items()})
        except OSError as e:
            error = e
    extents: Extents | OSError | None = comm.bcast(error or (sink.extents if sink else None), 0)
    if isinstance(extents, OSError):
        raise extents
    part: Part | None = None
    if sink is None and extents is not None:
        part = extents.open()
    try:
        _write(comm, tables, sink or part)
    except OSError as e:
        error = e
    finally:
        if part is not None:
            part.close()
    try:
        agree(comm, error)
    except OSError:
        if sink is not None:
            sink.abandon()
        raise
    if sink is not None:
        try:
            sink.commit()
        except OSError as e:
            error = e
    agree(comm, error)


def _write(comm: MPI.Comm, tables: Sequence[Table], taker: Sink | Part | None) -> None:
    """Collective: every rank that takes some of the rows writes its share, each in order.

    Raises:
        OSError: What was given to this rank's taker could not be written.
    """
    takers = comm.allgather(taker is not None)
    error: OSError | None = None
    for table in tables:
        for start, block in table.gather.blocks(table.values, table.gather.shares(takers)):
            if taker is None or error is not None or not len(block):
                continue  # the others need this rank's part in the exchange all the same
            try:
                for name, rows in table.split(block):
                    taker.block(name, start, rows)
            except OSError as e:
                error = e
    if error is not None:
        raise error
