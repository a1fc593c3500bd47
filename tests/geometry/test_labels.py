# SPDX-License-Identifier: LGPL-3.0-or-later
"""Label maps: bone, marrow and implant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.case import load_case
from osteofield.case.types import ImageSpec, LabelSpec, SampleSpec, SliceSpec
from osteofield.errors import InputError
from osteofield.geometry import Sample, build_sample
from osteofield.geometry.morphometry import areas, non_manifold_edges, total_volume

sitk = pytest.importorskip("SimpleITK")

VOXEL = 20.0


def label_map(path: Path) -> np.ndarray:
    """Bone (7) left of x = 200 um, an implant (9) in a cylinder of 100 um radius along x through the whole,
    marrow (2)."""
    x, y, z = (np.indices((30, 24, 24)) + 0.5) * VOXEL
    labels = np.where(x < 200, 7, 2).astype(np.uint8)
    labels[(y - 240) ** 2 + (z - 240) ** 2 < 100**2] = 9
    image = sitk.GetImageFromArray(labels.transpose())
    image.SetSpacing([VOXEL / 1000] * 3)
    image.SetOrigin([VOXEL / 2000] * 3)
    sitk.WriteImage(image, str(path))
    return labels


def sample(path: Path, labels: LabelSpec, cell: float = 30.0) -> Sample:
    return build_sample(SampleSpec(image=ImageSpec(path, 0.5, 0.7, labels=labels), cell_size=cell))


def test_the_implant_is_neither_bone_nor_marrow(tmp_path: Path) -> None:
    label_map(tmp_path / "map.nrrd")
    s = sample(tmp_path / "map.nrrd", LabelSpec((7,), (2,), (9,)))
    m, face = s.morphometry, 480**2 - np.pi * 100**2
    assert m.bone_volume == pytest.approx(200 * face, rel=0.02)
    assert m.marrow_volume == pytest.approx(400 * face, rel=0.02)
    assert m.bone_surface == pytest.approx(face, rel=0.03)  # the plane, not the cylinder
    assert np.abs(s.points[s.surface].mean(1)[:, 0] - 200).max() < 15
    at = np.linalg.norm(s.points[s.marrow].mean(1)[:, 1:] - 240, axis=1)
    assert at.min() > 95
    assert len(np.unique(np.concatenate([s.marrow.ravel(), s.bone.ravel()]))) == len(s.points)
    assert non_manifold_edges(s.surface) == 0
    shown = areas(s.points, s.faces["implant"]).sum()
    assert shown == pytest.approx(400 * 2 * np.pi * 100, rel=0.03)  # the cylinder, where it is in marrow
    # every facet of the bone surface belongs to a bone cell too
    corners = {tuple(sorted(np.delete(c, i))) for c in s.bone for i in range(4)}
    assert all(tuple(sorted(f)) in corners for f in s.surface)
    assert s.provenance["labels"] == {"bone": [7], "marrow": [2], "implant": [9]}
    # and the faces of the box belong to marrow only
    assert areas(s.points, s.faces["x+"]).sum() == pytest.approx(face, rel=0.02)


def test_a_section_of_a_label_map(tmp_path: Path) -> None:
    label_map(tmp_path / "map.nrrd")
    spec = ImageSpec(tmp_path / "map.nrrd", 0.5, 0.7, labels=LabelSpec((7,), (2,), (9,)))
    s = build_sample(SampleSpec(image=spec, cell_size=15.0, slice=SliceSpec("z", 240.0)))
    assert s.morphometry.bone_volume == pytest.approx(200 * 280, rel=0.03)
    assert s.morphometry.marrow_volume == pytest.approx(400 * 280, rel=0.03)
    assert areas(s.points, s.faces["implant"]).sum() == pytest.approx(2 * 400, rel=0.03)


def test_bone_and_implant_as_one_bone(tmp_path: Path) -> None:
    labels = label_map(tmp_path / "map.nrrd")
    s = sample(tmp_path / "map.nrrd", LabelSpec((7, 9), None), 24.0)
    assert s.morphometry.bv_tv == pytest.approx((labels != 2).mean(), rel=0.02)
    assert total_volume(s.points, s.bone) == s.morphometry.bone_volume


@pytest.mark.mpi
def test_ranks_cut_the_same(tmp_path: Path, run_mpi) -> None:
    label_map(tmp_path / "map.nrrd")
    code = f"""
from pathlib import Path
from osteofield.parallel import world
comm = world()
from osteofield.case.types import ImageSpec, LabelSpec, SampleSpec
from osteofield.geometry import build_piece
spec = ImageSpec(Path({str(tmp_path / "map.nrrd")!r}), 0.5, 0.7, labels=LabelSpec((7,), (2,), (9,)))
piece = build_piece(SampleSpec(image=spec, cell_size=40.0), comm)
if comm.rank == 0:
    print(piece.hash, piece.marrow_points, f"{{piece.sigma0:.9g}}")
"""
    one, three = (run_mpi(n, code) for n in (1, 3))
    assert one == three and len(one.split()) == 3


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    label_map(tmp_path / "map.nrrd")
    for labels, message in (
        (LabelSpec((7,), (2,)), r"neither bone nor marrow nor implant: 9 in \d+ voxels"),
        (LabelSpec((1,), None), "no voxel is labelled bone .1.; there are: 2, 7, 9"),
        (LabelSpec((7,), None, (5,)), "no voxel is labelled implant"),
        (LabelSpec((7, 2, 9), None), "has no marrow"),
    ):
        with pytest.raises(InputError, match=message):
            sample(tmp_path / "map.nrrd", labels)


CASE = """format = 1
[sample]
image = "map.nrrd"
cell_size = "40 um"
labels = {}
[model]
name = "osteoimmune"
[time]
end = "1 day"
"""


def test_labels_in_a_case(tmp_path: Path) -> None:
    label_map(tmp_path / "map.nrrd")
    file = tmp_path / "case.toml"
    file.write_text(CASE.format('{ bone = [7, 8], marrow = "rest", implant = 9 }'))
    spec = load_case(file).sample.image
    assert spec is not None and spec.labels == LabelSpec((7, 8), None, (9,))
    for labels, message in (
        ("{ bone = 7 }", "marrow: this key is needed, for example marrow = 0, or"),
        ("{ bone = 7, marrow = [2, 7] }", "the label 7 stands here as bone too"),
        ("{ bone = 7.5, marrow = 2 }", "a whole number is needed, but this is the number 7.5"),
        ("{ bone = [], marrow = 2 }", "at least one whole number is needed"),
        ("{ bone = 7, marrow = 2, teeth = 3 }", "this key is not known"),
        ("{ bone = 7, marrow = 2 }\nthreshold = 63", "a label map has no threshold"),
    ):
        file.write_text(CASE.format(labels))
        with pytest.raises(InputError, match=message):
            load_case(file)
    text = CASE.format("{ bone = 7, marrow = 2, implant = 9 }")
    file.write_text(text.replace("[sample]", 'surface = "moves"\n[sample]', 1))
    with pytest.raises(InputError, match="cannot move next to an implant yet"):
        load_case(file)
