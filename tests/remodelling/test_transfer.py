# SPDX-License-Identifier: LGPL-3.0-or-later
"""What lives on the mesh keeps its amount and its sign when the mesh is cut anew."""

import numpy as np
import pytest

from osteofield.remodelling import Hats, Phase, Transfer
from osteofield.remodelling.hats import rescaled


def parts(bone):
    return {"marrow": Phase.marrow(bone.sample), "surface": Phase.surface(bone.sample)}


def fields(points):
    """Constant, wavy, noise, a peak, and one that is 0 in half of the sample."""
    x = points[:, 0]
    noise = np.random.default_rng(4).random(len(x))
    peak = np.exp(-(((points - points.mean(0)) / 60) ** 2).sum(1))
    return np.column_stack([np.ones(len(x)), 1 + 0.8 * np.sin(x / 40), noise, peak, x > np.median(x)])


@pytest.mark.parametrize("size", [(600.0, 500.0), (450.0, 400.0, 400.0)])
@pytest.mark.parametrize("step", [6.0, -6.0, 0.05])
def test_amounts_and_signs(shape, size, step):
    bone = shape("sphere", size, 35.0, radius=130.0)
    hats = Hats(bone.grid)
    old = parts(bone)
    values = {name: fields(p.points) for name, p in old.items()}
    start = {name: p.masses @ values[name] for name, p in old.items()}
    for _ in range(5):
        bone = bone.recut(np.full(len(np.unique(bone.sample.surface)), step)).bone
        new = parts(bone)
        for name in new:
            values[name] = Transfer(old[name], new[name], hats).conserved(values[name], np.zeros(5, bool))
            assert values[name].min() >= 0
            assert new[name].masses @ values[name] == pytest.approx(start[name], rel=1e-12)
        old = new
    if step == 0.05:  # nothing to see of re-cuts that hardly change anything
        assert np.abs(values["marrow"][:, 0] - 1).max() < 0.05


@pytest.mark.parametrize("size", [(600.0, 500.0), (450.0, 400.0, 400.0)])
def test_rest_is_the_identity(shape, size):
    bone = shape("sphere", size, 35.0, radius=130.0)
    again = bone.recut(np.zeros(len(np.unique(bone.sample.surface)))).bone
    old, new = parts(bone), parts(again)
    for name, p in old.items():
        u = fields(p.points)
        u[:, 1] -= 1.0
        signed = np.array([False, True, False, False, False])
        assert np.array_equal(Transfer(p, new[name], Hats(bone.grid)).conserved(u, signed), u)


def test_signed_values_and_additions(shape):
    bone = shape("rod", (500.0, 400.0), 30.0, radius=110.0)
    hats, old = Hats(bone.grid), parts(bone)
    after = bone.recut(np.full(len(np.unique(bone.sample.surface)), 7.0)).bone
    p, q = old["marrow"], parts(after)["marrow"]
    wave = np.sin(p.points[:, :1] / 50)
    out = Transfer(p, q, hats).conserved(wave, np.array([True]))
    assert q.masses @ out == pytest.approx(p.masses @ wave, rel=1e-12)
    assert np.abs(out).max() < 1.2
    release = np.zeros((hats.count, 1))
    release[hats.count // 2] = 1e4
    empty = np.zeros((len(p.keys), 1))
    out = Transfer(p, q, hats).conserved(empty, np.array([False]), release)
    assert q.masses @ out == pytest.approx([1e4], rel=1e-12) and out.min() >= 0


def test_linear_fields_are_interpolated_exactly_where_there_was_marrow(shape):
    bone = shape("sphere", (450.0, 400.0, 400.0), 35.0, radius=130.0)
    after = bone.recut(np.full(len(np.unique(bone.sample.surface)), -12.0)).bone  # bone grows: no new marrow
    p, q = parts(bone)["marrow"], parts(after)["marrow"]

    def linear(x):
        return 3.0 + x @ np.array([[0.5], [-0.2], [0.1]])

    error = np.abs(Transfer(p, q, Hats(bone.grid)).interpolated(linear(p.points)) - linear(q.points))
    assert error.max() < 1e-9


def test_content_without_a_place_goes_to_the_nearest(shape):
    """A patch of surface vanishes with all its cells: they move to the surface that is nearest."""
    bone = shape("rod", (900.0, 300.0), 25.0, radius=60.0)
    hats = Hats(bone.grid)
    points = bone.grid.points()
    at = hats.at(points)
    masses, content = np.ones(len(points)), np.zeros(hats.count)
    content[[0, hats.count - 1]] = 5.0, 7.0
    values = np.where(points[:, 0] < 450, 1.0, 0.0)  # the last hat holds zeros only
    out = values.copy()
    rescaled(hats, out[:, None], masses, at, content[:, None], np.array([False]))
    assert out.sum() == pytest.approx(12.0, rel=1e-12) and out.min() >= 0
    assert not out[points[:, 0] >= 450].any()


def test_what_stays_in_place_does_not_creep(shape):
    """Germs that grow wherever a trace of them gets stay on their side while bone recedes by 100 um."""
    bone = shape("rod", (600.0, 400.0), 25.0, radius=150.0)
    hats, old = Hats(bone.grid), parts(bone)["marrow"]
    u = np.column_stack([old.points[:, 0] < 300.0] * 2).astype(float)
    for _ in range(20):
        bone = bone.recut(np.full(len(np.unique(bone.sample.surface)), 5.0)).bone
        new = parts(bone)["marrow"]
        u = Transfer(old, new, hats).conserved(u, np.zeros(2, bool), stays=np.array([True, False]))
        old, u = new, np.where(u > 1e-3, np.maximum(u, 1.0), 0.0)
    copied, interpolated = (old.points[u[:, k] > 0, 0].max() for k in (0, 1))
    assert copied <= 300.0 and interpolated >= 325.0
    infected = old.masses[u[:, 0] > 0].sum()
    assert infected == pytest.approx(old.masses[old.points[:, 0] < 300.0].sum(), rel=0.04)
