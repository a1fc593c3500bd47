# SPDX-License-Identifier: LGPL-3.0-or-later
"""Names of a model file for the ids of an SBML file."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from ..kinetics.expression import FUNCTIONS, SYMBOLS


class NameBook:
    """Gives out names, each once; ids keep theirs where a model file allows it.

    Attributes:
        changed: Id to name, where they differ.
    """

    def __init__(self) -> None:
        self._taken = {*FUNCTIONS, *SYMBOLS, *keyword.kwlist}
        self._of: dict[str, str] = {}
        self.changed: dict[str, str] = {}

    def __call__(self, id: str) -> str:
        """Name of an id that was given one."""
        return self._of[id]

    def knows(self, id: str) -> str | None:
        """Name of an id, or None if it has none."""
        return self._of.get(id)

    def fixed(self, id: str, name: str) -> None:
        """Call an id by a symbol that every formula may use."""
        self._of[id] = name

    def keep(self, ids: Iterable[str]) -> None:
        """Give every id its own name, or one as near as possible; the first come first."""
        ids = list(ids)
        for id in ids:  # those that can stay as they are go before those that have to give way
            if _allowed(id) and id not in self._taken:
                self._of[id] = id
                self._taken.add(id)
        for id in ids:
            if id not in self._of:
                self.changed[id] = self.new(id, id)

    def local(self, id: str, own: str, of: str, *, alone: bool) -> None:
        """Name a local parameter: its own name if only it has that, else with its reaction."""
        free = alone and _allowed(own) and own not in self._taken
        self.new(id, own if free else f"{of}_{own}")

    def new(self, id: str, wish: str) -> str:
        """Give an id a name like `wish`."""
        name = base = _near(wish)
        if name in self._taken and len(name) == 1:
            name = base = f"{name}_"
        n = 2
        while name in self._taken:
            name, n = f"{base}_{n}", n + 1
        self._of[id] = name
        self._taken.add(name)
        return name


def _allowed(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None


def _near(name: str) -> str:
    plain = re.sub(r"\W", "_", name, flags=re.ASCII).lstrip("_")
    return plain if _allowed(plain) else f"n{plain}"
