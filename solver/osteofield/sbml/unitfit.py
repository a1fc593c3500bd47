# SPDX-License-Identifier: LGPL-3.0-or-later
"""Units of formulas as far as the file declares them; bare numbers get that of what they stand beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from .declared import Declared
from .formula import COMPARE, Apply, Name, Node, Number, is_condition


class UnitProblem(ValueError):
    """Why the units of a model cannot be carried over; a clause, not a sentence."""


class UnitFit:
    """Rewrites formulas so that every number with a unit is a parameter.

    Args:
        unit: Unit of an id; None where it is not known.
        number_units: What the unit references at numbers mean.
        new: Makes a parameter of a number with its unit.
    """

    def __init__(
        self,
        unit: Callable[[str], Declared | None],
        number_units: Mapping[str, Declared | None],
        new: Callable[[float, Declared], Name],
    ):
        self._unit, self._number_units, self._new = unit, number_units, new

    def of(self, node: Node) -> Declared | None:
        """Unit of a formula; None where that is open, as for a bare number."""
        if isinstance(node, Number):
            return self._of_number(node)
        if isinstance(node, Name):
            return self._unit(node.id)
        op, args = node.op, node.args
        if op in ("+", "-", "min", "max", "neg", "abs"):
            return self._common(args)
        if op == "where":
            return self._common(args[1:])
        if op in ("*", "/"):
            out: Declared | None = None
            for k, a in enumerate(args):
                u = self.of(a) or Declared()
                out = u if out is None else out / u if op == "/" and k else out * u
            return out
        if op == "^":
            base = self.of(args[0])
            if base is None or base.plain or not isinstance(args[1], Number):
                return base if base is None or base.plain else None
            return base ** Fraction(args[1].value).limit_denominator(1000)
        if op == "sqrt":
            base = self.of(args[0])
            return None if base is None else base ** Fraction(1, 2)
        return Declared()

    def fit(self, node: Node, want: Declared | None = None) -> Node:
        """The formula with numbers made parameters where a unit is needed.

        Args:
            node: The formula.
            want: Unit that the whole should have, if that is known.

        Raises:
            UnitProblem: A number has a unit that model files do not have.
        """
        if isinstance(node, Number):
            unit = self._of_number(node) or want or Declared()
            bare = (unit.plain and unit.factor == 1) or node.value == 0
            return Number(node.value) if bare else self._new(node.value, unit)
        if isinstance(node, Name):
            return node
        op, args = node.op, node.args
        if op in ("+", "-", "min", "max", "neg", "abs", *COMPARE):
            common = self._common(args) or (None if op in COMPARE else want)
            return Apply(op, tuple(self.fit(a, common) for a in args))
        if op == "where":
            common = self._common(args[1:]) or want
            return Apply(op, (self.fit(args[0]), *(self.fit(a, common) for a in args[1:])))
        if op == "^":
            return Apply(op, (self.fit(args[0]), args[1]))
        return Apply(op, tuple(self.fit(a) for a in args))

    def _common(self, args: tuple[Node, ...]) -> Declared | None:
        """Unit of the first part that has one."""
        found = [u for a in args if not is_condition(a) and (u := self.of(a)) is not None]
        return next((u for u in found if not u.plain), found[0] if found else None)

    def _of_number(self, node: Number) -> Declared | None:
        if not node.unit:
            return None
        unit = self._number_units[node.unit]
        if unit is None:
            raise UnitProblem(f"the unit '{node.unit}' of a number is none that model files have")
        return unit
