# SPDX-License-Identifier: LGPL-3.0-or-later
"""Populations that a smoother couples at a node."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator.groups import BOUND, LARGEST, Groups


def couplings(n, *pairs):
    found = np.eye(n)
    for i, j in pairs:
        found[i, j] = found[j, i] = 2 * BOUND
    return found


def test_groups_are_the_connected_parts():
    weak = couplings(8, (1, 4), (4, 6), (0, 7))
    weak[2, 3] = weak[3, 2] = 0.5 * BOUND
    groups = Groups.found_in(weak)
    assert groups.members == [[0, 7], [1, 4, 6]]
    assert groups.width == 8 + 2**2 + 3**2
    again = Groups.of(groups.members, 8)
    assert again.members == groups.members and again.width == groups.width
    count, size, index, width = again.layout
    assert (count, size.tolist(), index.tolist(), width) == (2, [2, 3], [0, 7, 1, 4, 6], 21)


def test_populations_by_themselves_make_no_group():
    groups = Groups.found_in(couplings(6))
    assert groups.members == [] and groups.width == 6


@pytest.mark.parametrize("found", [couplings(LARGEST), couplings(7, (0, 1), (1, 2), (2, 3), (3, 4))])
def test_few_populations_and_large_groups_take_whole_blocks(found):
    assert Groups.found_in(found) is None
