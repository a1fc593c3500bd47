# SPDX-License-Identifier: LGPL-3.0-or-later
"""A scalar field on voxels whose sign tells bone from marrow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class Voxels:
    """Values at voxel centres, axes in physical order x, y(, z) and ascending.

    Attributes:
        values: ``(n, ...)`` positive in bone, for example grey value minus threshold.
        first: Centre of the first voxel, um.
        spacing: Voxel size per axis, um.
    """

    values: np.ndarray
    first: tuple[float, ...]
    spacing: tuple[float, ...]

    @property
    def dimension(self) -> int:
        return self.values.ndim

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Outer corners of the first and the last voxel, um."""
        first, spacing = np.array(self.first), np.array(self.spacing)
        return first - spacing / 2, first + spacing * (np.array(self.values.shape) - 0.5)

    def without_islands(self) -> tuple[Voxels, int, int]:
        """Keep the largest piece of bone and of marrow; the rest changes sides.

        Bone is connected through faces, edges and corners of voxels, marrow through faces, as
        usual in bone morphometry.

        Returns:
            The field, the number of bone voxels removed and of marrow voxels filled.
        """
        values, counts = self.values.copy(), []
        for phase, connectivity in ((1, values.ndim), (-1, 1)):
            structure = ndimage.generate_binary_structure(values.ndim, connectivity)
            mask = values > 0 if phase > 0 else values <= 0
            label, n = ndimage.label(mask, structure)
            if n > 1:
                keep = np.bincount(label.ravel())[1:].argmax() + 1
                mask &= label != keep
                values[mask] = -phase * np.maximum(np.abs(values[mask]), np.finfo(np.float32).tiny)
                counts.append(int(mask.sum()))
            else:
                counts.append(0)
        return replace(self, values=values), counts[0], counts[1]

    def plane(self, axis: int, at: float) -> Voxels:
        """The 2-D field on the plane normal to `axis` at `at` um, interpolated between layers."""
        i = (at - self.first[axis]) / self.spacing[axis]
        i = float(np.clip(i, 0, self.values.shape[axis] - 1))
        low = min(int(i), max(self.values.shape[axis] - 2, 0))
        layers = [self.values.take(min(low + k, self.values.shape[axis] - 1), axis) for k in (0, 1)]
        w = i - low
        rest = [k for k in range(self.dimension) if k != axis]
        return Voxels(
            (1 - w) * layers[0] + w * layers[1],
            tuple(self.first[k] for k in rest),
            tuple(self.spacing[k] for k in rest),
        )

    def at_right_angles(self, width: float) -> Voxels:
        """Extrude the field through the outermost `width` um, so that surfaces meet the box squarely."""
        values = self.values
        for k, n in enumerate(values.shape):
            rim = min(int(np.ceil(width / self.spacing[k])), (n - 1) // 2)
            values = values.take(np.clip(np.arange(n), rim, n - 1 - rim), k)
        return replace(self, values=values)

    def at(self, axes: tuple[np.ndarray, ...]) -> np.ndarray:
        """Linear interpolation on the product of coordinate axes; constant beyond the last centres."""
        out = self.values
        for k, x in enumerate(axes):
            n = self.values.shape[k]
            i = np.clip((x - self.first[k]) / self.spacing[k], 0, n - 1)
            low = np.clip(i.astype(int), 0, max(n - 2, 0))
            w = (i - low).astype(out.dtype).reshape([-1 if j == k else 1 for j in range(out.ndim)])
            out = out.take(low, k) * (1 - w) + out.take(np.minimum(low + 1, n - 1), k) * w
        return out

    def surface_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Crossings of the zero level with the lines between neighbouring voxel centres.

        These are the vertices of marching cubes; the normals are interpolated gradients.

        Returns:
            ``(n, d)`` points in um and ``(n, d)`` unit normals into the bone.
        """
        f = self.values
        points, normals = [], []
        for k in range(f.ndim):
            low = tuple(slice(0, -1) if j == k else slice(None) for j in range(f.ndim))
            high = tuple(slice(1, None) if j == k else slice(None) for j in range(f.ndim))
            a = np.stack(np.nonzero((f[low] > 0) != (f[high] > 0)), 1)
            b = a.copy()
            b[:, k] += 1
            fa, fb = (f[tuple(i.T)].astype(float) for i in (a, b))
            t = (fa / (fa - fb))[:, None]
            points.append((1 - t) * a + t * b)
            normals.append((1 - t) * self._gradient(a) + t * self._gradient(b))
        normal = np.concatenate(normals)
        size = np.linalg.norm(normal, axis=1)
        good = size > 0
        where = np.concatenate(points)[good] * self.spacing + self.first
        return where, normal[good] / size[good, None]

    def _gradient(self, ijk: np.ndarray) -> np.ndarray:
        """Central differences at voxels ``(n, d)``."""
        out = np.empty(ijk.shape)
        for k, n in enumerate(self.values.shape):
            up, down = ijk.copy(), ijk.copy()
            up[:, k] = np.minimum(ijk[:, k] + 1, n - 1)
            down[:, k] = np.maximum(ijk[:, k] - 1, 0)
            rise = self.values[tuple(up.T)].astype(float) - self.values[tuple(down.T)]
            out[:, k] = rise / (np.maximum(up[:, k] - down[:, k], 1) * self.spacing[k])
        return out
