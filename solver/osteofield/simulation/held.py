# SPDX-License-Identifier: LGPL-3.0-or-later
"""What bone holds in a run: what is in it at day 0, and the books of what was set free and laid down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..case.types import HeldSpec
from ..geometry import Piece, Sample
from ..integrator import System
from ..kinetics import NEW, OLD, RELEASE
from ..tissue import Tissue, WellMixed
from .ledger import Ledger
from .measures import AMOUNT, MM3, SLICE

Row = dict[str, str | float]


class InBone:
    """The solutes that bone holds, over a whole run.

    Args:
        specs: What they are.
        volume: Bone at day 0, um^3 (2-D: um^2).
        tissue: On the mesh of day 0, or one after a re-cut.
    """

    def __init__(self, specs: Sequence[HeldSpec], volume: float, tissue: Tissue):
        self.specs, self._volume, self._names = specs, volume, list(tissue.names)
        network, self._slice = tissue.network, SLICE if tissue.sample.dimension == 2 else 1.0
        self._units = {p.name: (AMOUNT.get(p.unit, f"{p.unit} mm^3"), p.factor) for p in network.marrow}
        self._depth = self._names.index(network.roles.depth) if specs else 0  # type: ignore[arg-type]
        self._taking = network.roles.resorption
        self._on_surface = [p.name for p in network.surface]

    def fill(
        self, tissue: Tissue, system: System, y: np.ndarray, by_number: np.ndarray | None = None
    ) -> None:
        """Collective: what bone there is under every point of the surface, into the state at day 0.

        Inscribed spheres say how thick bone is; all of it together is the volume of bone.

        Args:
            tissue, system: On the mesh of day 0.
            y: The state.
            by_number: Half thickness of bone where the mesh does not say it (`thickness_by_number`), um.
        """
        if OLD not in self._on_surface:
            return
        thickness = tissue.layout.half_thickness.copy()
        if by_number is not None:
            thickness[np.argsort(tissue.layout.owned_surface)] = by_number
        total = float(system.reduce(np.array([thickness @ tissue.layout.areas]))[0])
        share = self._volume / total if total > 0 else 0.0
        system.surface(y)[:, self._on_surface.index(OLD)] = share * thickness
        system.surface(y)[:, self._on_surface.index(NEW)] = 0.0

    def columns(self, system: System, y: np.ndarray, ledger: Ledger) -> dict[str, float]:
        """Collective: columns of the history: what is left in bone."""
        if not self.specs:
            return {}
        left = self._left(system.reduce(system.totals(y)), ledger)
        return {f"{s.name}_in_bone.total [{self._unit(s)}]": self._size(s) * v for s, v in left}

    def rows(self, system: System, y: np.ndarray, ledger: Ledger) -> list[Row]:
        """Collective: rows of the budget; what is left in bone is not found from what was set free."""
        if not self.specs:
            return []
        flows = dict(zip(ledger.names_of_flows, ledger.integral, strict=True))
        depth = self._names[self._depth]
        formed = -sum(v for (n, what), v in flows.items() if n == depth and what != self._taking)
        rows: list[Row] = []
        for s, left in self._left(system.reduce(system.totals(y)), ledger):
            start, free = s.concentration * self._start(s, ledger), -flows[s.name, RELEASE]
            laid = s.concentration * formed if s.in_new_bone else 0.0
            entries = [("start", "at the beginning", start), ("loss", "set free by resorption", free)]
            if s.in_new_bone:
                entries.append(("gain", "laid down with new bone", laid))
            entries += [
                ("end", "at the end", left),
                ("residual", "explained by nothing", left - start - free - laid),
            ]
            turnover = 0.5 * (laid - free) or np.inf
            rows += [
                {"population": f"{s.name} in bone", "kind": kind, "what": what,
                 "amount": float(v * self._size(s)), "unit": self._unit(s),
                 "share of turnover": float(v / turnover)}
                for kind, what, v in entries
            ]  # fmt: skip
        return rows

    def _start(self, s: HeldSpec, ledger: Ledger) -> float:
        """Volume of bone that held something at day 0."""
        first = ledger.amounts[0]
        if s.in_new_bone:
            return float(self._volume - first[self._depth])
        return float(first[self._names.index(OLD)])

    def _left(self, totals: np.ndarray, ledger: Ledger) -> list[tuple[HeldSpec, float]]:
        """What is in bone in a state, pM um^3.

        Bone that holds as much as ever is that of day 0 less the depth it has lost; where cutting anew
        changed the depth there is (its area has changed), that counts for nothing.
        """
        change = totals - ledger.amounts[0] - ledger.jumped
        gone = {s.name: change[self._depth] if s.in_new_bone else -change[self._names.index(OLD)]
                for s in self.specs}  # fmt: skip
        return [(s, s.concentration * (self._start(s, ledger) - gone[s.name])) for s in self.specs]

    def _unit(self, s: HeldSpec) -> str:
        return self._units[s.name][0]

    def _size(self, s: HeldSpec) -> float:
        return self._slice * MM3 / self._units[s.name][1]


def bone_volume(sample: Sample | Piece | WellMixed) -> float:
    """Bone of a sample, um^3 (2-D: um^2)."""
    if isinstance(sample, WellMixed):
        return sample.volume * sample.sigma0 * sample.d0
    return sample.morphometry.bone_volume


def thickness_by_number(piece: Piece) -> np.ndarray:
    """Half thickness of bone at this rank's points of the surface, in the order of their numbers, um."""
    number = piece.surface_number[: piece.own]
    at = np.flatnonzero(number >= 0)
    return piece.half_thickness[at[np.argsort(number[at])]]
