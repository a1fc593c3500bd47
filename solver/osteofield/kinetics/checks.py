# SPDX-License-Identifier: LGPL-3.0-or-later
"""Does a model make sense as a whole: symbols, cycles, who may depend on whom, dimensions, unused names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import Problem, did_you_mean
from ..tomlsource import Key, dotted
from ..units import Unit, describe, unit
from .dimensions import DimensionError, dimension
from .expression import SYMBOLS, Expression
from .modelfile import ModelFile
from .quantities import Quantity
from .value import Value

_CONSTANT = frozenset({"sigma0", "d0"})
_POINT = frozenset({"t", "x", "y", "z"})


_LOCAL = (
    "'{}' does not move (it has no diffusivity), so it cannot be fed through the bone surface: no mesh would "
    "be fine enough. Give it a diffusivity, let it live on the surface, or write this term under 'volume'."
)


@dataclass(frozen=True)
class Structure:
    """What the checks found out about a model.

    Attributes:
        order: Quantities so that each stands after those it uses.
        uniform: Quantities that are one number for the whole sample (parameters, inputs, geometry).
        surface: Quantities that exist on the bone surface only.
        units: Dimension of every name.
        uses: Every base symbol (no quantity) a name depends on, itself for a base symbol.
    """

    order: tuple[str, ...]
    uniform: frozenset[str]
    surface: frozenset[str]
    units: Mapping[str, Unit]
    uses: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class _Use:
    """A formula of the file: where it stands, what it must be, and what it may use."""

    key: Key
    expression: Expression
    needed: Unit | None
    scope: str  # "volume", "surface", "uniform", "place", "mean" or "any"
    what: str


def check_model(model: ModelFile) -> tuple[Structure, list[Problem]]:
    """Check a model beyond its form.

    Returns:
        What was found out (of use only without problems), and every problem.
    """
    return _Checker(model).run()


class _Checker:
    def __init__(self, model: ModelFile):
        self.model = model
        self.problems: list[Problem] = []
        self.names = model.keys_of_names()
        self.known = {*self.names, *SYMBOLS}
        self.stars = dict(model.steady.values) if model.steady else {}
        self.units: dict[str, Unit] = {n: unit(u) for n, (u, _) in SYMBOLS.items()}
        self.uses: dict[str, frozenset[str]] = {}

    def say(self, key: Key, message: str) -> None:
        self.problems.append(self.model.source.problem(key, message))

    def run(self) -> tuple[Structure, list[Problem]]:
        m = self.model
        self._duplicates()
        self._targets()
        uses = list(self._formulas())
        self._undefined(uses)
        self._unused(uses)
        order = self._order({n: q.expression.symbols for n, q in m.quantities.items()}, "quantity")
        healthy = {n: q.expression.symbols for n, q in m.quantities.items()}
        healthy |= {n: e.symbols for n, e in self.stars.items()}
        healthy |= {n: f.at_homeostasis.symbols for n, f in m.fields.items() if f.at_homeostasis}
        if not self.problems:
            self._order(healthy, "starred")
        for n in self.known - set(m.quantities):
            self.uses[n] = frozenset({n})
        for n in order:
            used = m.quantities[n].expression.symbols
            self.uses[n] = frozenset().union(*(self.uses.get(s, frozenset()) for s in used))
        surface_base = {n for n, p in m.populations.items() if p.domain == "surface"} | set(m.fields)
        varying = set(m.populations) | set(m.fields) | _POINT
        surface = {n for n in order if self.uses[n] & surface_base}
        uniform = {n for n in order if not self.uses[n] & varying}
        for u in uses:
            self._scope(u, surface_base)
        self._dimensions(order, uses)
        structure = Structure(tuple(order), frozenset(uniform), frozenset(surface), self.units, self.uses)
        return structure, self.problems

    def _duplicates(self) -> None:
        m = self.model
        seen: dict[str, Key] = {}
        for table, names in (
            ("parameter", m.parameters), ("switch", m.switches), ("input", m.inputs), ("field", m.fields),
            ("population", m.populations), ("quantity", m.quantities), ("steady.value", self.stars),
        ):  # fmt: skip
            for n in names:
                key: Key = (*table.split("."), n)
                if n in seen:
                    self.say(key, f"the name '{n}' is already taken by {dotted(seen[n])}.")
                seen.setdefault(n, key)

    def _targets(self) -> None:
        m = self.model
        known = {*m.populations, *m.inputs}
        for n, event in m.events.items():
            for name in event.set:
                if name not in known:
                    hint = did_you_mean(name, known, otherwise="populations and inputs")
                    self.say(("event", n, "set", name), f"an event cannot set '{name}'{hint}")
        for n, c in m.conserved.items():
            for s in sorted(c.total.symbols - set(m.populations)):
                if s in self.known and s not in (*m.parameters, *m.switches):
                    self.say(
                        ("conserved", n, "total"),
                        f"'{s}' may not stand here: a total adds populations, each at most times parameters.",
                    )

    def _formulas(self) -> Iterable[_Use]:
        m = self.model
        for n, q in m.quantities.items():
            key = (*q.key, "value") if (*q.key, "value") in m.source.lines else q.key
            yield _Use(key, q.expression, q.unit, "any", f"quantity '{n}'")
        for n, e in self.stars.items():
            yield _Use(("steady", "value", n), e, None, "any", f"starred quantity '{n}'")
        for n, f in m.fields.items():
            if f.at_homeostasis:
                yield _Use(
                    ("field", n, "at_homeostasis"), f.at_homeostasis, f.unit, "surface", f"field '{n}'"
                )
            if f.default:
                yield _Use(("field", n, "default"), f.default, f.unit, "uniform", f"the default of '{n}'")
        for n, p in m.populations.items():
            for attribute, needed in (("diffusivity", unit("um^2/day")), ("initial", p.unit)):
                e = getattr(p, attribute)
                if isinstance(e, Expression):
                    scope = "place" if attribute == "initial" else "uniform"
                    yield _Use(("population", n, attribute), e, needed, scope, f"the {attribute} of '{n}'")
                elif e is None and attribute == "initial" and not m.steady:
                    self.say(
                        ("population", n), "the key 'initial' is missing; it may be left out only in a "
                        "model with a [steady] table, where it is the healthy value.",
                    )  # fmt: skip
            local = p.domain == "marrow" and not diffuses(p.diffusivity)
            for term in p.terms:
                if term.kind == "surface" and local:
                    self.say(term.key, _LOCAL.format(n))
                what = f"{term.kind} term '{term.name}' of '{n}'"
                yield _Use(term.key, term.expression, p.unit / unit("day"), term.kind, what)
        for n, event in m.events.items():
            yield _Use(("event", n, "when"), event.when, unit("1"), "mean", f"the condition of event '{n}'")
            for name, e in event.set.items():
                what = f"what event '{n}' sets '{name}' to"
                if name in m.populations:
                    p = m.populations[name]
                    scope = "volume" if p.domain == "marrow" else "surface"
                    yield _Use(("event", n, "set", name), e, p.unit, scope, what)
                elif name in m.inputs:
                    yield _Use(("event", n, "set", name), e, unit(m.inputs[name].unit), "mean", what)
        for n, c in m.conserved.items():
            yield _Use(("conserved", n, "total"), c.total, None, "any", f"the total '{n}'")

    def _undefined(self, uses: Iterable[_Use]) -> None:
        for u in uses:
            for s in sorted(u.expression.symbols - self.known):
                self.say(u.key, f"'{s}' is not defined{did_you_mean(s, self.known, otherwise='defined')}")

    def _unused(self, uses: Iterable[_Use]) -> None:
        m = self.model
        used: set[str] = set().union(*(u.expression.symbols for u in uses))
        for n, key in self.names.items():
            if n in used or n in m.populations or (n in m.quantities and m.quantities[n].report):
                continue
            hint = "; mark it with report = true if it is only to be looked at" if n in m.quantities else ""
            self.say(key, f"'{n}' is used nowhere; remove it or use it{hint}.")
        reported = {n for n, q in m.quantities.items() if q.report}
        for n in reported:
            q = m.quantities[n]
            if q.unit is None or not q.meaning:
                self.say(q.key, "a reported quantity needs 'unit' and 'meaning'.")
            if q.part_of is not None:
                self._part(q, q.part_of)
        columns: dict[str, str] = {}
        for q in m.quantities.values():
            population, _, _ = q.column.rpartition(".")
            if q.column and q.column in columns:
                self.say((*q.key, "column"), f"'{columns[q.column]}' has this column already.")
            elif population in m.populations:
                self.say((*q.key, "column"), f"columns '{population}....' are those of the population.")
            columns.setdefault(q.column, q.name)

    def _part(self, q: Quantity, whole: str) -> None:
        p = self.model.populations.get(whole)
        if p is None or p.domain != "marrow":
            hint = did_you_mean(whole, self.model.populations, otherwise="populations")
            self.say((*q.key, "part_of"), f"'{whole}' is no population in marrow{hint}")
        elif q.unit is not None and not q.unit.same_dimension(p.unit):
            self.say((*q.key, "unit"), f"a part of '{whole}' is {describe(p.unit)}.")

    def _order(self, graph: Mapping[str, frozenset[str]], kind: str) -> list[str]:
        order: list[str] = []
        state: dict[str, int] = {}

        def visit(start: str) -> None:
            stack = [(start, iter(sorted(graph[start])))]
            state[start] = 1
            while stack:
                node, children = stack[-1]
                for c in children:
                    if c not in graph or state.get(c) == 2:
                        continue
                    if state.get(c) == 1:
                        path = [n for n, _ in stack]
                        loop = " -> ".join([*path[path.index(c) :], c])
                        key = self.names.get(c, (c,))
                        if kind == "quantity":
                            self.say(key, f"'{c}' depends on itself: {loop}.")
                        else:
                            self.say(key, f"in the healthy state '{c}' would depend on itself: {loop}.")
                        continue
                    state[c] = 1
                    stack.append((c, iter(sorted(graph[c]))))
                    break
                else:
                    state[node] = 2
                    order.append(node)
                    stack.pop()

        for n in graph:
            if n not in state:
                visit(n)
        return order

    def _scope(self, use: _Use, surface: set[str]) -> None:
        if use.scope in ("any", "surface"):
            return
        m = self.model
        varying = {
            "uniform": set(m.populations) | set(m.fields) | _POINT,
            "place": set(m.populations) | set(m.fields) | {"t"},
            "mean": set(m.fields) | (_POINT - {"t"}),
        }
        for s in sorted(use.expression.symbols):
            base = self.uses.get(s, frozenset())
            through = f" (through '{s}')" if s in m.quantities else ""
            if use.scope == "volume":
                for b in sorted(base & surface):
                    kind = "field" if b in m.fields else "population"
                    self.say(
                        use.key, f"a volume term cannot use the surface {kind} '{b}'{through}: it exists on "
                        "the bone surface only. Write the term under 'surface' if the population diffuses.",
                    )  # fmt: skip
            elif bad := sorted(base & varying[use.scope]):
                also = {"place": "x, y, z, ", "mean": "t, means of populations, "}.get(use.scope, "")
                needs = {"place": "cannot use"}.get(use.scope, "must be one number for the whole sample, but")
                tail = "" if use.scope == "place" else " varies"
                self.say(
                    use.key, f"{use.what} {needs} '{bad[0]}'{through}{tail}; parameters, switches, inputs, "
                    f"starred quantities, {also}sigma0 and d0 may be used.",
                )  # fmt: skip

    def _dimensions(self, order: Iterable[str], uses: Iterable[_Use]) -> None:
        m, units = self.model, self.units
        units |= {n: p.value.unit for n, p in m.parameters.items()} | {n: unit("1") for n in m.switches}
        units |= {n: unit(i.unit) for n, i in m.inputs.items()} | {n: f.unit for n, f in m.fields.items()}
        units |= {n: p.unit for n, p in m.populations.items()}
        pending = {u.what: u for u in uses}
        stars, names = dict(self.stars), list(order)
        unknown = set().union(*(u.expression.symbols for u in uses)) - self.known
        # a star may be used by the quantities that define other stars: settle what can be settled, in turn
        while names or stars:
            for table, what in ((names, "quantity"), (list(stars), "starred quantity")):
                known = {*units, *unknown}
                ready = [n for n in table if pending[f"{what} '{n}'"].expression.symbols <= known]
                for n in ready:
                    u = pending.pop(f"{what} '{n}'")
                    if u.expression.symbols & unknown and not u.needed:
                        unknown.add(n)  # so is what follows from it
                    else:
                        units[n] = self._dimension(u, unknown) or unit("1")
                    names.remove(n) if what == "quantity" else stars.pop(n)
                if ready:
                    break
            else:
                return  # a cycle, already reported
        for u in pending.values():
            self._dimension(u, unknown)

    def _dimension(self, use: _Use, unknown: set[str]) -> Unit | None:
        """Check a formula that has no unknown symbols; the dimension it has or must have."""
        if use.expression.symbols & unknown:
            return use.needed
        try:
            got = dimension(use.expression.tree, self.units.__getitem__)
        except DimensionError as e:
            self.say(use.key, str(e))
            return use.needed
        if got and use.needed and not got.same_dimension(use.needed):
            text = use.expression.text
            self.say(use.key, f"'{text}' is {describe(got)}, but {use.what} must be {describe(use.needed)}.")
        return use.needed or got


def diffuses(d: Value | Expression | None) -> bool:
    return isinstance(d, Expression) or (d is not None and d.number > 0)
