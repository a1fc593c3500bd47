# SPDX-License-Identifier: LGPL-3.0-or-later
"""A time series of fields as flat XDMF + HDF5, the one layout that every ParaView and PyVista reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import h5py
import numpy as np

from .atomic import replace_file
from .growing import GrowingFile

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
    ``mesh`` and ``fields``. A mesh is stored again only where it has changed. The XML is replaced
    only after the data it names are safe on disk.
    """

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = Path(folder), name
        self.xdmf, self.h5 = self.folder / f"{name}.xdmf", self.folder / f"{name}.h5"
        self.steps: list[Step] = []
        self._file = GrowingFile(self.h5)
        self._shapes: dict[str, tuple[int, int, int, int]] = {}  # points, cells, points per cell, dimension
        self._mesh = ""
        self._points, self._cells = np.empty((0, 3)), np.empty((0, 0), dtype=np.int64)
        self._n_steps_ever = 0
        self._pending: str | None = None
        self._dropped = False

    def create(self, points: np.ndarray, cells: np.ndarray) -> None:
        """Start an empty series on a mesh.

        Args:
            points: ``(n, 2 or 3)`` in um; 2-D points get z = 0 in the file.
            cells: ``(m, 2..4)`` rows of `points`.
        """
        self._file.create()
        self.set_mesh(points, cells)
        self._replace_xml()

    def reopen(self, until: float) -> None:
        """Continue a series: keep its steps up to time `until` (day), drop the later ones.

        Raises:
            OSError: The HDF5 file is missing or damaged.
        """
        with h5py.File(self.h5, "r") as f:
            for name in sorted(f):
                group = f[name]
                if name.startswith("mesh"):
                    shape = len(group["points"]), *group["cells"].shape
                    self._shapes[name] = *shape, int(group.attrs["dimension"])
                    self._mesh = name
                    continue
                self._n_steps_ever = max(self._n_steps_ever, int(name.removeprefix("step")) + 1)
                time = float(group.attrs["time"])
                if time <= until * (1 + 1e-12):
                    fields = {k: str(group[k].attrs["unit"]) for k in group.attrs["fields"]}
                    self.steps.append(Step(time, name, str(group.attrs["mesh"]), fields))
                else:
                    self._dropped = True
            if self.steps:
                self._mesh = self.steps[-1].mesh
            if self._mesh:
                self._points, self._cells = f[self._mesh]["points"][:], f[self._mesh]["cells"][:]
        self._replace_xml()

    def set_mesh(self, points: np.ndarray, cells: np.ndarray) -> None:
        """Use this mesh from the next step on; it is stored with that step unless it is the current one."""
        points = np.asarray(points, dtype=np.float64)
        dimension = points.shape[1]
        if (cells.shape[1], dimension) not in _TOPOLOGY:
            raise ValueError(f"cells of {cells.shape[1]} points in {dimension}-D cannot be written as XDMF")
        if dimension == 2:
            points = np.column_stack([points, np.zeros(len(points))])
        cells = np.asarray(cells, dtype=np.int64)
        if self._mesh and np.array_equal(self._points, points) and np.array_equal(self._cells, cells):
            return
        if self._pending:  # never written: no step used it
            del self._shapes[self._pending]
        self._mesh = self._pending = f"mesh{len(self._shapes):03d}"
        self._shapes[self._mesh] = len(points), *cells.shape, dimension
        self._points, self._cells = points, cells

    def write(self, time: float, fields: Mapping[str, np.ndarray], units: Mapping[str, str]) -> None:
        """Append one output time.

        Args:
            time: day.
            fields: Name to ``(n,)`` values at the points of the current mesh.
            units: Unit text of every field.
        """
        points, cells, dimension = self._points, self._cells, self._shapes[self._mesh][3]
        step = Step(time, f"step{self._n_steps_ever:05d}", self._mesh, {k: units.get(k, "1") for k in fields})
        for name, values in fields.items():
            if np.shape(values) != (len(points),):
                raise ValueError(
                    f"field {name!r} has shape {np.shape(values)}, but {self.name} has {len(points)} points"
                )

        def fill(root: h5py.Group) -> None:
            if self._pending:
                mesh = root.create_group(self._mesh)
                mesh.attrs["dimension"] = dimension
                mesh.create_dataset("points", data=points).attrs["unit"] = "um"
                mesh.create_dataset("cells", data=cells)
            group = root.create_group(step.group)
            group.attrs["time"], group.attrs["mesh"] = time, self._mesh
            group.attrs["fields"] = list(fields) or np.array([], dtype=h5py.string_dtype())
            for name, values in fields.items():
                data = np.ascontiguousarray(values, dtype=np.float64)
                group.create_dataset(name, data=data).attrs["unit"] = step.fields[name]

        keep = None
        if self._dropped:
            keep = [*dict.fromkeys(s.mesh for s in self.steps), *(s.group for s in self.steps)]
            if not self._pending and self._mesh not in keep:
                keep.append(self._mesh)
        self._file.append(fill, keep)
        self._pending, self._dropped = None, False
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
