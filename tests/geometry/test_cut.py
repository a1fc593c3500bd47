# SPDX-License-Identifier: LGPL-3.0-or-later
"""The cut: exact planes, second order, conforming, manifold, independent of slabs."""

import numpy as np
import pytest
from scipy import ndimage

from osteofield.geometry.cut import cut
from osteofield.geometry.grid import Grid
from osteofield.geometry.kuhn import kuhn
from osteofield.geometry.morphometry import areas, non_manifold_edges, total_volume, volumes


def noise(d, n, seed=0, smooth=0.8):
    grid = Grid((0.0,) * d, (1.0,) * d, (n,) * d)
    phi = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(grid.shape), smooth)
    return grid, 0.7 * phi / np.abs(phi).mean()


def facets_of(cells):
    d = cells.shape[1] - 1
    f = np.concatenate([np.delete(cells, i, 1) for i in range(d + 1)])
    return np.sort(f, 1), np.tile(np.arange(len(cells)), d + 1)


def check_conforming(mesh, grid):
    """Every facet has one or two cells; single ones tile the box; the surface is what lies between."""
    d = grid.dimension
    cells = np.concatenate([mesh.bone, mesh.marrow])
    facets, owner = facets_of(cells)
    unique, inverse, count = np.unique(facets, axis=0, return_inverse=True, return_counts=True)
    assert count.max() == 2
    side = np.array(grid.upper) - np.array(grid.origin)
    box = 2 * sum(np.prod(np.delete(side, k)) for k in range(d))
    assert areas(mesh.points, unique[count == 1]).sum() == pytest.approx(box, rel=1e-12)
    in_bone = np.bincount(inverse.ravel(), owner < len(mesh.bone))
    between = unique[(count == 2) & (in_bone == 1)]
    surface = np.sort(mesh.surface, 1)
    assert np.array_equal(between, surface[np.lexsort(surface.T[::-1])])
    in_marrow = unique[(count == 1) & (in_bone == 0)]
    assert sum(map(len, mesh.faces.values())) == len(in_marrow)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("islands", ["keep", "remove"])
def test_rough_field(d, seed, islands):
    grid, phi = noise(d, 40 if d == 2 else 12, seed)
    mesh = cut(phi, grid, islands=islands)
    check_conforming(mesh, grid)
    assert non_manifold_edges(mesh.surface) == 0
    assert min(volumes(mesh.points, c).min() for c in (mesh.bone, mesh.marrow)) > 0
    assert total_volume(mesh.points, mesh.bone) + total_volume(mesh.points, mesh.marrow) == pytest.approx(
        np.prod(grid.cells), rel=1e-12
    )
    assert len(np.unique(np.concatenate([mesh.bone.ravel(), mesh.marrow.ravel()]))) == len(mesh.points)
    if islands == "remove":
        assert mesh.components == (1, 1)
        assert mesh.bone_removed + mesh.marrow_removed > 0
    else:
        assert max(mesh.components) > 1
        assert np.array_equal(mesh.phi, phi)


@pytest.mark.parametrize("d", [2, 3])
def test_pieces_of_the_mesh_are_those_of_the_nodes(d):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    grid, phi = noise(d, 40 if d == 2 else 14, 5, 1.0)
    mesh = cut(phi, grid)
    for cells, pieces in ((mesh.bone, mesh.components[0]), (mesh.marrow, mesh.components[1])):
        facets, owner = facets_of(cells)  # cells joined through facets
        o = np.lexsort(facets.T)
        same = (facets[o][1:] == facets[o][:-1]).all(1)
        a, b = owner[o][:-1][same], owner[o][1:][same]
        n, _ = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(cells),) * 2))
        assert n == pieces


@pytest.mark.parametrize("d", [2, 3])
def test_slabs_do_not_change_the_mesh(d):
    grid, phi = noise(d, 40 if d == 2 else 14, 2)
    one = cut(phi, grid, islands="remove", slabs=1)
    for slabs in (2, 5):
        many = cut(phi, grid, islands="remove", slabs=slabs)
        assert np.array_equal(one.keys, many.keys)
        assert np.array_equal(one.points, many.points)
        for name in ("bone", "marrow", "surface"):
            a, b = (np.sort(getattr(m, name), 1) for m in (one, many))
            assert np.array_equal(a[np.lexsort(a.T)], b[np.lexsort(b.T)]), name
        assert one.quality.below_10 == many.quality.below_10


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("snap", [0.0, 0.3])
def test_planes_are_exact(d, snap):
    rng = np.random.default_rng(1)
    grid = Grid.fit((10.0, -20.0, 5.0)[:d], (310.0, 280.0, 305.0)[:d], 27.0)
    x = grid.points()
    middle = (np.array(grid.origin) + grid.upper) / 2
    for _ in range(3):
        n = rng.standard_normal(d)
        n /= np.linalg.norm(n)
        mesh = cut(((x - middle) @ n).reshape(grid.shape), grid, snap=snap)
        # a plane through the middle halves the box, whatever its direction
        assert total_volume(mesh.points, mesh.bone) == pytest.approx(0.5 * 300.0**d, rel=1e-11)
        assert np.abs((mesh.points[np.unique(mesh.surface)] - middle) @ n).max() < 1e-9
        p = mesh.points[mesh.surface]
        if d == 3:
            normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
        else:
            t = p[:, 1] - p[:, 0]
            normal = np.stack([t[:, 1], -t[:, 0]], 1)
        assert (normal @ n < 0).all()  # out of the bone


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("snap", [0.0, 0.3])
def test_ball_converges_with_second_order(d, snap):
    radius = 240.0
    volume, area = (
        (np.pi * radius**2, 2 * np.pi * radius)
        if d == 2
        else (4 / 3 * np.pi * radius**3, 4 * np.pi * radius**2)
    )
    errors = []
    for h in (60.0, 30.0, 15.0):
        grid = Grid.fit((0.0,) * d, (600.0,) * d, h)
        phi = radius - np.linalg.norm(grid.points() - np.array([301.3, 295.7, 303.2])[:d], axis=1)
        mesh = cut(phi.reshape(grid.shape), grid, snap=snap)
        errors.append(
            (
                1 - total_volume(mesh.points, mesh.bone) / volume,
                1 - areas(mesh.points, mesh.surface).sum() / area,
            )
        )
        assert mesh.components == (1, 1)
    errors = np.array(errors)
    order = np.log2(errors[:-1] / errors[1:])
    assert (order > 1.7).all()
    assert errors[-1, 0] < 0.004
    assert errors[-1, 1] < 0.002


def test_shape_of_cells_at_a_smooth_surface():
    grid = Grid.fit((0.0,) * 3, (600.0,) * 3, 30.0)
    phi = 200 - np.linalg.norm(grid.points() - 300.7, axis=1).reshape(grid.shape)
    quality = cut(phi, grid).quality
    assert quality.below_5 == 0
    assert quality.smallest > 5
    assert quality.largest < 170
    assert cut(phi, grid, snap=0.0).quality.below_5 > 100  # what snapping is for


def test_no_surface():
    grid = Grid.fit((0.0, 0.0), (100.0, 50.0), 25.0)
    mesh = cut(np.full(grid.shape, -1.0), grid, islands="remove")
    assert mesh.components == (0, 1)
    assert len(mesh.bone) == len(mesh.surface) == 0
    assert len(mesh.marrow) == 16
    assert {f: len(c) for f, c in mesh.faces.items()} == {"x-": 2, "x+": 2, "y-": 4, "y+": 4}


def test_keys_name_nodes_and_edges():
    grid = Grid.fit((0.0, 0.0, 0.0), (100.0, 100.0, 100.0), 25.0)
    phi = 37.0 - grid.points()[:, 0].reshape(grid.shape)
    mesh = cut(phi, grid, snap=0.0)
    edge = mesh.keys & 7
    low = grid.points()[mesh.keys >> 3]
    assert np.allclose(mesh.points[edge == 0], low[edge == 0])
    crossing = mesh.points[edge > 0]
    assert np.allclose(crossing[:, 0], 37.0)
    along = kuhn(3).corners[edge[edge > 0]] * 25.0
    t = (crossing - low[edge > 0])[:, 0] / 25.0
    assert np.allclose(crossing, low[edge > 0] + t[:, None] * along)


@pytest.mark.parametrize("d", [2, 3])
def test_detached_pieces_go_and_those_at_the_box_stay(d):
    """A slab along one face, a smaller one along the opposite face, a ball between them."""
    grid = Grid((0.0,) * d, (1.0,) * d, (16,) * d)
    x = np.stack(np.meshgrid(*grid.axes(), indexing="ij"))
    ball = 2.3 - np.linalg.norm(x - 8.1, axis=0)
    phi = np.maximum.reduce([3.2 - x[0], x[0] - 13.6, ball])
    mesh = cut(phi, grid, islands="detached")
    assert mesh.components == (2, 1)
    assert mesh.bone_removed == (ball > 0).sum() and mesh.marrow_removed == 0
    assert total_volume(mesh.points, mesh.bone) == pytest.approx((3.2 + 2.4) * 16 ** (d - 1), rel=1e-9)
    assert cut(phi, grid, islands="remove").components == (1, 1)
    again = cut(mesh.phi, grid, islands="detached")
    assert np.array_equal(again.points, mesh.points)
