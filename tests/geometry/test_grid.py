# SPDX-License-Identifier: LGPL-3.0-or-later
"""The background grid fills its box exactly."""

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.geometry.grid import Grid


def test_grid_ends_on_the_box():
    g = Grid.fit((-100.0, 50.0, 3.0), (900.0, 750.0, 503.0), 39.0)
    assert g.cells == (26, 18, 13)
    assert g.upper == pytest.approx((900.0, 750.0, 503.0), rel=1e-14)
    assert g.h == pytest.approx(39.0, rel=0.02)
    assert g.points().shape == (27 * 19 * 14, 3)
    np.testing.assert_allclose(g.points()[-1], g.upper)


@pytest.mark.parametrize(("size", "message"), [
    (600.0, "larger than the sample, which measures 400 x 500 um; use at most 400 um"),
    (0.001, "grid nodes"),
    (0.0, "must be positive"),
])  # fmt: skip
def test_unusable_cell_size(size, message):
    with pytest.raises(InputError, match=message) as e:
        Grid.fit((0.0, 0.0), (400.0, 500.0), size)
    assert e.value.problems[0].key == "sample.cell_size"
