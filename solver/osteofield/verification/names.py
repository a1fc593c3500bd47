# SPDX-License-Identifier: LGPL-3.0-or-later
"""The names, units and times of a verification file held against the models and cases of its runs."""

from __future__ import annotations

from collections.abc import Mapping

from ..case import Case
from ..errors import Problem, did_you_mean
from ..kinetics import Network
from ..tomlsource import Key
from ..units import unit
from .digits import Digits
from .file import Verification
from .targets import At, Drift, Eigenvalues, Extreme, Mode, Period, Roots, Steady, Target


def check_names(
    file: Verification, cases: Mapping[str, Case], networks: Mapping[str, Network]
) -> list[Problem]:
    """Everything in a file that its runs do not have; runs that could not be loaded are left out."""
    check = _Check(file, cases, networks)
    for target in file.targets:
        if target.run in networks:
            check.target(target)
    for panel in file.panels:
        for run in panel.runs:
            for i, name in enumerate(panel.show):
                check.over_time(run, name, (*panel.key, "show", i))
    return check.problems


class _Check:
    def __init__(self, file: Verification, cases: Mapping[str, Case], networks: Mapping[str, Network]):
        self._file, self._cases, self._networks = file, cases, networks
        self.problems: list[Problem] = []

    def target(self, t: Target) -> None:
        """One target."""
        if isinstance(t, At):
            for name, number in t.values.items():
                self.over_time(t.run, name, (*t.key, "value", name))
                self._unit(t.run, name, number, (*t.key, "value", name))
            end = self._cases[t.run].time.end
            if t.time > end:
                self._say((*t.key, "time"), f"day {t.time:g} is after the end of run '{t.run}', day {end:g}.")
        elif isinstance(t, Steady):
            for name, number in t.values.items():
                self._known(t.run, name, (*t.key, "value", name))
                self._unit(t.run, name, number, (*t.key, "value", name))
        elif isinstance(t, Eigenvalues):
            n = self._networks[t.run]
            free = len(n.populations) - len(n.model.steady.fixed if n.model.steady else ())
            if t.values and len(t.values) != free:
                message = f"there are {len(t.values)} eigenvalues here, but {free} populations are not held."
                self._say((*t.key, "value"), message)
        elif isinstance(t, Extreme | Period | Drift):
            self.over_time(t.run, t.of, (*t.key, "of"))
            if not isinstance(t, Period) and t.value is not None:
                self._unit(t.run, t.of, t.value, (*t.key, "value"))
            if isinstance(t, Drift):
                self.over_time(t.run, t.per, (*t.key, "per"))
        elif isinstance(t, Roots):
            for name in t.within:
                self._known(t.run, name, (*t.key, "within", name), population=True)
        elif isinstance(t, Mode):
            for i, name in enumerate(t.of):
                self._known(t.run, name, (*t.key, "of", i), population=True)
        if isinstance(t, Steady | Eigenvalues):
            for name in t.guess:
                self._known(t.run, name, (*t.key, "guess", name), population=True)

    def over_time(self, run: str, name: str, key: Key) -> None:
        """A population, or a quantity that can be computed from the means of populations."""
        if run not in self._networks or not self._known(run, name, key):
            return
        network = self._networks[run]
        if name not in network.definitions:
            return
        if not self._cases[run].sample.well_mixed:
            self._say(
                key, f"'{name}' is a quantity, and run '{run}' has space: only populations have a mean."
            )
        set_by_events = {
            i.name for i in network.inputs for e in network.model.events.values() if i.name in e.set
        }
        if found := sorted(network.structure.uses[name] & set_by_events):
            self._say(key, f"'{name}' depends on '{found[0]}', which an event sets; ask for populations.")

    def _known(self, run: str, name: str, key: Key, *, population: bool = False) -> bool:
        network = self._networks[run]
        names = [p.name for p in network.populations]
        if not population:
            names += network.definitions
        if not name or name in names:
            return bool(name)
        kind = "population" if population else "population or quantity"
        hint = did_you_mean(name, names, otherwise="there are")
        self._say(key, f"model '{network.name}' has no {kind} '{name}'{hint}")
        return False

    def _unit(self, run: str, name: str, number: Digits, key: Key) -> None:
        """A unit must be of the dimension of the population or quantity."""
        network = self._networks[run]
        own = next((unit(p.unit) for p in network.populations if p.name == name), None)
        if own is None and name in network.model.quantities:
            own = network.model.quantities[name].unit
        if own is not None and number.unit is not None and not own.same_dimension(number.unit):
            self._say(key, f"'{number.text}' has another dimension than '{name}' ({own}).")

    def _say(self, key: Key, message: str) -> None:
        self.problems.append(self._file.source.problem(key, message))
