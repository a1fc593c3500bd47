# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pieces, tunnels and cavities, and the places where they change."""

import numpy as np

from osteofield.remodelling import Topology, perforations


def grid(n=24):
    return np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2] * 3, indexing="ij"))


def test_euler_numbers():
    x = grid()
    r = np.linalg.norm(x, axis=0)
    ring = 3.2 - np.hypot(np.hypot(x[0], x[1]) - 7, x[2])
    shell = 2.4 - np.abs(r - 8)
    assert Topology.of(9 - r) == Topology(1, 1, 1)
    assert Topology.of(ring) == Topology(1, 1, 0)
    assert Topology.of(shell) == Topology(1, 2, 2)
    assert Topology.of(np.full_like(r, -1.0)) == Topology(0, 1, 0)


def test_retreat_is_no_perforation():
    r = np.linalg.norm(grid() + 0.3, axis=0)
    for radius in (10.0, 8.0, 6.0):
        assert perforations(radius - r, radius - 1.5 - r) == 0
        assert perforations(radius - r, radius + 1 - r) == 0  # bone only gained


def test_places_are_counted_one_by_one():
    x = grid()
    plate = 3.5 - np.abs(x[0])
    pit = [np.hypot(x[1] - a, x[2] - b) - 2.6 for a, b in ((-6, -6), (6, 5), (-5, 6))]
    for k in range(4):
        assert perforations(plate, np.minimum.reduce([plate, *pit[:k]])) == k
    # a strut cut in the middle, and only thinned
    strut = 3.5 - np.hypot(x[0], x[1])
    assert perforations(strut, np.minimum(strut, np.abs(x[2]) - 2.6)) == 1
    assert perforations(strut, strut - 1) == 0
    dent = np.linalg.norm(x - np.array([4, 0, 0]).reshape(3, 1, 1, 1), axis=0) - 3
    assert perforations(plate, np.minimum(plate, dent)) == 0
