# SPDX-License-Identifier: LGPL-3.0-or-later
"""A time series of fields as flat XDMF + HDF5, the one layout that every ParaView and PyVista reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import h5py
import numpy as np

from .atomic import replace_file
from .extents import Extent, Part, allocated
from .growing import Addition, GrowingFile

if TYPE_CHECKING:
    from ..simulation.writer import ArraySpec

POINTS, CELLS = ".points", ".cells"  # no population is called so

# nodes per cell and dimension of space -> XDMF topology; a line segment is a polyline of two
_TOPOLOGY = {
    (2, 2): 'TopologyType="Polyline" NodesPerElement="2"',
    (3, 2): 'TopologyType="Triangle"',
    (3, 3): 'TopologyType="Triangle"',
    (4, 3): 'TopologyType="Tetrahedron"',
}


@dataclass(frozen=True)
class Step:
    """One output time of a series.

    Attributes:
        time: day.
        group: HDF5 group of its fields.
        mesh: HDF5 group of its mesh.
        fields: Field name to unit text, in order.
    """

    time: float
    group: str
    mesh: str
    fields: Mapping[str, str]


class XdmfSeries:
    """Writes ``NAME.xdmf`` and ``NAME.h5``; after every step both are complete and readable.

    The HDF5 file holds ``meshNNN/points`` (n, 3) in um, ``meshNNN/cells`` (m, k) and
    ``stepNNNNN/FIELD`` (n,) with attribute ``unit``; each step group has attributes ``time`` (day),
    ``mesh`` and ``fields``. A mesh is stored with the first step that uses it. The XML is replaced
    only after the data it names are safe on disk.
    """

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = Path(folder), name
        self.xdmf, self.h5 = self.folder / f"{name}.xdmf", self.folder / f"{name}.h5"
        self.steps: list[Step] = []
        self._file = GrowingFile(self.h5)
        self._shapes: dict[str, tuple[int, int, int, int]] = {}  # points, cells, points per cell, dimension
        self._n_steps_ever = 0
        self._dropped = False

    def create(self) -> None:
        """Start an empty series, replacing any other."""
        self._file.create()
        self._replace_xml()

    def reopen(self, keep: int) -> None:
        """Continue a series: keep its first `keep` steps, drop the later ones.

        Raises:
            OSError: The HDF5 file is missing or damaged.
        """
        try:
            with h5py.File(self.h5, "r") as f:
                for name in sorted(f):
                    group = f[name]
                    if name.startswith("mesh"):
                        shape = len(group["points"]), *group["cells"].shape
                        self._shapes[name] = *shape, int(group.attrs["dimension"])
                        continue
                    self._n_steps_ever = max(self._n_steps_ever, int(name.removeprefix("step")) + 1)
                    if len(self.steps) < keep:
                        time, mesh = float(group.attrs["time"]), str(group.attrs["mesh"])
                        fields = {k: str(group[k].attrs["unit"]) for k in group.attrs["fields"]}
                        self.steps.append(Step(time, name, mesh, fields))
                    else:
                        self._dropped = True
        except (KeyError, ValueError, RuntimeError) as e:
            raise OSError(f"{self.h5} is damaged ({e})") from None
        self._replace_xml()

    def write(self, time: float, shapes: Mapping[str, ArraySpec], units: Mapping[str, str]) -> StepSink:
        """Append one output time.

        Args:
            time: day.
            shapes: Fields ``NAME`` (n,) at the points of the mesh and, for a new mesh, ``.points``
                (n, 2 or 3) in um and ``.cells`` (m, 2..4), rows of the points. 2-D points get z = 0
                in the file.
            units: Unit text of every field.
        """
        fields = [n for n in shapes if n not in (POINTS, CELLS)]
        mesh = self.steps[-1].mesh if self.steps else ""
        geometry = self._shapes.get(mesh)
        if POINTS in shapes:
            mesh = f"mesh{max((int(m[4:]) for m in self._shapes), default=-1) + 1:03d}"
            n, dimension = shapes[POINTS].shape
            m, k = shapes[CELLS].shape
            if (k, dimension) not in _TOPOLOGY:
                raise ValueError(f"cells of {k} points in {dimension}-D cannot be written as XDMF")
            geometry = n, m, k, dimension
        if geometry is None:
            raise ValueError(f"the first step of {self.name} has no mesh")
        for name in fields:
            if shapes[name].shape != (geometry[0],):
                raise ValueError(
                    f"field {name!r} has shape {shapes[name].shape}, but {self.name} has {geometry[0]} points"
                )
        step = Step(time, f"step{self._n_steps_ever:05d}", mesh, {k: units.get(k, "1") for k in fields})
        kept = None
        if self._dropped:
            kept = [*dict.fromkeys(s.mesh for s in self.steps), *(s.group for s in self.steps)]
        return StepSink(self, step, geometry, self._file.add(kept), POINTS in shapes)

    def _committed(self, step: Step, geometry: tuple[int, int, int, int]) -> None:
        self._dropped = False
        self._shapes[step.mesh] = geometry
        self._n_steps_ever += 1
        self.steps.append(step)
        self._replace_xml()

    def _replace_xml(self) -> None:
        lines = [
            '<?xml version="1.0"?>',
            '<Xdmf Version="3.0">',
            "<Domain>",
            f'<Grid Name="{self.name}" GridType="Collection" CollectionType="Temporal">',
        ]
        for step in self.steps:
            lines += self._grid(step)
        lines += ["</Grid>", "</Domain>", "</Xdmf>", ""]
        replace_file(self.xdmf, "\n".join(lines))

    def _grid(self, step: Step) -> list[str]:
        n, m, k, dimension = self._shapes[step.mesh]
        h5 = f"{self.h5.name}:/"
        lines = [
            f'<Grid Name="{self.name}" GridType="Uniform">',
            f'<Time Value="{step.time!r}"/>',
            f'<Topology {_TOPOLOGY[k, dimension]} NumberOfElements="{m}">'
            f'<DataItem Dimensions="{m} {k}" NumberType="Int" Precision="8" Format="HDF">'
            f"{h5}{step.mesh}/cells</DataItem></Topology>",
            f'<Geometry GeometryType="XYZ"><DataItem Dimensions="{n} 3" NumberType="Float" Precision="8" '
            f'Format="HDF">{h5}{step.mesh}/points</DataItem></Geometry>',
        ]
        lines += (
            f'<Attribute Name={quoteattr(name)} AttributeType="Scalar" Center="Node">'
            f'<DataItem Dimensions="{n}" NumberType="Float" Precision="8" Format="HDF">'
            f"{h5}{step.group}/{escape(name)}</DataItem></Attribute>"
            for name in step.fields
        )
        return [*lines, "</Grid>"]


class StepSink:
    """One output time on its way into a series.

    Attributes:
        places: Where the values of its arrays go.
    """

    def __init__(
        self,
        series: XdmfSeries,
        step: Step,
        geometry: tuple[int, int, int, int],
        addition: Addition,
        new_mesh: bool,
    ):
        self._series, self._step, self._geometry, self._addition = series, step, geometry, addition
        try:
            with addition.shadow.guard():
                self.places = self._create(new_mesh)
            self._part = Part(self.places)
        except BaseException:
            addition.abandon()
            raise

    def _create(self, new_mesh: bool) -> dict[str, Extent]:
        n, m, k, dimension = self._geometry
        root, step, h5 = self._addition.root, self._step, self._series.h5
        places: dict[str, Extent | None] = {}
        if new_mesh:
            mesh = root.create_group(step.mesh)
            mesh.attrs["dimension"] = dimension
            places[POINTS] = allocated(h5, mesh, "points", (n, 3), np.float64, "um")
            places[CELLS] = allocated(h5, mesh, "cells", (m, k), np.int64)
        group = root.create_group(step.group)
        group.attrs["time"], group.attrs["mesh"] = step.time, step.mesh
        group.attrs["fields"] = list(step.fields) or np.array([], dtype=h5py.string_dtype())
        for name, unit in step.fields.items():
            places[name] = allocated(h5, group, name, (n,), np.float64, unit)
        return {name: place for name, place in places.items() if place is not None}

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        """Rows `start` and following of an array."""
        self._part.block(name, start, rows)

    def commit(self) -> None:
        """Fields, then the XML that names them."""
        self._part.close()
        self._addition.commit()
        self._series._committed(self._step, self._geometry)

    def abandon(self) -> None:
        """As if it had not been begun."""
        self._part.close()
        self._addition.abandon()
