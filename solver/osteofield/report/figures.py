# SPDX-License-Identifier: LGPL-3.0-or-later
"""The pictures of a report, drawn by `view` and carried inside the page."""

from __future__ import annotations

import base64
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..results import Result
from ..view.plot import Drawing
from ..view.request import COURSES, FIELD, LESION, PANELS, RADIAL, Request, read_requests
from ..view.style import label_text

_WIDTH = 1600  # pixels: 7 inch at 230 dpi
CAPTIONS = {
    LESION: (
        "Bone cut open at the first focus, its surface coloured by net eroded depth; bone colour is no loss. "
        "Blue: the border of the infected marrow. The projection is parallel, so the scale bars hold "
        "everywhere."
    ),
    FIELD: "{name} in the marrow: the block without the corner before the focus, and a plane through it.",
    PANELS: "Sections through the focus over time; every row has one scale.",
    COURSES: "Time courses, from history.csv.",
    RADIAL: "Profiles against the distance from the focus.",
}
CAPTIONS_2D = {
    LESION: "The bone's edge coloured by net eroded depth: the section, and the surroundings of the focus.",
    FIELD: "{name} in the marrow, and the bone's edge coloured by net eroded depth.",
}


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        kind: As in `view.request`.
        source: ``data:`` address of the picture.
        size: Width and height, pixels.
        caption: What it shows.
    """

    kind: str
    source: str
    size: tuple[int, int]
    caption: str


def draw_figures(result: Result) -> tuple[list[Figure], str]:
    """All pictures that these results have.

    Returns:
        The pictures, and why some are missing: empty, or a sentence.
    """
    try:
        requests = read_requests(result, None)
    except InputError:
        return [], "The run has not written anything to draw."
    missing = ""
    drawing = Drawing(result, Path())
    if drawing.needs_opengl(requests):
        from ..view.opengl import require_opengl

        try:
            require_opengl()
        except InputError as e:
            requests = [r for r in requests if r.kind in (COURSES, RADIAL)]
            missing = f"Three-dimensional pictures are missing: {e}"
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        drawing.folder = Path(folder)
        for request in requests:
            figures += [_figure(p, request, result) for p in drawing.draw(request)]
    return figures, missing


def _figure(path: Path, request: Request, result: Result) -> Figure:
    flat = result.record.get("dimension") == 2
    caption = CAPTIONS_2D.get(request.kind, CAPTIONS[request.kind]) if flat else CAPTIONS[request.kind]
    labels = result.record.get("labels") or {}
    name = label_text(labels.get(path.stem, path.stem))
    return pack(path, request.kind, caption.format(name=name))


def pack(path: Path, kind: str, caption: str) -> Figure:
    """A PNG as part of a page."""
    from PIL import Image

    with Image.open(path) as picture:
        shown = picture.convert("RGB")
    if shown.width > _WIDTH:
        shown = shown.resize((_WIDTH, round(shown.height * _WIDTH / shown.width)), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    shown.save(packed, "WEBP", quality=88, method=5)
    data = base64.b64encode(packed.getvalue()).decode("ascii")
    return Figure(kind, f"data:image/webp;base64,{data}", shown.size, caption)
