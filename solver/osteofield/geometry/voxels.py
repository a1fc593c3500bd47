# SPDX-License-Identifier: LGPL-3.0-or-later
"""A scalar field on voxels whose sign tells bone from marrow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from ..team import Team
from .boxes import Box, Partition
from .cloud import Cloud
from .pieces import pieces


@dataclass(frozen=True)
class Voxels:
    """Values at voxel centres, axes in physical order x, y(, z) and ascending.

    Attributes:
        values: ``(n, ...)`` positive in bone, for example grey value minus threshold.
        first: Centre of the first voxel of the whole, um.
        spacing: Voxel size per axis, um.
        held: Which voxels of the whole `values` are; by default all.
        whole: Number of voxels per axis.
    """

    values: np.ndarray
    first: tuple[float, ...]
    spacing: tuple[float, ...]
    held: Box | None = None
    whole: tuple[int, ...] = ()

    @property
    def dimension(self) -> int:
        return self.values.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels per axis of the whole."""
        return self.whole or self.values.shape

    @property
    def start(self) -> tuple[int, ...]:
        """Index of the first voxel held."""
        return self.held.lo if self.held else (0,) * self.dimension

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Outer corners of the first and the last voxel of the whole, um."""
        first, spacing = np.array(self.first), np.array(self.spacing)
        return first - spacing / 2, first + spacing * (np.array(self.shape) - 0.5)

    def without_islands(self) -> tuple[Voxels, int, int]:
        """See `VoxelField.without_islands`; for a whole."""
        field, dropped, filled = VoxelField.alone(self).without_islands()
        return replace(self, values=field.values), dropped, filled

    def plane(self, axis: int, at: float) -> Voxels:
        """See `VoxelField.plane`; for a whole."""
        return VoxelField.alone(self).plane(axis, at)

    def at_right_angles(self, width: float) -> Voxels:
        """See `VoxelField.at_right_angles`; for a whole."""
        return VoxelField.alone(self).at_right_angles(width, Box((0,) * self.dimension, self.shape))

    def at(self, axes: tuple[np.ndarray, ...]) -> np.ndarray:
        """Linear interpolation on the product of coordinate axes; constant beyond the last centres."""
        out = self.values
        for k, x in enumerate(axes):
            n, held = self.shape[k], self.values.shape[k]
            i = np.clip((x - self.first[k]) / self.spacing[k], 0, n - 1)
            low = np.clip(i.astype(int), 0, max(n - 2, 0))
            w = (i - low).astype(out.dtype).reshape([-1 if j == k else 1 for j in range(out.ndim)])
            low -= self.start[k]
            out = out.take(low, k) * (1 - w) + out.take(np.minimum(low + 1, held - 1), k) * w
        return out

    def around(self, axes: tuple[np.ndarray, ...]) -> Box:
        """The voxels that `at` looks at."""
        lo, hi = [], []
        for k, x in enumerate(axes):
            n = self.shape[k]
            ends = np.clip((x[[0, -1]] - self.first[k]) / self.spacing[k], 0, n - 1).astype(int)
            lo.append(int(np.clip(ends[0], 0, max(n - 2, 0))))
            hi.append(int(min(n, ends[1] + 2)))
        return Box(tuple(lo), tuple(hi))

    def surface_points(self, own: Box | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Crossings of the zero level with the lines between neighbouring voxel centres.

        These are the vertices of marching cubes; the normals are interpolated gradients.

        Args:
            own: Voxels at whose upper sides crossings are wanted; by default all.

        Returns:
            ``(n, d)`` points in um, ``(n, d)`` unit normals into the bone, and ``(n,)`` keys that are
            those of the whole.
        """
        f, shape, start = self.values, np.array(self.shape), np.array(self.start)
        held = self.held or Box((0,) * self.dimension, self.shape)
        own = own or held
        points, normals, keys = [], [], []
        for k in range(f.ndim):
            step = np.arange(f.ndim) == k
            upper = tuple(int(min(h, n - s)) for h, n, s in zip(own.hi, shape, step, strict=True))
            here = Box(own.lo, upper).within(held)
            there = Box(*(tuple((np.array(c) + step).tolist()) for c in (own.lo, upper))).within(held)
            a = np.stack(np.nonzero((f[here] > 0) != (f[there] > 0)), 1) + np.array(own.lo)
            b = a + step
            fa, fb = (f[tuple((i - start).T)].astype(float) for i in (a, b))
            t = (fa / (fa - fb))[:, None]
            points.append((1 - t) * a + t * b)
            normals.append((1 - t) * self._gradient(a) + t * self._gradient(b))
            keys.append(np.ravel_multi_index(tuple(a.T), tuple(shape)) * f.ndim + k)
        normal = np.concatenate(normals)
        size = np.linalg.norm(normal, axis=1)
        good = size > 0
        where = np.concatenate(points)[good] * self.spacing + self.first
        return where, normal[good] / size[good, None], np.concatenate(keys)[good]

    def _gradient(self, ijk: np.ndarray) -> np.ndarray:
        """Central differences at voxels ``(n, d)`` of the whole."""
        out = np.empty(ijk.shape)
        start = np.array(self.start)
        for k, n in enumerate(self.shape):
            up, down = ijk.copy(), ijk.copy()
            up[:, k] = np.minimum(ijk[:, k] + 1, n - 1)
            down[:, k] = np.maximum(ijk[:, k] - 1, 0)
            rise = self.values[tuple((up - start).T)].astype(float) - self.values[tuple((down - start).T)]
            out[:, k] = rise / (np.maximum(up[:, k] - down[:, k], 1) * self.spacing[k])
        return out


@dataclass(frozen=True)
class VoxelField:
    """Voxels over ranks.

    Attributes:
        partition: Which voxels are whose.
        values: ``(n, ...)`` those of this rank, positive in bone.
        first: Centre of the first voxel of the whole, um.
        spacing: Voxel size per axis, um.
    """

    partition: Partition
    values: np.ndarray
    first: tuple[float, ...]
    spacing: tuple[float, ...]

    @classmethod
    def alone(cls, voxels: Voxels) -> VoxelField:
        """A whole on one process."""
        return cls(Partition.even(Team(), voxels.shape), voxels.values, voxels.first, voxels.spacing)

    @classmethod
    def shared(cls, team: Team, voxels: Voxels) -> VoxelField:
        """Voxels that every rank has as a whole, each keeping its part."""
        partition = Partition.even(team, voxels.shape)
        own = Box((0,) * voxels.dimension, voxels.shape)
        values = np.ascontiguousarray(voxels.values[partition.own.within(own)])
        return cls(partition, values, voxels.first, voxels.spacing)

    @property
    def dimension(self) -> int:
        return self.values.ndim

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Outer corners of the first and the last voxel, um."""
        return self._voxels(self.values, self.partition.own).box

    def _voxels(self, values: np.ndarray, held: Box) -> Voxels:
        return Voxels(values, self.first, self.spacing, held, self.partition.whole)

    def bone(self) -> int:
        """Collective: number of bone voxels."""
        return int(self.partition.team.sum(int((self.values > 0).sum())))

    def without_islands(self) -> tuple[VoxelField, int, int]:
        """Collective: keep the largest piece of bone and of marrow; the rest changes sides.

        Bone is connected through faces, edges and corners of voxels, marrow through faces, as
        usual in bone morphometry.

        Returns:
            The field, the number of bone voxels removed and of marrow voxels filled.
        """
        values, counts, p = self.values.copy(), [], self.partition
        halo = p.halo(p.own.grown(1, 1, p.whole))
        for phase, connectivity in ((1, values.ndim), (-1, 1)):
            structure = scipy.ndimage.generate_binary_structure(values.ndim, connectivity)
            small = pieces(values > 0 if phase > 0 else values <= 0, p, halo, structure).small
            values[small] = -phase * np.maximum(np.abs(values[small]), np.finfo(np.float32).tiny)
            counts.append(int(p.team.sum(int(small.sum()))))
        return replace(self, values=values), counts[0], counts[1]

    def at_right_angles(self, width: float, wanted: Box) -> Voxels:
        """Collective: the field extruded through the outermost `width` um, on the voxels `wanted`.

        So surfaces meet the box squarely.
        """
        p, index = self.partition, []
        for k, n in enumerate(p.whole):
            rim = min(int(np.ceil(width / self.spacing[k])), (n - 1) // 2)
            index.append(np.clip(np.arange(wanted.lo[k], wanted.hi[k]), rim, n - 1 - rim))
        if wanted.size:
            source = Box(tuple(int(i[0]) for i in index), tuple(int(i[-1]) + 1 for i in index))
        else:
            source = wanted
        values = p.fetch(self.values, source)
        for k, i in enumerate(index):
            if wanted.size:
                values = values.take(i - source.lo[k], k)
        return self._voxels(values, wanted)

    def plane(self, axis: int, at: float) -> Voxels:
        """Collective: the 2-D field on the plane normal to `axis` at `at` um, whole on every rank."""
        p = self.partition
        i = float(np.clip((at - self.first[axis]) / self.spacing[axis], 0, p.whole[axis] - 1))
        low = min(int(i), max(p.whole[axis] - 2, 0))
        corner, end = [0] * self.dimension, list(p.whole)
        corner[axis], end[axis] = low, min(low + 2, p.whole[axis])
        layers = p.fetch(self.values, Box(tuple(corner), tuple(end)))
        w = i - low
        rest = [k for k in range(self.dimension) if k != axis]
        return Voxels(
            (1 - w) * layers.take(0, axis) + w * layers.take(-1, axis),
            tuple(self.first[k] for k in rest),
            tuple(self.spacing[k] for k in rest),
        )

    def surface(self, width: float) -> Cloud:
        """Collective: surface points of the field at right angles to the box, with their normals."""
        p = self.partition
        held = self.at_right_angles(width, p.own.grown(1, 2, p.whole))
        if p.own.size:
            points, normals, keys = held.surface_points(p.own)
        else:
            points = normals = np.zeros((0, self.dimension))
            keys = np.zeros(0, np.int64)
        return Cloud(p.team, points, keys, normals)
