# SPDX-License-Identifier: LGPL-3.0-or-later
"""Collecting rows in the numbering of the sample, on one rank (more ranks: test_marrow)."""

from __future__ import annotations

import numpy as np

from osteofield.parallel import world
from osteofield.tissue.gather import Gather


def test_rows_go_to_their_positions_and_back():
    positions = np.array([2, 0, 3, 1])
    gather = Gather(world(), positions, 4)
    mine = np.arange(12.0).reshape(4, 3)
    whole = gather(mine)
    assert np.array_equal(whole[positions], mine)
    assert np.array_equal(gather.scatter(whole, 3), mine)
