# SPDX-License-Identifier: LGPL-3.0-or-later
"""Parts of simplices above a level, and hat functions integrated over a ball."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.tissue import ball_shares, fraction_above, sizes


def block(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit square or cube, each of n^d cells cut into d! simplices."""
    from itertools import permutations

    axes = np.meshgrid(*[np.arange(n)] * d, indexing="ij")
    base = np.stack(axes, -1).reshape(-1, d)
    cells, stride = [], (n + 1) ** np.arange(d)[::-1]
    for order in permutations(range(d)):
        corner, path = np.zeros(d, int), [np.zeros(d, int)]
        for axis in order:
            corner = corner.copy()
            corner[axis] = 1
            path.append(corner)
        cells.append(np.stack([(base + p) @ stride for p in path], axis=1))
    grid = np.meshgrid(*[np.linspace(0, 1, n + 1)] * d, indexing="ij")
    return np.stack(grid, -1).reshape(-1, d), np.concatenate(cells)


@pytest.mark.parametrize(
    ("values", "fraction"),
    [
        ((1, -1), 1 / 2), ((3, -1), 3 / 4), ((1, 1), 1.0), ((-1, -1), 0.0), ((0, 0), 0.0), ((0, 1), 1.0),
        ((1, -1, -1), 1 / 4), ((1, 1, -1), 3 / 4), ((2, -1, -3), 2 / 3 * 2 / 5), ((1, 0, -1), 1 / 2),
        ((1, -1, -1, -1), 1 / 8), ((1, 1, 1, -1), 7 / 8), ((1, 1, -1, -1), 1 / 2), ((0, 0, 0, 1), 1.0),
        ((0, 0, 0, -1), 0.0), ((1, 1, 0, -1), 3 / 4),
    ],
)  # fmt: skip
def test_known_fractions(values, fraction):
    v = np.array([values], dtype=float)
    assert fraction_above(v) == pytest.approx([fraction], abs=1e-14)
    assert fraction_above(v[:, ::-1]) == pytest.approx([fraction], abs=1e-14)
    if 0 not in values:
        assert fraction_above(-v) == pytest.approx([1 - fraction], abs=1e-14)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_fraction_is_the_divided_difference(k):
    """sum_i max(v_i, 0)^k / prod_(j != i) (v_i - v_j), the closed form for distinct values."""
    v = np.random.default_rng(k).normal(size=(500, k + 1))
    differences = v[:, :, None] - v[:, None, :] + np.eye(k + 1)
    wanted = (np.maximum(v, 0) ** k / differences.prod(axis=2)).sum(axis=1)
    assert fraction_above(v) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_fraction_against_monte_carlo(k):
    rng = np.random.default_rng(k)
    v = rng.normal(size=(8, k + 1))
    inside = rng.dirichlet(np.ones(k + 1), 200_000)  # uniform on the simplex
    assert fraction_above(v) == pytest.approx((inside @ v.T > 0).mean(axis=0), abs=5e-3)


@pytest.mark.parametrize("k", [2, 3])
def test_fraction_of_nearly_equal_values(k):
    """Where the divided difference cancels: two values on either side within round-off."""
    v = np.tile([-1.0, -1.0 + 1e-15, 1.0, 1.0 - 1e-15][: k + 1], (3, 1))
    assert fraction_above(v) == pytest.approx(np.full(3, 1 / 4 if k == 2 else 1 / 2), abs=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_fractions_add_up_for_a_linear_field(d):
    points, cells = block(3, d)
    assert sizes(points, cells) @ fraction_above(points[:, 0][cells] - 0.37) == pytest.approx(0.63, abs=1e-12)
    assert sizes(points, cells) @ fraction_above((points @ np.ones(d))[cells] - 1.0) == pytest.approx(
        [0, 0, 1 / 2, 5 / 6][d], abs=1e-12
    )
    assert sizes(points, cells) @ fraction_above(points[:, 0][cells] - 1.0) == 0.0


@pytest.mark.parametrize(("d", "volume"), [(2, np.pi), (3, 4 / 3 * np.pi)])
def test_volume_of_a_ball(d, volume):
    points, cells = block(8, d)
    shares = ball_shares(points, cells, np.full(d, 0.48), 0.41)
    assert shares.sum() == pytest.approx(volume * 0.41**d, rel=1e-6)
    assert shares.min() > -1e-6 * shares.max()
    centroid = shares @ points / shares.sum()  # hat functions reproduce linear fields
    assert centroid == pytest.approx(np.full(d, 0.48), abs=2e-6)


def test_fine_cells_are_halved_less_often_and_as_exact():
    for n in (10, 20):
        points, cells = block(n, 3)
        total = ball_shares(points, cells, np.full(3, 0.48), 0.41).sum()
        assert total == pytest.approx(4 / 3 * np.pi * 0.41**3, rel=2e-6)


@pytest.mark.parametrize("d", [2, 3])
def test_ball_smaller_than_a_cell(d):
    """All vertices outside, the ball inside one cell or on a face: refinement must find it."""
    points, cells = block(2, d)
    for center in (np.linspace(0.31, 0.17, d), np.full(d, 0.25)):
        volume = ball_shares(points, cells, center, 0.08).sum()
        assert volume == pytest.approx((np.pi * 0.08**2, 4 / 3 * np.pi * 0.08**3)[d - 2], rel=2e-2)


@pytest.mark.parametrize("d", [2, 3])
def test_ball_cut_by_the_mesh(d):
    """Centre on a face and in a corner: half and a part of the ball."""
    points, cells = block(8, d)
    whole = (np.pi * 0.4**2, 4 / 3 * np.pi * 0.4**3)[d - 2]
    face = np.full(d, 0.5)
    face[0] = 0.0
    assert ball_shares(points, cells, face, 0.4).sum() == pytest.approx(whole / 2, rel=1e-5)
    assert ball_shares(points, cells, np.zeros(d), 0.4).sum() == pytest.approx(whole / 2**d, rel=1e-5)
    assert ball_shares(points, cells, np.full(d, 3.0), 0.4).sum() == 0.0


@pytest.mark.parametrize("d", [2, 3])
def test_ball_around_everything_gives_lumped_volumes(d):
    points, cells = block(3, d)
    shares = ball_shares(points, cells, np.full(d, 0.5), 10.0)
    share = np.repeat(sizes(points, cells) / (d + 1), d + 1)
    assert shares == pytest.approx(np.bincount(cells.ravel(), share), rel=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_shares_grow_with_the_radius(d):
    """A ball is convex and contains every smaller one of the same centre."""
    points, cells = block(4, d)
    totals = [ball_shares(points, cells, np.full(d, 0.3), r).sum() for r in np.linspace(0.05, 0.95, 10)]
    assert (np.diff(totals) > 0).all()
    assert totals[-1] < 1.0
