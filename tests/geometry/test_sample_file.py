# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sample files."""

import meshio
import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.errors import InputError
from osteofield.geometry import build_sample, load_sample, mesh_info, save_sample
from osteofield.geometry.morphometry import areas, volumes


@pytest.fixture(params=[2, 3])
def sample(request):
    d = request.param
    return build_sample(SampleSpec(shape=ShapeSpec("sphere", (300.0,) * d, radius=90.0), cell_size=30.0))


def test_round_trip(sample, tmp_path):
    path = tmp_path / "ball.xdmf"
    files = save_sample(sample, path)
    assert [f.name for f in files] == ["ball.xdmf", "ball_facets.xdmf", "ball.h5"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ball.h5", "ball.xdmf", "ball_facets.xdmf"]
    for loaded in (
        load_sample(path),
        load_sample(path.with_suffix(".h5")),
        build_sample(SampleSpec(mesh=path)),
    ):
        assert loaded.hash == sample.hash
        for name in ("points", "marrow", "bone", "surface", "half_thickness"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(sample, name))
        assert loaded.faces.keys() == sample.faces.keys()
        for name, facets in sample.faces.items():
            np.testing.assert_array_equal(loaded.faces[name], facets)
        assert loaded.morphometry == sample.morphometry
        assert loaded.provenance == sample.provenance
        assert loaded.box == sample.box
        assert (loaded.sigma0, loaded.d0) == (sample.sigma0, sample.d0)


def test_meshio_reads_cells_and_tags(sample, tmp_path):
    save_sample(sample, tmp_path / "ball.xdmf")
    mesh = meshio.read(tmp_path / "ball.xdmf")
    d = sample.dimension
    cells = mesh.cells_dict["tetra" if d == 3 else "triangle"]
    phase = mesh.cell_data_dict["phase"]["tetra" if d == 3 else "triangle"]
    x = mesh.points[:, :d]
    assert volumes(x, cells[phase == 1]).sum() == pytest.approx(sample.morphometry.bone_volume)
    assert volumes(x, cells[phase == 2]).sum() == pytest.approx(sample.morphometry.marrow_volume)
    mesh = meshio.read(tmp_path / "ball_facets.xdmf")
    kind = "triangle" if d == 3 else "line"
    tag = mesh.cell_data_dict["facet"][kind]
    assert areas(x, mesh.cells_dict[kind][tag == 10]).sum() == pytest.approx(sample.morphometry.bone_surface)
    assert set(tag) == {10, *range(20, 20 + 2 * d)}
    assert np.isfinite(mesh.point_data["half_thickness"][mesh.cells_dict[kind][tag == 10]]).all()


def test_vtk_reads_it(sample, tmp_path):
    xdmf = pytest.importorskip("vtkmodules.vtkIOXdmf2")
    save_sample(sample, tmp_path / "ball.xdmf")
    reader = xdmf.vtkXdmfReader()
    reader.SetFileName(str(tmp_path / "ball.xdmf"))
    reader.Update()
    grid = reader.GetOutputDataObject(0)
    assert grid.GetNumberOfCells() == len(sample.marrow) + len(sample.bone)
    assert grid.GetCellData().GetArray("phase").GetRange() == (1.0, 2.0)


def test_faults(sample, tmp_path):
    with pytest.raises(InputError, match="no such sample file"):
        load_sample(tmp_path / "none.xdmf")
    path = tmp_path / "ball.xdmf"
    save_sample(sample, path)
    h5 = path.with_suffix(".h5")
    whole = h5.read_bytes()
    h5.unlink()
    with pytest.raises(InputError, match="'ball.h5', which belongs to it, is missing"):
        load_sample(path)
    h5.write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read"):
        load_sample(path)
    h5.write_bytes(whole)
    import h5py

    with h5py.File(h5, "r+") as f:
        f["points"][0] += 1.0
    with pytest.raises(InputError, match="has changed since it was written"):
        load_sample(path)
    with h5py.File(h5, "w") as f:
        f["x"] = 1
    with pytest.raises(InputError, match="not written by 'osteofield mesh'"):
        load_sample(path)
    with pytest.raises(InputError, match="cannot be written here"):
        save_sample(sample, tmp_path / "no folder" / "ball.xdmf")


def test_info(sample, tmp_path):
    save_sample(sample, tmp_path / "ball.xdmf")
    text, data = mesh_info(tmp_path / "ball.xdmf")
    assert data["BV/TV [1]"] == sample.morphometry.bv_tv
    assert data["d0 [um]"] == sample.d0
    assert "BV/TV [1]:" in text
    assert sample.hash in text
    assert mesh_info(sample)[0] == text
