# SPDX-License-Identifier: LGPL-3.0-or-later
"""Distributed arrays on their way to a writer on rank 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..parallel import agree
from ..tissue import Table
from .writer import ArraySpec, Sink

if TYPE_CHECKING:
    from mpi4py import MPI


def hand_out(
    comm: MPI.Comm, tables: Sequence[Table], opener: Callable[[Mapping[str, ArraySpec]], Sink] | None
) -> None:
    """Collective: send tables through a sink, block by block.

    Args:
        comm: Communicator.
        tables: The same on every rank.
        opener: Opens the sink; rank 0 only, and None there if nobody listens.

    Raises:
        OSError: The writer failed; on every rank, and what it had got is abandoned.
    """
    error: OSError | None = None
    sink: Sink | None = None
    if not comm.bcast(opener is not None, 0):
        return
    if opener is not None:
        try:
            sink = opener({n: ArraySpec(*s) for t in tables for n, s in t.shapes().items()})
        except OSError as e:
            error = e
    for table in tables:
        for start, block in table.gather.blocks(table.values):
            if block is None or sink is None or error is not None:
                continue  # the others need this rank's part in the exchange all the same
            try:
                for name, rows in table.split(block):
                    sink.block(name, start, rows)
            except OSError as e:
                error = e
    if sink is not None:
        try:
            if error is None:
                sink.commit()
            else:
                sink.abandon()
        except OSError as e:
            error = error or e
    agree(comm, error)
