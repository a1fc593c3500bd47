# SPDX-License-Identifier: LGPL-3.0-or-later
"""The sections of a report, each from a results folder to HTML; empty where there is nothing to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..results import Result
from ..results.shown import ROUNDING
from ..view.style import unit_text
from .figures import Figure
from .html import Markup, element, number, plain_number, sparkline, table, text
from .numbers import KeyNumber
from .words import case_table, paragraphs

_TILES = (
    "bone_loss [%]",
    "E.De.max [um]",
    "ES/BS [1]",
    "lesion radius",
    "bacteria_total [CFU]",
    "infected_marrow [mm^3]",
)


def head(result: Result) -> Markup:
    """Title, and how the run ended."""
    record = result.record
    case = record.get("case", {})
    title = title_of(result)
    status = result.status
    ended = str(record.get("ended") or record["sessions"][-1].get("started", ""))[:16].replace("T", " ")
    parts = [
        element("p", "osteofield report", class_="over"),
        element("h1", title),
        element("p", f"Case {case.get('name')}, {ended}", class_="under"),
    ]
    if status != "done":
        parts.append(
            element("p", f"This run is not complete: {status}. {record.get('reason') or ''}", class_="status")
        )
    return Markup("".join(parts))


def title_of(result: Result) -> str:
    """Title of the case, else its name."""
    case = result.record.get("case", {})
    return str(case.get("title") or case_table(result).get("title") or case.get("name"))


def tiles(numbers: Sequence[KeyNumber]) -> Markup:
    """The few numbers that come first, at the end of the run."""
    by_key = {n.column or n.label: n for n in numbers}
    made = [
        element(
            "div",
            element("b", number(n.end, n.unit, 3, ROUNDING, n.floor)),
            element("span", n.label, class_="what"),
            class_="tile",
        )
        for n in (by_key[k] for k in _TILES if k in by_key)
    ]
    return element("div", *made, class_="tiles") if made else Markup("")


def words(result: Result) -> Markup:
    """The case in words."""
    rows = [Markup(element("dt", a) + element("dd", b)) for a, b in paragraphs(result)]
    return element("dl", *rows, class_="words")


def key_table(numbers: Sequence[KeyNumber]) -> Markup:
    """Key numbers against day 0."""
    rows = []
    for n in numbers:
        label = Markup(text(n.label) + (element("small", n.note) if n.note else ""))
        highest, day = n.highest
        day_of = f' <span class="unit">(day {day:.4g})</span>'
        peak = Markup(_value(n, highest) + day_of) if n.peak else ""
        where = {"data_column": n.column} if n.column else {}
        cells = [
            Markup(element("span", _value(n, n.start), data_at=float(n.time[0]), **where)),
            Markup(element("span", _value(n, n.end), data_at=float(n.time[-1]), **where)),
        ]
        rows.append(
            [
                label,
                element("span", unit_text(n.unit), class_="keep"),
                *cells,
                _change(n),
                peak,
                sparkline(n.time, n.values),
            ]
        )
    last = f"day {numbers[0].time[-1]:.6g}" if numbers else "end"
    return table(["", "unit", "day 0", last, "change", "highest", "course"], rows, numeric=(2, 3, 4, 5))


def _value(n: KeyNumber, value: float) -> Markup:
    return number(value, rounding=ROUNDING, floor=n.floor)


def _change(n: KeyNumber) -> Markup:
    if n.unit in ("%", "× day 0") or not np.isfinite([n.start, n.end]).all():
        return Markup("")
    if abs(n.start) <= n.floor:
        return Markup("")
    change = 100 * (n.end - n.start) / abs(n.start)
    if abs(change) < 1e-3:
        return Markup("0&#8239;%")
    if abs(change) > 1000:
        return Markup(f"×&#8239;{plain_number(n.end / n.start)}")
    return Markup(f"{'+' if change > 0 else ''}{plain_number(float(f'{change:.3g}'))}&#8239;%")


def figure_list(figures: Sequence[Figure]) -> Markup:
    """Pictures with captions."""
    made = []
    for k, f in enumerate(figures):
        width, height = f.size
        image = Markup(f'<img src="{f.source}" width="{width}" height="{height}" alt="{text(f.caption)}">')
        caption = element("figcaption", element("b", f"Figure {k + 1}. "), f.caption)
        made.append(element("figure", image, caption))
    return Markup("".join(made))


def solver(result: Result) -> Markup:
    """Steps, iterations, time and memory."""
    record = result.record
    steps, timings, mesh = (record.get(k) or {} for k in ("steps", "timings", "mesh"))
    rows: list[list[object]] = []
    if steps:
        solves = max(steps.get("solves", 0), 1)
        rejected = steps.get("rejections") or {}
        why = f" ({', '.join(f'{k} {v}' for k, v in rejected.items())})" if rejected else ""
        rows += [
            ["steps accepted", number(steps.get("accepted"))],
            ["steps rejected", Markup(number(steps.get("rejected")) + text(why))],
            ["linear solves, iterations per solve", Markup(
                number(steps.get("solves")) + ", " + number(steps.get("iterations", 0) / solves)
            )],
        ]  # fmt: skip
    for key, label in (
        ("marrow_nodes", "points in the marrow"),
        ("surface_nodes", "points on the bone surface"),
    ):
        if key in mesh:
            rows.append([label, number(mesh[key])])
    rows.append(["MPI ranks", number(record.get("ranks"))])
    for key, seconds in timings.items():
        if key != "memory_MB" and isinstance(seconds, int | float):
            rows.append([f"time: {key}", number(seconds, "s")])
    if "memory_MB" in timings:
        rows.append(["peak memory, all ranks", number(timings["memory_MB"], "MB")])
    if len(record.get("sessions", [])) > 1:
        rows.append(["sessions (the run was resumed)", number(len(record["sessions"]))])
    return table(["", "value"], rows, numeric=(1,), class_="narrow")


def assumptions(result: Result) -> Markup:
    """Which numbers are assumed, which are to be verified, which are published."""
    model = result.record.get("model") or {}
    entries = [
        *model.get("parameters", []),
        *({**s, "value": "on" if s["on"] else "off", "unit": ""} for s in model.get("switches", [])),
    ]
    if not entries:
        return element("p", "This results folder does not say which parameters its model has.")
    sources = model.get("sources") or {}
    kinds = [source_kind(e.get("source", ""), sources) for e in entries]
    count = Counter(kinds)
    said = (
        f"Of the {len(entries)} parameters and switches of this model {count['assumed']} are assumptions, "
        f"{count['verify']} stand as recalled from a source that is still to be verified, and "
        f"{count['published']} are taken from publications. The case changed "
        f"{sum(bool(e.get('changed')) for e in entries)} of them. Results are hypotheses, not "
        f"predictions for patients."
    )
    parts = [element("p", said)]
    for kind, title in (("assumed", "Assumed"), ("verify", "To be verified"), ("published", "Published")):
        chosen = [e for e, k in zip(entries, kinds, strict=True) if k == kind]
        if chosen:
            shown = table(["name", "value", "meaning", "source"], [_parameter(e, sources) for e in chosen])
            opened = {"open": "open"} if kind == "assumed" and len(chosen) <= 12 else {}
            parts.append(element("details", element("summary", f"{title}: {len(chosen)}"), shown, **opened))
    return Markup("".join(parts))


def source_kind(source: str, sources: Mapping[str, str]) -> str:
    """``assumed``, ``verify`` (recalled, to be verified) or ``published``."""
    if not source or source.lower().startswith("assum"):
        return "assumed"
    said = f"{source} {sources.get(source.partition(':')[0], '')}"
    return "verify" if "to be verified" in said else "published"


def _parameter(entry: Mapping[str, Any], sources: Mapping[str, str]) -> list[object]:
    value = entry["value"]
    shown = text(value) if isinstance(value, str) else number(value, entry.get("unit", ""))
    if entry.get("changed"):
        shown = Markup(shown + " " + element("span", "changed by the case", class_="tag assumed"))
    source = str(entry.get("source", ""))
    key = source.partition(":")[0]
    long = Markup(text(source) + (element("small", sources[key]) if key in sources else ""))
    return [element("code", entry["name"]), shown, entry.get("meaning", ""), long]


def provenance(result: Result) -> Markup:
    """Versions, hashes, sample, and the case as it ran."""
    record = result.record
    rows: list[list[object]] = [
        ["results folder", result.path.name],
        [
            "case",
            Markup(
                text(record["case"].get("name"))
                + " "
                + element("code", str(record["case"].get("hash", ""))[:16])
            ),
        ],
    ]
    model = record.get("model") or {}
    if model:
        rows.append(
            [
                "model",
                Markup(text(model.get("name")) + " " + element("code", str(model.get("hash", ""))[:16])),
            ]
        )
    mesh = record.get("mesh") or {}
    if mesh.get("hash"):
        rows.append(["mesh", element("code", str(mesh["hash"])[:16])])
    for key, value in _flat(mesh.get("provenance") or {}):
        rows.append([f"sample: {key}", element("span", value, class_="l")])
    rows += [[f"version of {k}", v] for k, v in (record.get("versions") or {}).items()]
    for session in record.get("sessions") or []:
        rows.append(
            ["ran", f"{session.get('started', '')} to {session.get('ended', '?')}: {session.get('status')}"]
        )
    parts = [table(["", ""], rows)]
    try:
        case = result.case
    except OSError:
        case = ""
    if case:
        summary = element("summary", "The case as it ran, with every default written out")
        parts.append(element("details", summary, element("pre", case)))
    return Markup("".join(parts))


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    out = []
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            out += _flat(value, f"{name}, ")
        elif isinstance(value, list):
            out.append((name, ", ".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in value)))
        else:
            out.append((name, f"{value:.6g}" if isinstance(value, float) else str(value)))
    return out
