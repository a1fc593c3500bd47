# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sample files: an XDMF file for ParaView and meshio, and an HDF5 file from which a sample is rebuilt."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, Problem, unwritten
from .implant import FACE as IMPLANT
from .implant import Hull
from .morphometry import Morphometry, areas
from .sample import Sample

FORMAT = "osteofield sample 2"
BONE, MARROW = 1, 2
SURFACE = 10
_HULL = ("points", "facets", "at_marrow")
FACES = {"x-": 20, "x+": 21, "y-": 22, "y+": 23, "z-": 24, "z+": 25, IMPLANT: 26}


def save_sample(sample: Sample, path: str | Path) -> tuple[Path, ...]:
    """Write ``NAME.xdmf`` (cells, tag ``phase``: 1 bone, 2 marrow), ``NAME_facets.xdmf`` (tag
    ``facet``: 10 bone surface, 20 ... 25 marrow on the box faces x-, x+, y-, ..., 26 marrow on an implant)
    and ``NAME.h5``.

    Returns:
        The files written.

    Raises:
        InputError: The folder does not exist or cannot be written.
    """
    import h5py

    path = Path(path)
    if path.suffix.lower() != ".xdmf":
        path = path.with_name(path.name + ".xdmf")
    h5, facets_path = path.with_suffix(".h5"), path.with_name(path.stem + "_facets.xdmf")
    cells = np.concatenate([sample.bone, sample.marrow])
    phase = np.repeat(np.array([BONE, MARROW], np.int32), [len(sample.bone), len(sample.marrow)])
    facets = np.concatenate([sample.surface, *sample.faces.values()])
    tags = [SURFACE, *(FACES[f] for f in sample.faces)]
    facet = np.repeat(np.array(tags, np.int32), [len(sample.surface), *map(len, sample.faces.values())])
    about = {
        "format": FORMAT, "hash": sample.hash, "box": sample.box, "provenance": sample.provenance,
        "morphometry": sample.morphometry.to_dict(),
    }  # fmt: skip
    arrays = {
        "points": sample.points, "half_thickness": sample.half_thickness,
        "cells": cells, "phase": phase, "facets": facets, "facet": facet,
    }  # fmt: skip
    hull = sample.implant
    body = {} if hull is None else {n: getattr(hull, n) for n in _HULL}
    temporary = h5.with_name(h5.name + ".part")
    try:
        with h5py.File(temporary, "w") as f:
            for name, a in arrays.items():
                f.create_dataset(name, data=a)
            for name, a in body.items():
                f.create_dataset(f"implant/{name}", data=a)
            f.attrs["format"] = FORMAT
            f.create_dataset("about", data=json.dumps(about))
        os.replace(temporary, h5)
        path.write_text(_xdmf(h5.name, arrays, "cells", "phase"), encoding="utf-8")
        facets_path.write_text(_xdmf(h5.name, arrays, "facets", "facet"), encoding="utf-8")
    except OSError as e:
        temporary.unlink(missing_ok=True)
        raise InputError(unwritten("the sample", path, e)) from None
    return path, facets_path, h5


def _xdmf(h5: str, arrays: dict[str, np.ndarray], cells: str, tag: str) -> str:
    d = arrays["points"].shape[1]
    topology = {2: "Polyline", 3: "Triangle", 4: "Tetrahedron"}[arrays[cells].shape[1]]
    per_element = ' NodesPerElement="2"' if topology == "Polyline" else ""

    def item(name: str) -> str:
        a = arrays[name]
        kind = "Float" if a.dtype.kind == "f" else "Int"
        return (
            f'<DataItem Dimensions="{" ".join(map(str, a.shape))}" NumberType="{kind}" '
            f'Precision="{a.dtype.itemsize}" Format="HDF">{h5}:/{name}</DataItem>'
        )

    return f"""<?xml version="1.0"?>
<Xdmf Version="3.0">
  <Domain>
    <Grid Name="sample" GridType="Uniform">
      <Topology TopologyType="{topology}" NumberOfElements="{len(arrays[cells])}"{per_element}>
        {item(cells)}
      </Topology>
      <Geometry GeometryType="{"XYZ" if d == 3 else "XY"}">
        {item("points")}
      </Geometry>
      <Attribute Name="{tag}" AttributeType="Scalar" Center="Cell">
        {item(tag)}
      </Attribute>
      <Attribute Name="half_thickness" AttributeType="Scalar" Center="Node">
        {item("half_thickness")}
      </Attribute>
    </Grid>
  </Domain>
</Xdmf>
"""


def load_sample(path: str | Path) -> Sample:
    """Rebuild a sample from its file.

    Raises:
        InputError: The file is missing, was not written by osteofield, or has changed since.
    """
    import h5py

    path = Path(path)
    h5 = path.with_suffix(".h5")
    if not path.exists():
        raise InputError(Problem("there is no such sample file.", path))
    if not h5.exists():
        raise InputError(
            Problem(
                f"'{h5.name}', which belongs to it, is missing; a sample is made by 'osteofield mesh'. A "
                'mesh from elsewhere needs its unit and tags, for example unit = "mm", bone = 1, marrow = 2.',
                path,
            )
        )
    try:
        with h5py.File(h5, "r") as f:
            if f.attrs.get("format") != FORMAT:
                raise InputError(
                    Problem(
                        "this was not written by 'osteofield mesh' (or by another version); a mesh from "
                        'elsewhere needs its unit and tags, for example unit = "mm", bone = 1, marrow = 2.',
                        path,
                    )
                )
            about: dict[str, Any] = json.loads(f["about"][()])
            points, half = f["points"][()], f["half_thickness"][()]
            cells, phase, facets, facet = (f[n][()] for n in ("cells", "phase", "facets", "facet"))
            hull = Hull(*(f[f"implant/{n}"][()] for n in _HULL)) if "implant" in f else None
    except (OSError, KeyError, ValueError) as e:
        raise InputError(Problem(f"'{h5.name}' cannot be read: {e}.", path)) from None
    d = points.shape[1]
    there = [*FACES][: 2 * d] + [IMPLANT] * (FACES[IMPLANT] in facet)
    sample = Sample(
        dimension=d,
        points=points,
        marrow=cells[phase == MARROW],
        bone=cells[phase == BONE],
        surface=facets[facet == SURFACE],
        faces={name: facets[facet == FACES[name]] for name in there},
        box=(tuple(about["box"][0]), tuple(about["box"][1])),
        half_thickness=half,
        morphometry=Morphometry.from_dict(about["morphometry"]),
        provenance=about["provenance"],
        implant=hull,
    )
    if sample.hash != about["hash"]:
        raise InputError(Problem(f"'{h5.name}' has changed since it was written (its hash differs).", path))
    return sample


def mesh_info(sample: Sample | str | Path) -> tuple[str, dict[str, Any]]:
    """What ``osteofield mesh info`` shows: text for the screen, and the same as plain values."""
    if not isinstance(sample, Sample):
        sample = load_sample(sample)
    m, d = sample.morphometry, sample.dimension
    mm = 1000.0
    data: dict[str, Any] = {
        "dimension": d, "points": len(sample.points), "marrow cells": len(sample.marrow),
        "bone cells": len(sample.bone), "surface facets": len(sample.surface),
        "box [um]": [list(sample.box[0]), list(sample.box[1])],
        "BV/TV [1]": m.bv_tv, "BS/BV [1/mm]": m.bs_bv * mm, "BS/TV [1/mm]": m.bs_tv * mm,
        "sigma0 [1/mm]": sample.sigma0 * mm, "d0 [um]": sample.d0,
        "pieces of bone": m.bone_pieces, "pieces of marrow": m.marrow_pieces,
    }  # fmt: skip
    half = sample.half_thickness[np.isfinite(sample.half_thickness)]
    if len(half):
        data["thickness at the surface, median [mm]"] = 2 * float(np.median(half)) / mm
    for key, value, scale in (
        ("Conn.D [1/mm^3]", m.connectivity, mm**3), ("Tb.Th [mm]", m.thickness, 1 / mm),
        ("Tb.Th SD [mm]", m.thickness_sd, 1 / mm), ("Tb.Sp [mm]", m.separation, 1 / mm),
        ("Tb.Sp SD [mm]", m.separation_sd, 1 / mm), ("DA [1]", m.anisotropy, 1.0),
    ):  # fmt: skip
        if value is not None:
            data[key] = value * scale
    if IMPLANT in sample.faces:
        free = float(areas(sample.points, sample.faces[IMPLANT]).sum())
        data[f"implant surface that touches marrow [{'mm^2' if d == 3 else 'mm'}]"] = free / mm ** (d - 1)
        data["note"] = "the tissue volume of BV/TV and BS/TV leaves the implant out"
    if m.quality is not None:
        q, what = m.quality, "dihedral angle" if d == 3 else "angle"
        one = f"{'a' if d == 3 else 'an'} {what}"
        data |= {
            f"smallest {what} [deg]": q.smallest, f"largest {what} [deg]": q.largest,
            f"share of cells with {one} below 5 deg": q.below_5 / q.cells,
            f"share of cells with {one} below 10 deg": q.below_10 / q.cells,
        }  # fmt: skip
    data |= {"hash": sample.hash, "provenance": sample.provenance}
    cell = sample.provenance.get("cell size [um]")
    if m.thickness is not None and cell and m.thickness < 1.5 * max(cell):
        data["warning"] = (
            f"Tb.Th ({m.thickness:.4g} um) is less than 1.5 cells ({1.5 * max(cell):.4g} um): bone so "
            f"thin is not resolved; use cells of at most {m.thickness / 1.5:.2g} um"
        )
    width = max(len(k) for k in data)
    lines = []
    for key, value in data.items():
        if key == "provenance":
            lines += [f"{f'{k}:':<{width + 1}} {_text(v)}" for k, v in value.items()]
        else:
            lines.append(f"{f'{key}:':<{width + 1}} {_text(value)}")
    return "\n".join(lines), data


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(f"({_text(v)})" if isinstance(v, (list, tuple)) else _text(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k} {_text(v)}" for k, v in value.items())
    return str(value)
