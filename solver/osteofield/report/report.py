# SPDX-License-Identifier: LGPL-3.0-or-later
"""One HTML file that opens offline: what ran, what came out, and what it rests on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path

from ..errors import InputError, Problem, writing
from ..results import Result, open_results
from . import sections
from .arms import arms_figure, arms_table, arms_words
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
    arms = {n: r for n, r in result.arms.items() if len(r.times)}
    if not arms and (not result.history or not len(result.times)):
        raise InputError(result.nothing_to("report"))
    path = Path(file) if file is not None else result.path / "report.html"
    if path.is_dir():
        raise InputError(Problem("this is a folder; the report needs a file, such as report.html.", path))
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(Problem("a report is a web page: its name must end in .html.", path))
    page = build_arms(result, arms, told) if arms else build(result, told)
    with writing("the report", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
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
    return _page(result, body, lesion is not None)


def build_arms(result: Result, arms: Mapping[str, Result], told: Callable[[str], None]) -> str:
    """The page of a comparison: its arms side by side; each arm has a report of its own."""
    told("reading")
    first = next(iter(arms.values()))
    numbers = arms_table(arms)
    told("pictures")
    where = ", ".join(f"osteofield report {result.path.name}/{n}" for n in arms)
    body = [
        sections.head(result),
        _section("The arms", arms_words(result)),
        _section("Key numbers", numbers),
        _section("Courses", sections.figure_list([arms_figure(arms)])),
        _section("The case of the first arm", sections.words(first)),
        _section("What is assumed", sections.assumptions(first)),
        _section(
            "Provenance", Markup(element("p", f"More about one arm: {where}.") + sections.provenance(first))
        ),
        element("footer", _footer()),
    ]
    return _page(result, body, False)


def _page(result: Result, body: Sequence[Markup], viewer: bool) -> str:
    title = sections.title_of(result)
    style = _asset("page.css")
    script = Markup(f"<script>{_asset('viewer.js')}</script>") if viewer else Markup("")
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
        '<div id="viewer"><div class="stage">'
        '<canvas tabindex="0" role="img" aria-label="Bone surface coloured by eroded depth"></canvas>'
        '<span class="day"></span><span class="hint">drag to turn, wheel to zoom, shift-drag to move</span>'
        f'<span class="bar"></span></div><div class="panel">{panel}</div>'
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
