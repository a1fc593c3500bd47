# SPDX-License-Identifier: LGPL-3.0-or-later
"""The equations and numbers of a model as Markdown."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..kinetics import Network
from ..kinetics.network import Population
from .markdown import table


def equations(network: Network) -> str:
    """Populations, rates, quantities and what else the model says, as text that can be read aloud."""
    quantities = network.model.quantities.values()
    blocks = [
        *("\n".join(_rate(p, network)) for p in network.populations),
        "\n".join(f"{q.name} = {_flat(q.expression.text)}" for q in quantities),
        "\n".join(_events(network)),
    ]
    text = "\n\n".join(b for b in blocks if b)
    return f"## Equations\n\n{_populations(network)}\n\n```text\n{text}\n```"


def numbers(network: Network) -> str:
    """Parameters, switches and inputs with meaning and source."""
    m = network.model
    rows = [
        (f"`{p.name}`", p.value.text, _with_options(p.meaning, p.options), p.source)
        for p in m.parameters.values()
    ]
    rows += [(f"`{s.name}`", "on" if s.on else "off", s.meaning, s.source) for s in m.switches.values()]
    for i in m.inputs.values():
        level = f"{i.default / i.factor:g} {_plain(i.unit)}".strip()
        rows.append((f"`{i.name}`", level, f"{i.meaning} (set over time by a case)", ""))
    return "## Parameters\n\n" + table(("name", "value", "meaning", "source"), rows) if rows else ""


def _populations(network: Network) -> str:
    kinds = ["marrow, diffusing" if p.diffusivity else "marrow" for p in network.marrow]
    kinds += ["bone surface"] * len(network.surface)
    rows = []
    for p, kind in zip(network.populations, kinds, strict=True):
        start = network.model.populations[p.name].initial
        if start is None:
            text = f"{network.healthy[p.name] / p.factor:.6g} (healthy state)"
        else:
            text = f"`{_flat(str(getattr(start, 'text', start)))}`"
        rows.append((f"`{p.name}`", p.label, kind, _plain(p.unit) or "1", text))
    return table(("", "population", "lives in", "unit", "at the start"), rows)


def _rate(p: Population, network: Network) -> Iterator[str]:
    """``d OC/dt = a - b``, one term a line with its name."""
    terms = network.model.populations[p.name].terms
    lead = f"d{p.name}/dt"
    if not terms and not p.diffusivity:
        yield f"{lead} = 0"
    signed = []
    for t in terms:
        text = _flat(t.expression.text)
        signed.append((f"- {text[1:].lstrip()}" if _negative(t.expression.tree) else f"+ {text}", t.name))
    if p.diffusivity:
        signed.append((f"+ D lap({p.name}), D = {p.diffusivity / 86400:.4g} um^2/s", "diffusion"))
    width = max((len(text) for text, _ in signed), default=0)
    for k, (text, name) in enumerate(signed):
        start = f"{lead} = " if k == 0 else " " * (len(lead) + 3)
        yield f"{start}{text:{min(width, 70)}}   # {name}"


def _negative(node: ast.AST) -> bool:
    """Whether a formula is one product that starts with a minus sign."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        node = node.left
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _events(network: Network) -> Iterator[str]:
    for e in network.model.events.values():
        changes = ", ".join(f"{n} := {_flat(x.text)}" for n, x in e.set.items())
        yield f"when {_flat(e.when.text)}: {changes}   # {e.meaning or e.name}"


def _with_options(meaning: str, options: object) -> str:
    if not isinstance(options, dict) or not options:
        return meaning
    return f"{meaning}; options: " + ", ".join(f"{k} {v.text}" for k, v in options.items())


def _flat(text: str) -> str:
    return " ".join(text.split())


def _plain(unit: str) -> str:
    return "" if unit in ("1", "") else unit
