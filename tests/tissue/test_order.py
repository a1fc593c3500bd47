# SPDX-License-Identifier: LGPL-3.0-or-later
"""The order of cells in results."""

import numpy as np

from osteofield.team import ALONE
from osteofield.tissue.order import places_of_cells


def test_it_does_not_depend_on_the_order_given(sample):
    s = sample("sphere")
    rng = np.random.default_rng(2)
    results = []
    for _ in range(2):
        cells = rng.permutation(s.marrow)
        places = places_of_cells(ALONE, cells)
        assert np.array_equal(np.sort(places), np.arange(len(cells)))
        ordered = np.empty_like(cells)
        ordered[places] = cells
        assert (np.diff(ordered.min(1)) >= 0).all()
        results.append(ordered)
    assert np.array_equal(*results)


def test_no_cells():
    assert places_of_cells(ALONE, np.zeros((0, 4), np.int64)).shape == (0,)
