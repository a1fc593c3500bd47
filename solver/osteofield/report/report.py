# SPDX-License-Identifier: LGPL-3.0-or-later
"""One HTML file that opens offline: what ran, what came out, and what it rests on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path

from ..errors import InputError, Problem
from ..results import Result, open_results
from . import sections
from .budgets import budgets
from .figures import draw_figures
from .html import Markup, element
from .lesion3d import lesion_data
from .numbers import key_numbers

# nothing may be fetched: not even by a mistake in this page
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_report(
    directory: str | Path, file: str | Path | None = None, told: Callable[[str], None] = lambda line: None
) -> Path:
    """Write the report of a results folder.

    Args:
        directory: The results folder; of a running or stopped run too.
        file: The HTML file; None for ``report.html`` in the results folder.
        told: Hears what is going on.

    Returns:
        The file.

    Raises:
        InputError: No results, nothing written yet, or the file cannot be written.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")
    result = open_results(directory)
    if not result.history or not len(result.times):
        raise InputError(Problem("the run has not written anything to report yet.", result.path))
    path = Path(file) if file is not None else result.path / "report.html"
    if path.is_dir():
        raise InputError(Problem("this is a folder; the report needs a file, such as report.html.", path))
    page = build(result, told)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as e:
        raise InputError(Problem(f"the report cannot be written here: {e.strerror}.", path)) from None
    return path


def build(result: Result, told: Callable[[str], None] = lambda line: None) -> str:
    """The whole page."""
    told("reading")
    numbers = key_numbers(result)
    told("the lesion in 3-D")
    lesion = lesion_data(result)
    told("pictures")
    figures, missing = draw_figures(result)
    body = [
        sections.head(result),
        sections.tiles(numbers),
        _section("The case", sections.words(result)),
        _section("Key numbers", sections.key_table(numbers)),
    ]
    if lesion is not None:
        body.append(_section("The lesion", _viewer(lesion)))
    note = element("p", missing, class_="note") if missing else Markup("")
    body += [
        _section("Pictures", Markup(note + sections.figure_list(figures))),
        _section("Budgets and balance", budgets(result)),
        _section("What is assumed", sections.assumptions(result)),
        _section("Solver", sections.solver(result)),
        _section("Provenance", sections.provenance(result)),
        element("footer", _footer()),
    ]
    title = result.record["case"].get("title") or result.record["case"].get("name")
    style = _asset("page.css")
    script = Markup(f"<script>{_asset('viewer.js')}</script>") if lesion is not None else Markup("")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'{element("title", title)}\n<link rel="icon" '
        f'href="data:,">\n<style>{style}</style>\n</head>\n<body>\n'
        + "\n".join(b for b in body if b)
        + f"\n{script}\n</body>\n</html>\n"
    )


def _section(title: str, content: Markup) -> Markup:
    return Markup(element("section", element("h2", title), content)) if content else Markup("")


def _viewer(lesion: dict[str, object]) -> Markup:
    top = f"{lesion['top']:.3g}"
    panel = (
        '<label>time <input type="range" name="time" min="0" max="0" step="1"></label>'
        '<label>cut <input type="range" name="cut" min="0" max="1" step="any" value="1"></label>'
        '<label><input type="checkbox" name="bacteria" checked> infected marrow</label>'
        '<button type="button" name="whole">whole sample</button><button type="button" '
        'name="lesion">lesion</button>'
        f'<span class="legend">0 <span class="ramp"></span> {top} µm net eroded depth</span>'
    )
    data = json.dumps(lesion, separators=(",", ":"))
    return Markup(
        '<div id="viewer"><canvas tabindex="0" role="img" aria-label="Bone surface coloured by eroded depth">'
        '</canvas><span class="day"></span><span class="hint">drag to turn, wheel to zoom, '
        "shift-drag to move</span>"
        f'<span class="bar"></span><div class="panel">{panel}</div>'
        '<p class="sorry">This browser does not offer WebGL, so the lesion is not drawn in 3-D; the '
        "pictures below "
        f'show it.</p></div>\n<script type="application/json" id="lesion-data">{data}</script>'
    )


def _footer() -> str:
    try:
        version = metadata.version("osteofield")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    return (
        f"Written by osteofield {version} from the files of the results folder. Depth is net and "
        f"positive where bone "
        "was lost; names follow the ASBMR nomenclature (Dempster et al. 2013, J Bone Miner Res "
        "28:2). Alpha software, "
        "not validated against experiments."
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
