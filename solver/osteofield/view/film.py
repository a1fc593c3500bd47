# SPDX-License-Identifier: LGPL-3.0-or-later
"""A film of a run: the lesion, and one population on a section through the focus."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..errors import InputError, Problem
from .scale import joint_norm, surface_colours
from .state import State
from .style import field_colours

GIF, MP4 = "gif", "mp4"
FILM_DPI = 150
_SECONDS = 6.0
_ASPECT = 1.05


def draw_film(
    states: Sequence[State], path: Path, name: str | None, normal: np.ndarray, told: Callable[[str], None]
) -> Path:
    """Write a film with one frame for each output time; a surface that moves is drawn where it is.

    Args:
        states: Output times in order.
        path: File that ends in ``.gif`` or ``.mp4``.
        name: Population of the marrow beside the lesion, or None.
        normal: ``(3,)`` from where it is looked at.
        told: Hears how far it is.

    Returns:
        `path`.

    Raises:
        InputError: An mp4 is wanted and there is no ffmpeg.
    """
    tool = require_ffmpeg() if path.suffix == f".{MP4}" else ""
    frame_of = (_flat_frames if states[0].dimension == 2 else _frames)(states, name, normal)
    n = len(states)

    def frames() -> Iterator[np.ndarray]:
        for k in range(n):
            told(f"frame {k + 1} of {n}")
            yield frame_of(k)

    rate = float(np.clip(n / _SECONDS, 2, 24))
    if tool:
        return _write_mp4(tool, frames(), rate, path)
    return _write_gif(frames(), frame_of(n - 1), n, rate, path)


def require_ffmpeg() -> str:
    """Path of ffmpeg: of the package imageio-ffmpeg, or of the system.

    Raises:
        InputError: There is none.
    """
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if not found:
        message = (
            "an mp4 needs ffmpeg, which is not here: 'pip install imageio-ffmpeg' or 'apt-get install "
            "ffmpeg', or take --film gif, which needs nothing."
        )
        raise InputError(Problem(message))
    return found


def _stamp(state: State) -> str:
    """What is told beside the time."""
    lost = state.result.history.get("bone_loss [%]")
    if lost is None:
        return ""
    k = int(np.abs(state.result.times - state.time).argmin())
    return f"bone loss {lost[k]:.2f} %"


def _brief(mark: str) -> str:
    """What a colour or line means, without the numbers; there is little room."""
    return re.split(r"[,(]", mark)[0].strip()


def _frames(states: Sequence[State], name: str | None, normal: np.ndarray) -> Callable[[int], np.ndarray]:
    """What draws frame k of a 3-D result; scales hold all times."""
    from .block import plane_scene
    from .lesion import lesion_scene
    from .scene import Camera
    from .sheet import Sheet

    depth = states[-1].depth
    bone_norm, bone_cmap, bone_extend = surface_colours(True, _all(states, depth))
    norm, extend = joint_norm(_all(states, name))

    def draw(k: int) -> np.ndarray:
        state = State(states[k].result, states[k].step)  # what it reads is not kept
        sheet = Sheet(bool(depth) + bool(name), _ASPECT, width=7.2 if depth and name else 4.4, dpi=FILM_DPI)
        column = 0
        if depth:
            values = state.result.surface[depth][state.step]
            scene, marked = lesion_scene(state, values, bone_norm, bone_cmap, normal)
            camera = Camera.looking_at(normal, 24, 20, scene.box, _ASPECT)
            image = scene.image(camera, sheet.pixels)
            sheet.picture(column, "bone, cut open at the lesion", image, camera, state.foci)
            notes = [state.labelled(state.series(depth)), *(_brief(m) for m in marked if "dotted" not in m)]
            sheet.colour_bar(column, column, bone_norm, bone_cmap, "; ".join(notes), bone_extend)
            column += 1
        if name:
            values = state.result.marrow[name][state.step]
            scene, marked = plane_scene(state, values, norm, field_colours(), normal)
            camera = Camera.looking_at(normal, 24, 34, scene.box, _ASPECT)
            sheet.picture(column, state.label(name), scene.image(camera, sheet.pixels), camera)
            notes = [state.labelled(state.series(name)), *map(_brief, marked)]
            sheet.colour_bar(column, column, norm, field_colours(), "; ".join(notes), extend)
        sheet.time(state.time, _stamp(state))
        return sheet.image()

    return draw


def _all(states: Sequence[State], name: str | None) -> list[np.ndarray]:
    """Values that a scale for all times must hold: the ends and some between."""
    if name is None:
        return []
    chosen = sorted({*np.linspace(0, len(states) - 1, 12).round().astype(int).tolist()})
    return [states[k].series(name)[states[k].step] for k in chosen]


def _flat_frames(
    states: Sequence[State], name: str | None, normal: np.ndarray
) -> Callable[[int], np.ndarray]:
    """What draws frame k of a 2-D result; scales hold all times."""
    from .planar import planar
    from .plane import draw_panel
    from .sheet import Sheet

    names = [n for n in (states[-1].depth, name) if n]
    scaled = {n: _all(states, n) for n in names}
    first = planar(states[0].first, normal, [])

    def draw(k: int) -> np.ndarray:
        state = State(states[k].result, states[k].step)
        section = planar(state, normal, names)
        sheet = Sheet(len(names), section.aspect, width=min(3.6 * len(names), 7.2), dpi=FILM_DPI)
        for column, n in enumerate(names):
            draw_panel(sheet, column, state, section, n, scaled[n], first if state.moves else None)
        sheet.time(state.time, _stamp(state))
        return sheet.image()

    return draw


def _write_gif(frames: Iterator[np.ndarray], last: np.ndarray, n: int, rate: float, path: Path) -> Path:
    from PIL import Image

    # one palette for all frames, so that colours do not flicker; the last frame has them all
    palette = Image.fromarray(last).quantize(255, kmeans=1, dither=Image.Dither.NONE)
    colours = np.array(palette.getpalette()).reshape(-1, 3)
    colours[colours.min(1) > 245] = 255  # an averaged white is grey
    palette.putpalette(colours.ravel().tolist())
    dither = Image.Dither.FLOYDSTEINBERG
    images = (Image.fromarray(f).quantize(palette=palette, dither=dither) for f in frames)
    time = [round(1000 / rate)] * (n - 1) + [2000]  # ms; the last frame stays
    first = next(images)
    first.save(path, save_all=True, append_images=images, duration=time, loop=0, optimize=False)
    return path


def _write_mp4(tool: str, frames: Iterator[np.ndarray], rate: float, path: Path) -> Path:
    process = None
    for frame in frames:
        height, width = (n // 2 * 2 for n in frame.shape[:2])  # H.264 with 4:2:0 wants even sizes
        if process is None:
            command = [
                tool, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
                f"{width}x{height}", "-r", f"{rate:g}", "-i", "-", "-an", "-c:v", "libx264", "-crf", "16",
                "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path),
            ]  # fmt: skip
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdin is not None
        data = np.ascontiguousarray(frame[:height, :width]).tobytes()
        with suppress(BrokenPipeError):  # ffmpeg says why
            process.stdin.write(data)
    assert process is not None and process.stdin is not None
    with suppress(BrokenPipeError):
        for _ in range(round(2 * rate)):  # the last frame stays
            process.stdin.write(data)
    _, errors = process.communicate()
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else "no message"
        raise InputError(Problem(f"ffmpeg could not write the film: {why}.", path))
    return path
