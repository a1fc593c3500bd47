# SPDX-License-Identifier: LGPL-3.0-or-later
"""What came, went and remained of every population, and what the numerics did not conserve."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from ..results import Result
from ..units import per_thickness
from ..view.style import label_text
from .html import Markup, element, number, table, text

FILE = "budget.csv"
_OPEN = 2  # populations whose budgets are unfolded


def budgets(result: Result) -> Markup:
    """The budget, where the run wrote one, and the largest residuals."""
    return Markup(_budget(result) + _residuals(result))


def _budget(result: Result) -> Markup:
    path = result.path / FILE
    try:
        with path.open(newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
    except OSError:
        return Markup("")
    roles = result.record.get("roles") or {}
    labels = result.record.get("labels") or {}
    blocks = {name: list(block) for name, block in groupby(rows, lambda r: r.get("population", ""))}
    first = [n for n in roles.get("show", ()) if n in blocks and n != roles.get("depth")]
    names = [*first, *(n for n in blocks if n not in first and n != roles.get("depth"))]
    if not names:
        return Markup("")
    said = (
        "Where every molecule and cell of the whole sample came from and went, over the whole run. The bar "
        "is the share of the turnover, half the sum of all gains and losses."
    )
    parts = [element("h3", "Budgets"), element("p", said)]
    flat = result.record.get("dimension") == 2
    for k, name in enumerate(names):
        summary = element("summary", label_text(labels.get(name, name)))
        opened = {"open": "open"} if k < _OPEN else {}
        parts.append(element("details", summary, _block(blocks[name], flat), **opened))
    return Markup("".join(parts))


def _block(rows: Sequence[Mapping[str, str]], flat: bool) -> Markup:
    shown = []
    for row in rows:
        share = _float(row.get("share of turnover"))
        flows = row.get("kind") in ("gain", "loss", "boundary", "event")
        bar = Markup("")
        if flows and np.isfinite(share):
            width = min(abs(share), 1.0) * 100
            kind = "gain" if share > 0 else "loss"
            bar = Markup(f'<span class="share {kind}"><span style="width:{width:.1f}%"></span></span>')
        unit = row.get("unit", "")
        amount = number(_float(row.get("amount")), per_thickness(unit) if flat else unit)
        shown.append([row.get("kind", ""), row.get("what", ""), amount, _percent(share), bar])
    return table(["", "", "amount", "of turnover", ""], shown, numeric=(2, 3), class_="narrow budget")


def _percent(share: float) -> Markup:
    if not np.isfinite(share):
        return Markup("")
    return Markup(number(100 * share, digits=3) + "&#8239;%")


def _float(value: str | None) -> float:
    try:
        return float(value or "nan")
    except ValueError:
        return float("nan")


def _residuals(result: Result) -> Markup:
    found = {
        header.partition(".residual [")[0]: float(np.nanmax(np.abs(values)))
        for header, values in result.history.items()
        if ".residual [" in header and np.isfinite(values).any()
    }
    if not found:
        return Markup("")
    labels = result.record.get("labels") or {}
    said = (
        f"The five largest residuals of {len(found)} populations over the whole run, relative to what was "
        "turned over: what linear solves and the exchange between ranks did not conserve."
    )
    rows = [
        [text(label_text(labels.get(n, n))), number(found[n])]
        for n in sorted(found, key=lambda n: -found[n])[:5]
    ]
    shown = table(["population", "largest residual"], rows, numeric=(1,), class_="narrow")
    return Markup(element("h3", "Mass balance") + element("p", said) + shown)
