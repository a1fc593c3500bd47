# SPDX-License-Identifier: LGPL-3.0-or-later
"""An implant beside bone: in scans by its own grey value, in surfaces by a file of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from osteofield.case.types import ImplantSpec, SampleSpec, ShapeSpec
from osteofield.errors import InputError
from osteofield.export import Skin, implant_skin, scan, skin_of
from osteofield.export.facets import sizes
from osteofield.export.scan import TITANIUM
from osteofield.geometry import Sample, build_sample

from .conftest import bone_of

SIDE, THICK, RADIUS = 600.0, 200.0, 150.0


def pin(dimension: int) -> Sample:
    """A pin at right angles through a plate."""
    plate = ShapeSpec("plate", (SIDE,) * dimension, thickness=THICK)
    axis = (1.0, 0.0, 0.0) if dimension == 3 else (0.0, 0.0, 1.0)
    body = ImplantSpec("cylinder", axis=axis, diameter=2 * RADIUS)
    return build_sample(SampleSpec(shape=plate, cell_size=40.0, implant=body))


@pytest.fixture(scope="module")
def pinned() -> Sample:
    return pin(3)


DISC = np.pi * RADIUS**2


def test_a_scan_has_marrow_bone_and_titanium(pinned: Sample) -> None:
    made = scan(bone_of(pinned), 20.0)
    assert made.implant is not None
    assert made.implant.sum() * 20.0**3 == pytest.approx(DISC * SIDE, rel=0.03)
    assert (made.share + made.implant <= 1 + 1e-12).all()
    assert made.bv_tv == pytest.approx(pinned.morphometry.bv_tv, rel=0.02)  # its cells are stepped at the pin
    assert made.bv_tv == pytest.approx(THICK / SIDE, rel=0.02)  # the pin is no part of the tissue
    metal = 64 + 128 * TITANIUM
    for at, grey in (((15, 15, 15), metal), ((1, 15, 15), metal), ((15, 2, 2), 192), ((2, 2, 2), 64)):
        assert made.grey[at] == pytest.approx(grey), at
    given = scan(bone_of(pinned), 20.0, implant_grey=255.0)
    assert given.grey[15, 15, 15] == 255 and given.grey[15, 2, 2] == 192


def test_bone_erodes_and_the_implant_does_not(pinned: Sample) -> None:
    whole, eroded = (scan(bone_of(pinned, lambda x, d=d: np.full(len(x), d)), 20.0) for d in (0.0, 40.0))
    assert eroded.bv_tv / whole.bv_tv == pytest.approx((THICK - 80) / THICK, rel=0.02)
    assert whole.implant is not None and eroded.implant is not None
    np.testing.assert_array_equal(whole.implant, eroded.implant)


def test_a_section() -> None:
    """A disc across a bar of bone."""
    made = scan(bone_of(pin(2)), 10.0)
    assert made.implant is not None
    assert made.implant.sum() * 100.0 == pytest.approx(DISC, rel=0.02)
    # of the bar all but what lies within the disc
    half = THICK / 2
    within = 2 * (half * np.sqrt(RADIUS**2 - half**2) + RADIUS**2 * np.arcsin(half / RADIUS))
    assert made.share.sum() * 100.0 == pytest.approx(THICK * SIDE - within, rel=0.02)


def edges(skin: Skin) -> np.ndarray:
    """How many triangles each edge has."""
    t = np.sort(skin.triangles, 1)
    return np.unique(np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [0, 2]]]), axis=0, return_counts=True)[
        1
    ]


def test_the_bone_surface_is_open_at_the_implant(pinned: Sample) -> None:
    pytest.importorskip("pyvista")
    area = 2 * (SIDE**2 - DISC)
    bone = bone_of(pinned)
    assert skin_of(bone).triangles is bone.facets
    assert sizes(bone.points, bone.facets).sum() == pytest.approx(area, rel=0.04)
    skin = skin_of(bone_of(pinned, lambda x: np.full(len(x), 40.0)))
    assert sizes(skin.points, skin.triangles).sum() == pytest.approx(area, rel=0.04)
    height = abs(skin.points[:, 0] - SIDE / 2)
    beside = np.linalg.norm(skin.points[:, 1:] - SIDE / 2, axis=1)
    assert beside.min() > RADIUS - 40  # a cell
    np.testing.assert_allclose(height[beside > RADIUS + 40], THICK / 2 - 40, atol=3)
    np.testing.assert_allclose(height, THICK / 2 - 40, atol=40 / 3)  # one step of the grid is rounded there
    np.testing.assert_allclose(skin.depth, 40, atol=1e-9)


def test_the_implant_is_a_closed_body(pinned: Sample) -> None:
    skin = implant_skin(bone_of(pinned))
    assert (edges(skin) % 2 == 0).all() and (sizes(skin.points, skin.triangles) > 0).all()
    x = (skin.points - SIDE / 2)[skin.triangles]
    assert np.linalg.det(x).sum() / 6 == pytest.approx(DISC * SIDE, rel=0.03)  # normals out of it


def test_what_is_missing_is_said(ball: Sample, pinned: Sample) -> None:
    with pytest.raises(InputError, match="holds no implant"):
        implant_skin(bone_of(ball))
    with pytest.raises(InputError, match="2-D section"):
        implant_skin(bone_of(pin(2)))
    lost = replace(bone_of(pinned), hull=None)
    with pytest.raises(InputError, match="no implant.xdmf; run the case again"):
        scan(lost, 20.0)
