# SPDX-License-Identifier: LGPL-3.0-or-later
"""On which side of the bone surface the nodes of a regular grid lie, by counting crossings along lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ComputationStopped

CHUNK = 200_000
_STRETCH = 1e-6  # of the box: the outermost lines must not miss facets that end on its faces
_SHIFT = (0.31e-6, -0.17e-6, 0.23e-6)  # of the box: no line runs along an edge or through a corner


@dataclass(frozen=True)
class Nodes:
    """A regular grid of nodes ``first + spacing * (i, j[, k])``.

    Attributes:
        first: ``(d,)`` um.
        spacing: ``(d,)`` um.
        shape: Nodes per axis.
    """

    first: np.ndarray
    spacing: np.ndarray
    shape: tuple[int, ...]

    def at(self, index: np.ndarray) -> np.ndarray:
        """Places ``(n, d)`` of the nodes with flat numbers `index` ``(n,)``."""
        return self.first + self.spacing * np.stack(np.unravel_index(index, self.shape), 1)


def in_bone(nodes: Nodes, points: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """Which nodes lie in bone.

    Lines along every axis are followed through the grid; each crossing of the surface changes the
    side, and the normal at the first one tells on which side a line begins. The axes vote, which
    makes up for flaws of the surface; a line without crossings takes the side of any node on it
    that another line has decided.

    Args:
        nodes: Nodes inside the box that the surface ends on.
        points: ``(N, d)``.
        facets: ``(m, d)``, m > 0, normals into the marrow.

    Returns:
        Boolean array of ``nodes.shape``.

    Raises:
        ComputationStopped: The surface does not divide the box into two sides.
    """
    d = len(nodes.shape)
    side = nodes.spacing * (np.array(nodes.shape) - 1)
    middle = nodes.first + side / 2
    size = max(float(side.max()), float(np.ptp(points, axis=0).max()))
    moved = middle + (points - middle) * (1 + _STRETCH) + size * np.array(_SHIFT[:d])
    votes = np.zeros(nodes.shape, np.int8)
    open_lines = []
    for axis in range(d):
        inside, crossed = _follow(nodes, moved, facets, axis)
        votes += np.where(crossed, np.where(inside, 1, -1), 0).astype(np.int8)
        open_lines.append(~crossed)
    while (votes == 0).any():
        before = int((votes == 0).sum())
        for axis, line in enumerate(open_lines):
            total = np.sign(votes.sum(axis, keepdims=True, dtype=np.int64)).astype(np.int8)
            votes = np.where((votes == 0) & line, total, votes)
        if int((votes == 0).sum()) == before:
            raise ComputationStopped(
                "the bone surface in the results does not divide the sample into bone and marrow; "
                "the file may be damaged."
            )
    return votes > 0


def _follow(nodes: Nodes, points: np.ndarray, facets: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """For every node: whether it is in bone by the crossings of its line; and whether there are any."""
    rest = [k for k in range(len(nodes.shape)) if k != axis]
    shape = tuple(nodes.shape[k] for k in rest)
    lines, n = int(np.prod(shape)), nodes.shape[axis]
    parts = [
        _crossings(nodes, points, facets[a : a + CHUNK], axis, rest) for a in range(0, len(facets), CHUNK)
    ]
    line, height, into_marrow = (np.concatenate(c) for c in zip(*parts, strict=True))
    cell = np.ceil((height - nodes.first[axis]) / nodes.spacing[axis]).astype(np.int64).clip(0, n)
    change = np.bincount(line * (n + 1) + cell, np.where(into_marrow, -1.0, 1.0), minlength=lines * (n + 1))
    begins = np.zeros(lines, bool)
    order = np.lexsort((height, line))
    first, at = np.unique(line[order], return_index=True)
    begins[first] = into_marrow[order[at]]  # it leaves bone there, so it begins in bone
    crossed = np.zeros(lines, bool)
    crossed[first] = True
    phase = begins[:, None] + np.cumsum(change.reshape(lines, n + 1)[:, :n], 1)
    back = np.argsort([axis, *rest])  # (axis, rest...) -> natural order
    inside = np.moveaxis((phase > 0.5).reshape(*shape, n), -1, 0).transpose(back)
    return inside, np.expand_dims(crossed.reshape(shape), 0).transpose(back)


def _crossings(
    nodes: Nodes, points: np.ndarray, facets: np.ndarray, axis: int, rest: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Line number, height and sense of the crossings of facets with the lines of nodes along `axis`."""
    flat = (points[:, rest] - nodes.first[rest]) / nodes.spacing[rest]  # in units of lines
    x = flat[facets]
    shape = np.array([nodes.shape[k] for k in rest])
    low = np.maximum(np.ceil(x.min(1)).astype(np.int64), 0)
    count = np.maximum(np.minimum(np.floor(x.max(1)).astype(np.int64), shape - 1) - low + 1, 0)
    total = count.prod(1)
    which = np.repeat(np.arange(len(facets)), total)
    number = np.arange(len(which)) - np.repeat(np.cumsum(total) - total, total)
    if len(rest) == 1:
        line = low[which, 0] + number
        a, b = x[which, 0, 0], x[which, 1, 0]
        t = (line - a) / (b - a)
        z = points[facets[which], axis]
        up = (b > a) if axis == 0 else (b < a)  # the normal is to the right of the way from a to b
        return line, (1 - t) * z[:, 0] + t * z[:, 1], up
    i = low[which, 0] + number // np.maximum(count[which, 1], 1)
    j = low[which, 1] + number % np.maximum(count[which, 1], 1)
    corner, vertex = x[which], facets[which]
    area, left = np.empty((len(which), 3)), np.empty((len(which), 3), bool)
    for k, (p, q) in enumerate(((1, 2), (2, 0), (0, 1))):
        # both facets at an edge must see the very same number there
        turn = vertex[:, p] > vertex[:, q]
        s = np.where(turn[:, None], corner[:, q], corner[:, p])
        e = np.where(turn[:, None], corner[:, p], corner[:, q])
        value = (e[:, 0] - s[:, 0]) * (j - s[:, 1]) - (e[:, 1] - s[:, 1]) * (i - s[:, 0])
        area[:, k] = np.where(turn, -value, value)
        left[:, k] = (value >= 0) != turn
    counter = left.all(1)
    hit = np.flatnonzero(counter | ~left.any(1))
    w = area[hit] / area[hit].sum(1, keepdims=True)
    height = (w * points[vertex[hit], axis]).sum(1)
    up = counter[hit] if axis != 1 else ~counter[hit]  # (x, z) is a left-handed pair seen along y
    return i[hit] * shape[1] + j[hit], height, up
