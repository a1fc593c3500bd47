# SPDX-License-Identifier: LGPL-3.0-or-later
"""How pictures look: sizes, fonts, colours, and the marks every picture carries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

DPI = 300
COLUMN = 7.2  # inch: the width of two columns in most journals

BONE = "#ede4d0"
CUT_BONE = "#cdbb97"
IMPLANT = "#8b949e"
# Okabe and Ito, Color Universal Design (2008): told apart by colour-blind readers
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442",
)  # fmt: skip
_GREEK = {"a": "α", "b": "β", "g": "γ"}
CYCLE = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
LINES = ("-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))  # of one run after the other
INFECTION = BLUE
THERAPY = "#dfe7ee"
INK = "#222222"

RC = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.3,
    "legend.frameon": True,
    "legend.framealpha": 0.8,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "legend.fontsize": 7,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "mathtext.default": "regular",
}


def depth_colours() -> Colormap:
    """Bone colour for untouched bone, then inferno (perceptually uniform) from light to dark."""
    import matplotlib as mpl
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    x = np.linspace(0, 1, 256)
    inferno = mpl.colormaps["inferno_r"](0.06 + 0.72 * x)[:, :3]
    w = np.clip(x / 0.14, 0, 1)[:, None]
    w = w * w * (3 - 2 * w)
    colours = (1 - w) * np.array(to_rgb(BONE)) + w * inferno
    return LinearSegmentedColormap.from_list("eroded depth", colours).with_extremes(under=BONE)


def gain_colours() -> Colormap:
    """Bone colour for untouched bone at the upper end, down to dark green where most was formed."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("formed bone", ["#00441b", "#238b6d", "#8fc9b0", BONE])


def gain_and_depth_colours(zero: float) -> Colormap:
    """`gain_colours` up to the place `zero` of the scale, 0 to 1, and `depth_colours` from there."""
    from matplotlib.colors import ListedColormap

    x = np.linspace(0, 1, 512)
    gain, depth = gain_colours()(x / zero), depth_colours()((x - zero) / (1 - zero))
    return ListedColormap(np.where((x < zero)[:, None], gain, depth), "formed and eroded bone")


def field_colours() -> str:
    """For concentrations: perceptually uniform and safe for colour-blind readers."""
    return "viridis"


def difference_map() -> str:
    """For differences: blue is less, red is more, told apart by colour-blind readers too."""
    return "RdBu_r"


def time_colours(n: int) -> np.ndarray:
    """``(n, 4)`` from early, light, to late, dark; every one is seen on white."""
    import matplotlib as mpl

    return mpl.colormaps["viridis_r"](np.linspace(0.12, 1.0, n) if n > 1 else [1.0])


def label_text(label: str) -> str:
    """A name as it is printed: ``TNF-a`` becomes ``TNF-α``, ``IL-1b`` ``IL-1β``."""
    return re.sub(r"-(\d*)([abg])\b", lambda m: f"-{m[1]}{_GREEK[m[2]]}", label)


def unit_text(unit: str) -> str:
    """A unit as it is printed: ``um^3`` becomes ``µm³``; no unit for plain numbers."""
    for plain, pretty in (
        ("um", "µm"), ("^-1", "⁻¹"), ("^-2", "⁻²"), ("^-3", "⁻³"), ("^2", "²"), ("^3", "³"),
    ):  # fmt: skip
        unit = unit.replace(plain, pretty)
    return "" if unit in ("1", "") else unit


def with_unit(label: str, unit: str) -> str:
    """``label (unit)``."""
    text = unit_text(unit)
    return f"{label} ({text})" if text else label


def time_text(time: float) -> str:
    """``day 28``."""
    return f"day {time:.4g}"


def nice_length(longest: float) -> float:
    """500 um if that fits into `longest`, else the greatest of 1, 2, 5 times a power of ten that does."""
    if 500 <= longest <= 2500:
        return 500.0
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(k * power for k in (1, 2, 5) if k * power <= longest))


def add_scale_bar(ax: Axes, um_per_pixel: float, width: float) -> None:
    """Draw a scale bar into the lower left corner of a picture.

    Args:
        ax: Axes whose data coordinates are pixels, or um when `um_per_pixel` is 1.
        um_per_pixel: Size of a data unit.
        width: Width of the axes in data units.
    """
    from matplotlib.offsetbox import AnchoredOffsetbox, AuxTransformBox, TextArea, VPacker
    from matplotlib.patches import Rectangle

    length = nice_length(0.4 * width * um_per_pixel)
    bar = AuxTransformBox(ax.transData)
    bar.add_artist(Rectangle((0, 0), length / um_per_pixel, 0, ec=INK, lw=2.2, fc="none", capstyle="butt"))
    text = f"{length:g} µm" if length < 1000 else f"{length / 1000:g} mm"
    packed = VPacker(children=[bar, TextArea(text, textprops={"size": 7})], align="center", pad=0, sep=2.5)
    box = AnchoredOffsetbox("lower left", child=packed, frameon=True, pad=0.25, borderpad=0.2)
    box.patch.set(facecolor="white", edgecolor="none", alpha=0.75)
    ax.add_artist(box)


def add_focus(ax: Axes, centre: np.ndarray, radius: float) -> None:
    """Draw the outline of a focus at the start: dotted, black on white.

    Args:
        ax: The axes of the picture.
        centre: ``(2,)`` in data coordinates.
        radius: In data coordinates.
    """
    from matplotlib.patches import Circle

    ax.add_patch(Circle(centre, radius, fill=False, ec="white", lw=1.2, alpha=0.6))
    ax.add_patch(Circle(centre, radius, fill=False, ec=INK, lw=0.9, ls=(0, (1, 1.6))))


def dress_bar(bar: Colorbar, unit: str = "") -> None:
    """Thin lines, ticks that can be read, and a unit above an upright colour bar."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(length=2, pad=1.5)
    axis = bar.ax.yaxis if bar.orientation == "vertical" else bar.ax.xaxis
    if isinstance(bar.norm, LogNorm):
        decades = np.log10(bar.norm.vmax / bar.norm.vmin)
        if decades < 2:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda x, _: _number(x)))
        axis.set_minor_formatter("")
    else:
        bar.ax.minorticks_off()
        axis.set_major_locator(MaxNLocator(5 if bar.orientation == "vertical" else 8))
        axis.set_major_formatter(FuncFormatter(lambda x, _: _number(x)))
    if unit:
        bar.ax.set_title(unit_text(unit), size=7, pad=4, loc="left")


def head_column(figure: Figure, x: float, title: str) -> None:
    """Write above a column of pictures whose middle is at `x` inch."""
    width, height = figure.get_size_inches()
    figure.text(x / width, 1 - 0.06 / height, title, size=8, weight="bold", ha="center", va="top")


def name_row(figure: Figure, left: float, y: float, label: str) -> None:
    """Write upright beside a row of pictures that begins at `left` inch and has its middle at `y` inch."""
    width, height = figure.get_size_inches()
    figure.text((left - 0.06) / width, y / height, label, size=8, rotation=90, ha="right", va="center")


def _number(x: float) -> str:
    if x == 0 or 1e-4 <= abs(x) < 99999:
        return f"{x:g}".replace("-", "\u2212")
    power = int(np.floor(np.log10(abs(x)) + 1e-9))
    return rf"${x / 10.0**power:g}\times10^{{{power}}}$"


def add_axes_marks(ax: Axes, right: np.ndarray, up: np.ndarray) -> None:
    """Draw where x, y and z point, small, in the lower right corner of a picture.

    Args:
        ax: The axes of the picture.
        right: ``(3,)`` direction of the screen's right.
        up: ``(3,)`` direction of the screen's up.
    """
    from matplotlib.transforms import ScaledTranslation

    size, centre = 13.0, (-24.0, 20.0)  # points
    for k, name in enumerate("xyz"):
        dx, dy = right[k], up[k]
        if np.hypot(dx, dy) < 0.1:
            continue
        tip = (centre[0] + size * dx, centre[1] + size * dy)
        inch = 1 / 72
        t = ax.get_figure().dpi_scale_trans + ScaledTranslation(1, 0, ax.transAxes)
        ax.plot(
            [centre[0] * inch, tip[0] * inch], [centre[1] * inch, tip[1] * inch], transform=t,
            color=INK, lw=0.8, clip_on=False, solid_capstyle="round", scalex=False, scaley=False,
        )  # fmt: skip
        n = np.hypot(dx, dy)
        ax.text(
            (tip[0] + 5 * dx / n) * inch, (tip[1] + 5 * dy / n) * inch, name, transform=t,
            size=6, ha="center", va="center",
        )  # fmt: skip
