# SPDX-License-Identifier: LGPL-3.0-or-later
"""Distances of a level set to its own contour."""

import numpy as np

from osteofield.geometry.bins import on_facets
from osteofield.geometry.grid import Grid
from osteofield.remodelling import Contour, LevelSet
from osteofield.remodelling.levelset import NEAR, SHELL


def test_distances_are_exact_as_far_as_nodes_come_into_the_band_from():
    """Against every facet, on a wavy sheet: beyond `NEAR`, where nodes are measured last, too."""
    h = 20.0
    grid = Grid((0.0,) * 3, (h,) * 3, (16, 16, 16))
    x = np.stack(np.meshgrid(*grid.axes(), indexing="ij"), -1)
    wave = 30 * np.sin(x[..., 0] / 35) * np.cos(x[..., 1] / 45)
    rough = LevelSet(0.6 * (x[..., 2] - 163 + wave), grid)
    found = rough.measured().phi.ravel()
    assert NEAR < SHELL
    for near, far in ((0.5, NEAR), (NEAR, SHELL)):
        at = np.flatnonzero((np.abs(found) >= near * h) & (np.abs(found) < far * h))
        at = np.random.default_rng(3).choice(at, 40, replace=False)
        corners = Contour(rough.phi, grid).corners
        for k in at:
            here = np.broadcast_to(x.reshape(-1, 3)[k], (len(corners), 3))
            exact = on_facets(here, corners)[0].min()
            assert abs(abs(found[k]) - exact) < 1e-9 * h, (k, found[k], exact)
    assert (np.sign(found) == np.sign(rough.phi.ravel())).all()
