# SPDX-License-Identifier: LGPL-3.0-or-later
"""How long the node blocks of the preconditioner serve: several steps, as long as they are near enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .elimination import Couplings
from .hierarchy import Hierarchy

STEPS = 4  # that blocks serve; with eight, more cycles cost what fewer blocks save
SHARE = 0.5  # of their own c by which that of a step may differ
MORE = 2.0  # times as many iterations as with new blocks are too many
FEW = 2  # iterations that say nothing about blocks


class Reuse:
    """Node blocks of a hierarchy, and the decision when they are made anew.

    The operator of a step is always exact; what the preconditioner inverts may be the blocks of a step
    before. All ranks decide alike, since they do so from numbers that all of them have.

    Args:
        hierarchy: None where nothing diffuses.

    Attributes:
        made: How often blocks were made.
        renewed: Solves that failed with older blocks and were begun again with new ones.
    """

    def __init__(self, hierarchy: Hierarchy | None):
        self._hierarchy = hierarchy
        self.made = self.renewed = 0
        self.forget()

    def forget(self) -> None:
        """The next step needs new blocks."""
        self._c, self._age, self._first = 0.0, 0, 0

    def serves(self, c: float) -> bool:
        """Whether the blocks that are there serve a step with that c, 1/day; it counts as one."""
        near = self._c > 0.0 and abs(c - self._c) <= SHARE * self._c
        if not near or self._age + 1 >= STEPS:
            return False
        self._age += 1
        return True

    def make(self, c: float, found: Couplings) -> bool:
        """Collective: new blocks for a step with that c, 1/day.

        Args:
            c: See there.
            found: What there is to know of them on this rank.

        Returns:
            Whether every block on this rank could be inverted.
        """
        self.forget()
        if self._hierarchy is None:
            return True
        self.made += 1
        good = self._hierarchy.set_blocks(found)
        if not self._hierarchy.apart:  # else a cycle needs the sum of the blocks of its own step
            self._c = c
        return good

    @property
    def older(self) -> bool:
        """Whether the blocks are those of an earlier step."""
        return self._age > 0

    def solved(self, iterations: int) -> None:
        """The solve of this step took so many iterations."""
        if not self._age:
            self._first = iterations
        elif iterations > MORE * max(self._first, FEW):
            self.forget()

    # ---------------------------------------------------------------- for checkpoints
    @property
    def state(self) -> dict[str, Any] | None:
        """What besides `arrays` the next steps depend on, JSON; None if the next one makes new blocks."""
        if self._hierarchy is None or not self._c or self._age + 1 >= STEPS:
            return None
        groups = self._hierarchy.groups
        members = None if groups is None else groups.members
        return {"c": self._c, "age": self._age, "first": self._first, "groups": members}

    @property
    def rows(self) -> list[int]:
        """Of all levels, on this rank."""
        return [] if self._hierarchy is None else self._hierarchy.sizes

    @property
    def arrays(self) -> list[np.ndarray]:
        """See `Hierarchy.held`."""
        return [] if self._hierarchy is None else self._hierarchy.held

    def recall(self, state: Mapping[str, Any], fill: Callable[[], None]) -> None:
        """Collective: go on with the blocks of another run, on as many ranks and the same mesh.

        Args:
            state: Its `state`.
            fill: Collective; fills `arrays`, for which there is room then.
        """
        assert self._hierarchy is not None
        self._hierarchy.hold(state["groups"], fill)
        self._c, self._age, self._first = state["c"], state["age"], state["first"]
