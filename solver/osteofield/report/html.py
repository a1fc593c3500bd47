# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pieces of HTML: escaped text, numbers that keep their value, tables, sparklines."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import numpy as np

from ..view.style import unit_text


class Markup(str):
    """Text that is HTML already."""


def text(value: object) -> Markup:
    """Anything as HTML; what is no `Markup` is escaped."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def element(tag: str, *content: object, **attributes: object) -> Markup:
    """``<tag a="...">content</tag>``; ``class_`` stands for ``class``, ``data_x`` for ``data-x``."""
    given = "".join(
        f' {k.rstrip("_").replace("_", "-")}="{html.escape(str(v))}"'
        for k, v in attributes.items()
        if v is not None
    )
    return Markup(f"<{tag}{given}>{''.join(map(text, content))}</{tag}>")


def number(
    value: float | None, unit: str = "", digits: int = 4, rounding: float = 0.0, floor: float = 0.0
) -> Markup:
    """A rounded number that keeps its full value for machines; a dash for none.

    What is below `rounding` is printed as 0; what is not told from zero, below `floor`, as less than that.
    """
    if value is None or not np.isfinite(value):
        return Markup('<span class="none">–</span>')
    if 0 < abs(value) < floor:
        shown = Markup(f"&lt;&#8239;{plain_number(floor, 1)}")
    else:
        shown = plain_number(value if abs(value) >= rounding else 0, digits)
    out = Markup(f'<data value="{float(value)!r}">{shown}</data>')
    printed = unit_text(unit)
    return Markup(f'{out}<span class="unit"> {html.escape(printed)}</span>') if printed else out


def plain_number(value: float, digits: int = 4) -> Markup:
    """A rounded number; counts are exact, powers of ten only for the very small and large."""
    size = abs(value)
    if isinstance(value, int) or (size < 1e7 and float(value).is_integer() and digits >= 4):
        said = f"{int(value):,}" if size >= 1e4 else str(int(value))
    elif size == 0 or 1e-3 <= size < 10**digits:
        said = f"{value:.{digits}g}"
    elif 1e-3 <= size < 1e7:
        said = f"{float(f'{value:.{digits}g}'):,.0f}"
    else:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        said = f"{mantissa}&#8239;×&#8239;10<sup>{int(power)}</sup>"
    return Markup(said.replace(",", "\u202f").replace("-", "\u2212"))


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    numeric: Sequence[int] = (),
    class_: str | None = None,
) -> Markup:
    """A table; `numeric` are the columns that are set flush right."""

    def cells(row: Sequence[object], tag: str) -> Markup:
        return Markup(
            "".join(element(tag, c, class_="n" if k in numeric else None) for k, c in enumerate(row))
        )

    body = [element("tr", cells(r, "td")) for r in rows]
    top = element("thead", element("tr", cells(head, "th")))
    made = element("table", top, element("tbody", *body), class_=class_)
    return element("div", made, class_="scroll")


def sparkline(time: np.ndarray, values: np.ndarray, width: int = 96, height: int = 22) -> Markup:
    """A course as a small drawing without axes."""
    good = np.isfinite(values) & np.isfinite(time)
    if good.sum() < 2:
        return Markup("")
    t, v = time[good], values[good]
    span = float(np.ptp(v))
    x = 2 + (width - 6) * (t - t[0]) / max(float(np.ptp(t)), 1e-300)
    y = (
        height
        - 3
        - (height - 6) * ((v - v.min()) / span if span > 1e-9 * abs(v).max() else 0.5 * np.ones_like(v))
    )
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return Markup(
        f'<svg class="spark" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-hidden="true">'
        f'<polyline points="{points}"/><circle cx="{x[-1]:.1f}" cy="{y[-1]:.1f}" r="2"/></svg>'
    )
