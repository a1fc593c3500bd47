# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values of vertices that may be on other ranks, asked for by key."""

from __future__ import annotations

import numpy as np

from ..geometry.boxes import Partition


class Fetch:
    """Collective: finds some vertices; made once, used for any values of theirs.

    A vertex is on the rank that has its grid node, so nobody has to be asked who has it.

    Args:
        nodes: Which nodes of the grid are whose.
        keys: ``(n,)`` keys of the vertices of this rank (`Cut.keys`), ascending.
        wanted: ``(m,)`` keys of any vertices.

    Attributes:
        found: ``(m,)`` whether there is such a vertex.
    """

    def __init__(self, nodes: Partition, keys: np.ndarray, wanted: np.ndarray):
        self._team = nodes.team
        if nodes.team.size == 1:
            self._order, queries = np.arange(len(wanted)), [wanted]
        else:
            owner = nodes.owner(np.stack(np.unravel_index(wanted >> 3, nodes.whole), 1))
            self._order = np.argsort(owner, kind="stable")
            begins = np.searchsorted(owner[self._order], np.arange(1, nodes.team.size))
            queries = nodes.team.exchange(np.split(wanted[self._order], begins))
        self._rows, there = [], []
        for q in queries:
            row = np.minimum(np.searchsorted(keys, q), max(len(keys) - 1, 0))
            there.append(keys[row] == q if len(keys) else np.zeros(len(q), bool))
            self._rows.append(row)
        self.found = np.empty(len(wanted), bool)
        self.found[self._order] = np.concatenate(nodes.team.exchange(there))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Collective: values of the wanted vertices; meaningless where they were not found.

        Args:
            values: ``(n, ...)`` of the vertices of this rank, of one type and width on every rank.

        Returns:
            ``(m, ...)``
        """
        some = values if len(values) else np.zeros((1, *values.shape[1:]), values.dtype)
        parts = self._team.exchange([some[row] for row in self._rows])
        if self._team.size == 1:
            return parts[0]
        out = np.empty((len(self._order), *values.shape[1:]), values.dtype)
        out[self._order] = np.concatenate(parts)
        return out
