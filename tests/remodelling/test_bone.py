# SPDX-License-Identifier: LGPL-3.0-or-later
"""Hard events: pits, gaps, struts that go, pores that open; nothing crashes and nothing is lost."""

import numpy as np
import pytest

from osteofield.errors import ComputationStopped
from osteofield.geometry.morphometry import non_manifold_edges


def balanced(bone, start):
    """The books add up to the volume of the level set; the surface is a manifold."""
    b = bone.books
    assert non_manifold_edges(bone.sample.surface) == 0
    assert start - b.resorbed + b.formed - b.detached + b.filled == pytest.approx(
        bone.contour.volume, rel=1e-12, abs=1e-9 * start
    )


def test_one_patch_of_osteoclasts(shape, surface_points):
    """A velocity that jumps at the rim of a patch digs a pit of the right depth and width."""
    bone = shape("plate", (400.0, 400.0, 400.0), 25.0, thickness=200.0)
    start = bone.contour.volume
    for _ in range(16):
        x = surface_points(bone)
        patch = (np.hypot(x[:, 1] - 200, x[:, 2] - 200) < 90) & (x[:, 0] > 200)
        bone = bone.recut(np.where(patch, 5.0, 0.0)).bone
        balanced(bone, start)
    x = surface_points(bone)
    middle = (np.hypot(x[:, 1] - 200, x[:, 2] - 200) < 40) & (x[:, 0] > 200)
    assert 300 - x[middle, 0].max() == pytest.approx(80.0, abs=2.0)
    outside = (np.hypot(x[:, 1] - 200, x[:, 2] - 200) > 150) & (x[:, 0] > 200)
    assert np.abs(x[outside, 0] - 300).max() < 0.5
    assert bone.books.resorbed == pytest.approx(80 * np.pi * 90**2, rel=0.25)  # a round rim
    assert bone.books.formed < 1e-3 * bone.books.resorbed
    assert bone.books.perforations == 0


def test_a_pit_goes_through(shape, surface_points):
    """A plate four cells thick is holed when about half a cell is left, once."""
    bone = shape("plate", (400.0, 400.0, 400.0), 25.0, thickness=100.0)
    start, holed = bone.contour.volume, None
    for k in range(24):
        x = surface_points(bone)
        patch = (np.hypot(x[:, 1] - 200, x[:, 2] - 200) < 90) & (x[:, 0] > 152)
        bone = bone.recut(np.where(patch, 5.0, 0.0)).bone
        balanced(bone, start)
        if holed is None and bone.books.perforations:
            holed = 5.0 * (k + 1)
            break
    assert holed is not None and 70.0 <= holed <= 105.0
    assert bone.sample.morphometry.bone_pieces == 1
    assert bone.sample.morphometry.marrow_pieces == 1  # the two sides are joined


def test_formation_closes_a_gap(shape):
    """A slit between two plates closes from both sides and leaves neither marrow nor a fold."""
    bone = shape("box pore", (400.0, 300.0, 300.0), 25.0, pore=(80.0, 500.0, 500.0))
    start = bone.contour.volume
    for _ in range(7):
        bone = bone.recut(np.full(len(np.unique(bone.sample.surface)), -5.0)).bone
        balanced(bone, start)
    assert bone.books.formed == pytest.approx(70 * 300 * 300, rel=1e-6)
    with pytest.raises(ComputationStopped, match="there is no marrow left"):
        bone.recut(np.full(len(np.unique(bone.sample.surface)), -5.1))


def test_a_strut_disappears(shape):
    """A rod that reaches through the box wears away as a whole: marrow without surface is left."""
    bone = shape("rod", (300.0, 300.0, 300.0), 30.0, radius=70.0)
    start = bone.contour.volume
    while len(bone.sample.surface):
        assert bone.books.recuts < 20
        bone = bone.recut(np.full(len(np.unique(bone.sample.surface)), 6.0)).bone
        balanced(bone, start)
    assert bone.books.resorbed + bone.books.detached == pytest.approx(start, rel=1e-12)
    assert (
        bone.sample.morphometry.bone_volume == 0
        and bone.sample.morphometry.marrow_volume == pytest.approx(300.0**3)
    )
    assert not bone.due(np.zeros(0))
    assert bone.books.recuts * 6.0 == pytest.approx(70.0, abs=0.8 * 30.0)


def test_a_closed_pore_opens(shape, surface_points):
    """Two pores of a block, one of them closed: the wall between them goes."""
    bone = shape(
        "box pore", (500.0, 300.0, 300.0), 25.0, pore=(150.0, 150.0, 150.0), center=(130.0, 150.0, 150.0)
    )
    from osteofield.geometry.cut import cut

    x = np.stack(np.meshgrid(*bone.grid.axes(), indexing="ij"))
    second = np.linalg.norm(x - np.array([300.0, 150, 150]).reshape(3, 1, 1, 1), axis=0) - 60.0
    mesh = cut(np.minimum(bone.level.phi, second), bone.grid)
    assert mesh.components == (1, 2)
    bone = at_start_of(bone, mesh)
    start = bone.contour.volume
    for _ in range(5):
        bone = bone.recut(np.full(len(np.unique(bone.sample.surface)), 5.0)).bone
        balanced(bone, start)
    assert bone.sample.morphometry.marrow_pieces == 1


def at_start_of(bone, mesh):
    from osteofield.geometry.cutpiece import measure, piece_of
    from osteofield.remodelling import Bone

    nodes, nowhere = bone.level.nodes, np.full(len(mesh.points), np.nan)
    numbers = measure(mesh, bone.grid, nodes)
    return Bone.at_start(piece_of(mesh, bone.grid, nodes, numbers, nowhere, {}, origin=True))


def test_when_a_recut_is_due(shape):
    bone = shape("sphere", (400.0, 400.0, 400.0), 25.0, radius=120.0)
    n = len(np.unique(bone.sample.surface))
    for moved, due in ((0.0, False), (4.9, False), (5.1, True)):
        assert bone.due(np.full(n, moved), 0.2) == bone.due(np.full(n, -moved), 0.2) == due
    thin = shape("plate", (400.0, 400.0, 400.0), 25.0, thickness=5.0)
    depth = np.full(len(np.unique(thin.sample.surface)), 2.6)
    assert thin.due(depth, 0.2)  # 0.1 cells, but the plate is gone
    assert not shape("plate", (400.0, 400.0, 400.0), 25.0, thickness=80.0).due(depth, 0.2)


def test_what_is_frozen(shape):
    bone = shape("sphere", (400.0, 400.0, 400.0), 25.0, radius=120.0)
    after = bone.recut(np.full(len(np.unique(bone.sample.surface)), 8.0)).bone
    assert (after.sample.sigma0, after.sample.d0) == (bone.sample.sigma0, bone.sample.d0)
    m = after.sample.morphometry
    assert m.bone_surface / m.marrow_volume < 0.95 * after.sample.sigma0
    half = after.sample.half_thickness[np.unique(after.sample.surface)]
    assert (half > 1e8).all()  # nothing limits erosion but bone itself


def test_2d_keeps_all_pieces(shape, surface_points):
    """Pieces of a section hang together outside its plane."""
    bone = shape("rod", (500.0, 300.0), 25.0, radius=90.0)
    start = bone.contour.volume
    for _ in range(22):
        x = surface_points(bone)
        bone = bone.recut(np.where(np.abs(x[:, 0] - 250) < 30, 5.0, 0.0)).bone
        balanced(bone, start)
    assert bone.sample.morphometry.bone_pieces == 2 and bone.books.detached == 0
    assert bone.books.perforations == 1
