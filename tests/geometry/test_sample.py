# SPDX-License-Identifier: LGPL-3.0-or-later
"""Samples from shapes, foam and images."""

import json

import numpy as np
import pytest

from osteofield.case.types import FoamSpec, ImageSpec, SampleSpec, ShapeSpec, SliceSpec
from osteofield.errors import InputError
from osteofield.geometry import build_sample
from osteofield.geometry.morphometry import areas, non_manifold_edges, total_volume
from osteofield.geometry.segmentation import load_bone

VOXEL = 19.5


def plate(d=3, **more):
    return SampleSpec(
        shape=ShapeSpec("plate", (600.0, 300.0, 200.0)[:d], thickness=120.0), cell_size=25.0, **more
    )


@pytest.mark.parametrize("d", [2, 3])
def test_plate(d):
    s = build_sample(plate(d))
    assert s.dimension == s.points.shape[1] == d
    assert (s.marrow.dtype, s.surface.dtype, s.points.dtype) == (np.int64, np.int64, np.float64)
    assert s.d0 == pytest.approx(60)
    assert s.sigma0 == pytest.approx(2 / 480)
    assert s.morphometry.bv_tv == pytest.approx(0.2)
    assert s.box == ((0.0,) * d, (600.0, 300.0, 200.0)[:d])
    assert (s.morphometry.bone_pieces, s.morphometry.marrow_pieces) == (1, 2)
    at = np.unique(s.surface)
    np.testing.assert_allclose(s.half_thickness[at], 60, rtol=0.04)
    assert np.isnan(np.delete(s.half_thickness, at)).all()
    for name, facets in s.faces.items():
        k, side = "xyz".index(name[0]), s.box[name[1] == "+"]
        assert np.abs(s.points[facets][..., k] - side[k]).max() == 0
        full = np.prod(np.delete((600.0, 300.0, 200.0)[:d], k))
        assert areas(s.points, facets).sum() == pytest.approx(full * (1 if k == 0 else 0.8))
    assert len(s.faces) == 2 * d
    json.dumps(s.provenance)


def test_marrow_only():
    s = build_sample(SampleSpec(shape=ShapeSpec("marrow", (100.0, 100.0)), cell_size=25.0))
    assert (len(s.bone), len(s.surface), s.sigma0) == (0, 0, 0.0)
    assert np.isnan(s.d0)
    assert len(s.marrow) == 32


def test_same_specification_same_hash():
    spec = SampleSpec(foam=FoamSpec((500.0, 500.0, 500.0), spacing=500.0), cell_size=25.0)
    a, b = build_sample(spec), build_sample(spec)
    assert a.hash == b.hash
    assert a.hash != build_sample(plate()).hash
    assert a.morphometry.bv_tv == pytest.approx(0.23, rel=0.03)
    assert (a.morphometry.bone_pieces, a.morphometry.marrow_pieces) == (1, 1)


def test_slice_of_a_foam():
    foam = FoamSpec((600.0, 500.0, 400.0), spacing=300.0)
    lines = []
    s = build_sample(SampleSpec(foam=foam, cell_size=20.0, slice=SliceSpec("y", 50.0)), log=lines.append)
    assert s.dimension == 2
    np.testing.assert_allclose(s.box, [(0, 0), (600, 400)], atol=1e-9)
    assert s.provenance["slice"] == {"axis": "y", "at [um]": 50.0, "axes": "xz"}
    assert max(s.morphometry.bone_pieces, s.morphometry.marrow_pieces) > 1
    assert any("pieces" in line for line in lines)
    assert non_manifold_edges(s.surface) == 0


def test_faults():
    with pytest.raises(InputError, match="needs a cell size"):
        build_sample(SampleSpec(foam=FoamSpec((500.0,) * 3)))
    with pytest.raises(InputError, match="cannot be sliced"):
        build_sample(plate(slice=SliceSpec()))
    foam = FoamSpec((500.0,) * 3, spacing=300.0)
    with pytest.raises(InputError, match="lies outside the sample, which reaches from 0 to 500 um"):
        build_sample(SampleSpec(foam=foam, cell_size=40.0, slice=SliceSpec("z", 900.0)))
    with pytest.raises(InputError, match="no marrow at this cell size"):
        build_sample(SampleSpec(shape=ShapeSpec("sphere", (100.0, 100.0), radius=300.0), cell_size=25.0))


def voxel_reference(image, cell_size):
    """BV/TV of the voxels and marching-cubes area per volume after the same preparation."""
    measure = pytest.importorskip("skimage.measure")
    voxels, _ = load_bone(image)
    voxels, _, _ = voxels.without_islands()
    share = (voxels.values > 0).mean()
    voxels = voxels.at_right_angles(cell_size / 2)

    def area(field):
        vertices, faces, _, _ = measure.marching_cubes(field, 0.0, spacing=voxels.spacing)
        return measure.mesh_surface_area(vertices, faces)

    # marching cubes ends at voxel centres: half a voxel short of the box; padded, half a voxel beyond
    inner, outer = area(voxels.values), area(np.pad(voxels.values, 1, mode="edge"))
    volume = np.prod(np.array(voxels.values.shape) * voxels.spacing)
    return share, (inner + outer) / 2 / volume


def test_real_bone(shared_data):
    corner = np.array([1000.0, 1000.0, 1000.0])
    crop = (tuple(corner), tuple(corner + 96 * VOXEL))
    image = ImageSpec(shared_data / "lhdl_3155_D_4_200.nrrd", 63.0, crop=crop)
    s = build_sample(SampleSpec(image=image, cell_size=2 * VOXEL))
    bv_tv, bs_tv = voxel_reference(image, 2 * VOXEL)
    m = s.morphometry
    assert m.bv_tv == pytest.approx(bv_tv, rel=0.005)
    assert m.bs_tv == pytest.approx(bs_tv, rel=0.01)
    assert (m.bone_pieces, m.marrow_pieces) == (1, 1)
    assert non_manifold_edges(s.surface) == 0
    side = np.array(s.box[1]) - np.array(s.box[0])
    assert m.total_volume == pytest.approx(np.prod(side), rel=1e-12)
    assert total_volume(s.points, s.bone) == m.bone_volume
    assert m.quality.below_5 / m.quality.cells < 1e-5
    assert m.quality.largest < 170
    half = s.half_thickness[np.isfinite(s.half_thickness)]
    assert 2 * np.median(half) == pytest.approx(200, rel=0.2)


@pytest.mark.slow
def test_whole_real_sample(shared_data):
    image = ImageSpec(shared_data / "lhdl_3155_D_4_200.nrrd", 63.0)
    s = build_sample(SampleSpec(image=image, cell_size=2 * VOXEL), thickness=True)
    bv_tv, bs_tv = voxel_reference(image, 2 * VOXEL)
    assert s.morphometry.bv_tv == pytest.approx(bv_tv, rel=0.005)
    assert s.morphometry.bs_tv == pytest.approx(bs_tv, rel=0.01)
    assert (s.morphometry.bone_pieces, s.morphometry.marrow_pieces) == (1, 1)
    assert s.morphometry.thickness == pytest.approx(247, rel=0.05)
    assert s.morphometry.separation == pytest.approx(765, rel=0.05)
    assert s.morphometry.anisotropy == pytest.approx(1.37, rel=0.05)  # the same on cells of 78 um


def test_slice_of_real_bone(shared_data):
    image = ImageSpec(shared_data / "lhdl_3155_D_4_crop128.nrrd", 63.0)
    s = build_sample(SampleSpec(image=image, cell_size=2 * VOXEL, slice=SliceSpec("z", 1950.0)))
    voxels, _ = load_bone(image)
    voxels, _, _ = voxels.without_islands()
    plane = voxels.plane(2, 1950.0)
    assert s.morphometry.bv_tv == pytest.approx((plane.values > 0).mean(), rel=0.02)
    np.testing.assert_allclose(
        s.box, [(692.25, 692.25), (3188.25, 3188.25)]
    )  # where the crop lies in the whole
