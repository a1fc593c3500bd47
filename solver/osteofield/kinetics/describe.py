# SPDX-License-Identifier: LGPL-3.0-or-later
"""A model as text for people: what lives where, every rate, every number and where it comes from."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterable, Sequence

from .expression import SYMBOLS
from .interactions import describe_interactions
from .network import Network, Population
from .populations import Term

_WIDTH = 110


def describe(network: Network) -> str:
    """Everything a model says, in plain text of at most about 110 columns."""
    parts = [
        _head(network), _populations(network), _rates(network), _interactions(network), _quantities(network),
        _parameters(network),
        _switches(network), _inputs(network), _events(network), _conserved(network), _fields(network),
        _health(network), _sources(network),
    ]  # fmt: skip
    return "\n\n".join(p for p in parts if p) + "\n"


def _head(n: Network) -> str:
    text = f"{n.name}: {n.title}"
    if n.model.description:
        text += "\n\n" + textwrap.fill(" ".join(n.model.description.split()), _WIDTH)
    return text


def _populations(n: Network) -> str:
    healthy = n.healthy
    kinds = (
        ("in marrow, diffusing", n.marrow[: n.n_diffusing]),
        ("in marrow, not moving", n.marrow[n.n_diffusing :]),
        ("on the bone surface", n.surface),
    )
    rows: list[Sequence[str]] = []
    for kind, members in kinds:
        for p in members:
            moves = f"{p.diffusivity / 86400:.4g} um^2/s" if p.diffusivity else ""
            rows.append((p.name, p.label, kind, moves, f"{healthy[p.name] / p.factor:.6g} {_plain(p.unit)}"))
    start = "healthy state" if n.model.steady else "start"
    return _section("Populations", _table(rows, ("name", "", "lives", "diffusivity", start)))


def _rates(n: Network) -> str:
    out = []
    for p in n.populations:
        terms = n.model.populations[p.name].terms
        out.append(f"d {p.name} / dt   [{_per_day(p)}]")
        out += [f"    {line}" for line in _terms(p, terms)] or ["    0"]
    note = ""
    if any(p.diffusivity for p in n.marrow):
        note = (
            "Diffusion of marrow molecules comes on top. (s): on the bone surface; written as production\n"
            "of a well-mixed volume, it becomes a flux through the surface.\n\n"
        )
    return _section("Rates", note + "\n".join(out))


def _terms(p: Population, terms: Iterable[Term]) -> list[str]:
    rows = []
    for t in terms:
        text = " ".join(t.expression.text.split())
        signed = f"- {text[1:].lstrip()}" if _negative(t.expression.tree) else f"+ {text}"
        place = " (s)" if t.kind == "surface" and p.domain == "marrow" else ""
        rows.append((signed, t.name + place))
    return _table(rows, longest=80).splitlines()


def _negative(node: ast.AST) -> bool:
    """Whether a formula is one product that starts with a minus sign."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        node = node.left
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _interactions(n: Network) -> str:
    text = describe_interactions(n)
    note = (
        "Read off the signs of the derivatives of the rates, with the numbers and switches in use; in\n"
        "brackets the rate through which it acts. What a population does to itself is left out.\n\n"
    )
    lines = (
        textwrap.fill(x, _WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False) for x in text.splitlines()
    )
    wrapped = "\n".join(lines)
    return _section("Who acts on whom", note + wrapped) if text else ""


def _quantities(n: Network) -> str:
    width = max((len(name) for name in n.model.quantities), default=0)
    lines = []
    for q in n.model.quantities.values():
        if q.meaning:
            lines.append(f"# {q.meaning}" + (f" [{q.unit}]" if q.unit is not None else ""))
        lines.append(f"{q.name.ljust(width)} = {' '.join(q.expression.text.split())}")
    return _section("Quantities", "\n".join(lines))


def _parameters(n: Network) -> str:
    rows = []
    for p in n.model.parameters.values():
        value = p.value.text
        if n.numbers[p.name] != p.value.number:
            now = f"{n.numbers[p.name] / p.value.unit.factor:.8g} {_plain(str(p.value.unit))}"
            value = f"{now.strip()} (changed from {value})"
        options = (
            "; options: " + ", ".join(f"{k} {v.text}" for k, v in p.options.items()) if p.options else ""
        )
        rows.append((p.name, value, p.source, p.meaning + options))
    note = "A case changes them under [model.parameters].\n\n" if rows else ""
    return _section("Parameters", note + _table(rows, ("name", "value", "source", "meaning")))


def _switches(n: Network) -> str:
    rows = []
    for s in n.model.switches.values():
        now = "on" if n.numbers[s.name] else "off"
        rows.append(
            (s.name, now + ("" if bool(n.numbers[s.name]) == s.on else " (changed)"), s.meaning, s.source)
        )
    note = "A case changes them under [model.switches].\n\n" if rows else ""
    return _section("Switches", note + _table(rows))


def _inputs(n: Network) -> str:
    rows = [(i.name, f"[{i.unit}]", i.meaning) for i in n.inputs]
    note = "Set over time by [[therapy]] in a case.\n\n" if rows else ""
    return _section("Inputs", note + _table(rows))


def _events(n: Network) -> str:
    out = []
    for e in n.model.events.values():
        out.append(
            f"{e.name}: when {' '.join(e.when.text.split())}" + (f"   # {e.meaning}" if e.meaning else "")
        )
        out += [f"    {name} becomes {' '.join(x.text.split())}" for name, x in e.set.items()]
    note = (
        "At the instant at which the condition turns true; populations in it are means over the sample.\n\n"
    )
    return _section("Events", note + "\n".join(out)) if out else ""


def _conserved(n: Network) -> str:
    rows = [(c.name, c.total.text, c.meaning) for c in n.model.conserved.values()]
    return _section("Left unchanged by the rates", _table(rows))


def _fields(n: Network) -> str:
    rows = []
    for f in n.fields:
        how = f"at homeostasis: {f.at_homeostasis}" if f.at_homeostasis else f"well mixed: {f.initial:.6g}"
        rows.append((f.name, f"[{f.unit}]", how, f.meaning))
    return _section("Given at every point of the bone surface", _table(rows))


def _health(n: Network) -> str:
    if not n.model.steady:
        return ""
    rows = [(k, f"= {e.text}", f"{n.stars[k]:.8g}") for k, e in n.model.steady.values.items()]
    note = "Taken from the healthy well-mixed state, with the numbers of the model file:\n\n"
    return _section("Starred quantities", note + _table(rows)) if rows else ""


def _sources(n: Network) -> str:
    rows = [(k, v) for k, v in n.model.sources.items()]
    symbols = "Always known in formulas: " + ", ".join(f"{k} [{u}]" for k, (u, _) in SYMBOLS.items()) + "."
    return _section("Sources", _table(rows)) + "\n\n" + symbols


def _section(title: str, body: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{body}" if body else ""


def _table(rows: Iterable[Sequence[str]], head: Sequence[str] | None = None, *, longest: int = 48) -> str:
    """Columns side by side; the last is wrapped, and a long cell does not push the others of its column."""
    table = [*([head] if head else []), *rows]
    if len(table) == bool(head):
        return ""
    widths = [
        max((len(r[k]) for r in table if len(r[k]) <= longest), default=0) for k in range(len(table[0]) - 1)
    ]
    indent = sum(w + 2 for w in widths if w)
    lines = []
    for r in table:
        start = "".join(c.ljust(w) + "  " for c, w in zip(r, widths, strict=False) if w or c)
        if len(start) > indent and r[-1]:
            lines.append(start.rstrip())
            start = " " * indent
        wrapped = textwrap.wrap(r[-1], max(_WIDTH - indent, 30)) or [""]
        lines.append((start + wrapped[0]).rstrip())
        lines += [" " * indent + w for w in wrapped[1:]]
    return "\n".join(lines)


def _plain(unit: str) -> str:
    return "" if unit in ("1", "") else unit


def _per_day(p: Population) -> str:
    return f"{_plain(p.unit) or '1'}/day"
