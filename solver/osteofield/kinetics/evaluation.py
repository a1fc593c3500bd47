# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values of named quantities, computed on demand and at most once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .expression import Expression, evaluate


class Evaluation:
    """One evaluation of a model at given values (floats or arrays that broadcast).

    Args:
        definitions: Formula of every quantity.
        known: Values of base symbols; left unchanged.
    """

    def __init__(self, definitions: Mapping[str, Expression], known: Mapping[str, Any]):
        self._definitions = definitions
        self._values = dict(known)

    def __call__(self, name: str) -> Any:
        """Value of a symbol or quantity.

        Raises:
            KeyError: The name is neither known nor defined.
        """
        if name not in self._values:
            self._values[name] = evaluate(self._definitions[name].tree, self)
        return self._values[name]

    def of(self, expression: Expression) -> Any:
        """Value of any formula over the same symbols."""
        return evaluate(expression.tree, self)
