# SPDX-License-Identifier: LGPL-3.0-or-later
"""Who makes, activates, inhibits and removes whom: read off the derivatives of a model's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .evaluation import Evaluation
from .network import Network

Kind = Literal["makes", "becomes", "raises", "lowers", "removes", "spares", "changes"]

WORDS: Mapping[Kind, str] = {
    "makes": "made by",
    "becomes": "comes from",
    "raises": "raised by",
    "spares": "spared by",
    "lowers": "lowered by",
    "removes": "removed by",
    "changes": "raised or lowered by",
}
HELPS: frozenset[Kind] = frozenset({"makes", "becomes", "raises", "spares"})
HARMS: frozenset[Kind] = frozenset({"lowers", "removes"})

_STATES = 48  # random states at which derivatives are looked at
_STEP = 1e-30


@dataclass(frozen=True)
class Interaction:
    """What one population or input does to another.

    Attributes:
        source: Who acts: a population or an input.
        target: Population acted upon.
        kind: ``makes``: a production that is nothing without the source; ``becomes``: the source is used up
            by it; ``raises``, ``lowers``: a production that the source makes faster or slower;
            ``removes``: a loss that the source causes or speeds up; ``spares``: one that it slows down;
            ``changes``: now the one, now the other.
        terms: Names of the terms of the target through which it acts.
        in_passing: Whether all of them are losses to another population, which says the same of itself.
    """

    source: str
    target: str
    kind: Kind
    terms: tuple[str, ...]
    in_passing: bool = False


def interactions(network: Network) -> list[Interaction]:
    """Every interaction of a model with the parameters and switches in use.

    The terms are evaluated with complex steps at random states around the healthy and the typical values,
    so a sign holds where the model is used, not for all numbers. What a population does to itself is left
    out.
    """
    rng = np.random.default_rng(7)
    states = _states(network, rng)
    fixed = {n: v for n, v in network.constants.items() if n not in network.driven} | states
    terms = {
        (p.name, t.name, t.kind): t.expression for p in network.model.populations.values() for t in p.terms
    }
    at = _values(network, fixed, terms)
    units = {p.name: p.unit for p in network.model.populations.values()}
    partner = {
        key: {b for b in losses if units[b[0]].same_dimension(units[key[0]])}
        for key, losses in _transfers(at).items()
    }
    inputs = [i.name for i in network.inputs]
    found: dict[tuple[str, str, Kind], list[str]] = {}
    for source in (*(p.name for p in network.populations), *inputs):
        moved = _values(network, {**fixed, source: fixed[source] + 1j * _STEP}, terms)
        absent = _values(network, {**fixed, source: np.zeros(_STATES)}, terms)
        for key, value in at.items():
            target, term, _ = key
            slope = moved[key].imag / _STEP
            size = np.abs(value) + np.abs(slope) * np.abs(fixed[source])
            slope = np.where(np.abs(slope) * np.abs(fixed[source]) > 1e-9 * size.max(initial=0.0), slope, 0.0)
            if source == target or not slope.any():
                continue
            kind = _kind(value, slope, absent[key], any(source == b[0] for b in partner.get(key, ())))
            found.setdefault((source, target, kind), []).append(term)
    passing = {(t, term) for t, term, _ in at if any((t, term) in p for p in partner.values())}
    out = []
    for (source, target, kind), through in found.items():
        out.append(
            Interaction(source, target, kind, tuple(through), all((target, x) in passing for x in through))
        )
    return out


def _states(network: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {"t": np.zeros(_STATES)} | {c: np.zeros(_STATES) for c in "xyz"}
    for p in network.populations:
        middle = network.healthy[p.name] or p.scale
        if network.model.populations[p.name].unit.dimensionless:  # a share: it stays below 1
            out[p.name] = p.scale * rng.uniform(0.05, 0.95, _STATES)
            continue
        out[p.name] = abs(middle) * 10.0 ** rng.uniform(-0.7, 0.7, _STATES)
    for i in network.inputs:
        out[i.name] = i.factor * 10.0 ** rng.uniform(-1.0, 1.0, _STATES)
    for f in network.fields:
        out[f.name] = np.full(_STATES, f.initial)
    return out


def _values(network: Network, known: Mapping, terms: Mapping) -> dict[tuple[str, str, str], np.ndarray]:
    values = Evaluation(network.definitions, known)
    with np.errstate(all="ignore"):
        got = {k: np.asarray(values.of(e), dtype=complex) for k, e in terms.items()}
    return {k: np.broadcast_to(v, (_STATES,)) for k, v in got.items()}


def _transfers(at: Mapping[tuple[str, str, str], np.ndarray]) -> dict[tuple, set[tuple[str, str]]]:
    """Of every gain the losses of other populations that are as large: population and term."""
    out: dict[tuple, set[tuple[str, str]]] = {}
    for a, gain in at.items():
        if (gain.real > 0).all():
            for b, loss in at.items():
                if a[0] != b[0] and np.allclose(gain.real, -loss.real, rtol=1e-12, atol=0.0):
                    out.setdefault(a, set()).add((b[0], b[1]))
    return out


def _kind(value: np.ndarray, slope: np.ndarray, absent: np.ndarray, used_up: bool) -> Kind:
    gains, losses = (value.real >= 0).all(), (value.real <= 0).all()
    up, down = (slope >= 0).all(), (slope <= 0).all()
    nothing = not (np.abs(absent.real) > 1e-12 * np.abs(value.real).max()).any()
    if gains and up:
        return "becomes" if used_up else "makes" if nothing else "raises"
    if gains and down:
        return "lowers"
    if losses and down:
        return "removes"
    if losses and up:
        return "spares"
    return "raises" if up else "lowers" if down else "changes"


def describe_interactions(network: Network) -> str:
    """The interactions as text, one block per population."""
    found = interactions(network)
    lines = []
    for p in network.populations:
        mine = [i for i in found if i.target == p.name]
        if not mine:
            continue
        lines.append(f"{p.name} ({p.label})" if p.label != p.name else p.name)
        for kind, words in WORDS.items():
            of_kind = [i for i in mine if i.kind == kind]
            if of_kind:
                who = ", ".join(f"{i.source} ({'; '.join(i.terms)})" for i in of_kind)
                lines.append(f"    {words} {who}")
    return "\n".join(lines)
