# SPDX-License-Identifier: LGPL-3.0-or-later
"""A figure of panels with one colour bar each: pictures, their scale bars, time and letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .scene import Camera
from .style import COLUMN, DPI, INK, RC, add_axes_marks, add_focus, add_scale_bar, dress_bar, time_text

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

_MARGIN, _GAP, _BAR, _FOOT, _HEAD = 0.05, 0.12, 0.09, 0.46, 0.24  # inch


class Sheet:
    """A row of equal panels with colour bars below them.

    Args:
        columns: Number of panels.
        aspect: Width over height of a panel.
        width: Of the figure, inch.
        dpi: Pixels per inch.
    """

    def __init__(self, columns: int, aspect: float = 1.0, width: float = COLUMN, dpi: int = DPI):
        import matplotlib.pyplot as plt

        self.panel_width = (width - 2 * _MARGIN - _GAP * (columns - 1)) / columns
        self.panel_height = self.panel_width / aspect
        self.height = _HEAD + self.panel_height + _FOOT
        with plt.rc_context(RC):
            self.figure = plt.figure(figsize=(width, self.height), dpi=dpi)
        self.width, self.columns, self.dpi = width, columns, dpi
        self._scales: list[float] = []

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of a panel in pixels."""
        return round(self.panel_width * self.dpi), round(self.panel_height * self.dpi)

    def panel(self, column: int, title: str) -> Axes:
        """Empty axes with a title above."""
        import matplotlib.pyplot as plt

        left = _MARGIN + column * (self.panel_width + _GAP)
        with plt.rc_context(RC):
            ax = self.figure.add_axes(
                (
                    left / self.width,
                    _FOOT / self.height,
                    self.panel_width / self.width,
                    self.panel_height / self.height,
                )
            )
            ax.set_axis_off()
            letter = f"{'abcdefgh'[column]}   " if self.columns > 1 else ""
            y = (_FOOT + self.panel_height + 0.06) / self.height
            self.figure.text(left / self.width, y, letter, weight="bold", size=9, va="bottom")
            x = left / self.width + (0.2 / self.width if letter else 0)
            self.figure.text(x, y, title, size=8, va="bottom")
        return ax

    def picture(
        self,
        column: int,
        title: str,
        image: np.ndarray,
        camera: Camera,
        foci: Sequence[tuple[np.ndarray, float]] = (),
    ) -> Axes:
        """A drawn scene with directions, the outlines of foci (centre and radius, um) and a scale bar.

        The first picture carries the bar, and every one whose scale is another.
        """
        import matplotlib.pyplot as plt

        ax = self.panel(column, title)
        height, width = image.shape[:2]
        with plt.rc_context(RC):
            ax.imshow(image, interpolation="none", aspect="auto", extent=(0, width, height, 0))
            ax.set_xlim(0, width)
            ax.set_ylim(height, 0)
            for centre, radius in foci:  # a ball is a circle in a parallel projection
                add_focus(ax, camera.project(centre, (width, height))[0], radius * height / camera.height)
            if camera.height not in self._scales:
                add_scale_bar(ax, camera.height / height, width)
                self._scales.append(camera.height)
            if column == 0:
                add_axes_marks(ax, camera.right, camera.up)
        return ax

    def time(self, time: float, more: str = "") -> None:
        """Print the time at the upper right, with a remark before it."""
        y = (_FOOT + self.panel_height + 0.06) / self.height
        x = 1 - _MARGIN / self.width
        stamp = self.figure.text(
            x, y, time_text(time), size=8, weight="bold", color=INK, ha="right", va="bottom"
        )
        if more:
            wide = stamp.get_window_extent().width / self.dpi
            self.figure.text(x - (wide + 0.12) / self.width, y, more, size=8, ha="right", va="bottom")

    def colour_bar(self, first: int, last: int, norm: Any, cmap: Any, label: str, extend: str) -> None:
        """A horizontal colour bar below the panels `first` to `last`."""
        import matplotlib.pyplot as plt
        from matplotlib.cm import ScalarMappable

        left = _MARGIN + first * (self.panel_width + _GAP)
        span = (last - first) * (self.panel_width + _GAP) + self.panel_width
        wide = min(0.8 * span, 3.6)
        with plt.rc_context(RC):
            ax = self.figure.add_axes(
                (
                    (left + (span - wide) / 2) / self.width,
                    (_FOOT - 0.04 - _BAR) / self.height,
                    wide / self.width,
                    _BAR / self.height,
                )
            )
            bar = self.figure.colorbar(
                ScalarMappable(norm, cmap), cax=ax, orientation="horizontal", extend=extend, extendfrac=0.03
            )
            bar.set_label(label, labelpad=1.5)
            dress_bar(bar)

    def save(self, path: Path) -> Path:
        """Write a PNG and close the figure."""
        import matplotlib.pyplot as plt

        self.figure.savefig(path, dpi=self.dpi)
        plt.close(self.figure)
        return path

    def image(self) -> np.ndarray:
        """``(height, width, 3)`` RGB, 0 to 255; closes the figure."""
        import matplotlib.pyplot as plt

        self.figure.canvas.draw()
        image = np.asarray(self.figure.canvas.buffer_rgba())[..., :3].copy()
        plt.close(self.figure)
        return image
