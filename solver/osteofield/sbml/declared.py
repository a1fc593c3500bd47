# SPDX-License-Identifier: LGPL-3.0-or-later
"""Units that an SBML file declares, as text that a model file can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .package import libsbml

_SIZES: Mapping[str, Mapping[str, float]] = {
    "time": {
        "s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0, "day": 86400.0, "week": 604800.0,
        "year": 31557600.0,
    },
    "volume": {"L": 1.0, "dL": 0.1, "mL": 1e-3, "uL": 1e-6, "nL": 1e-9, "pL": 1e-12, "fL": 1e-15},
    "length": {"m": 1.0, "dm": 0.1, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9},
    "substance": {
        "mol": 1.0, "mmol": 1e-3, "umol": 1e-6, "nmol": 1e-9, "pmol": 1e-12, "fmol": 1e-15, "amol": 1e-18,
    },
    "mass": {"g": 1.0, "kg": 1e3, "mg": 1e-3, "ug": 1e-6, "ng": 1e-9, "pg": 1e-12},
    "energy": {"J": 1.0, "kJ": 1e3}, "force": {"N": 1.0}, "pressure": {"Pa": 1.0, "kPa": 1e3},
    "power": {"W": 1.0},
}  # fmt: skip
"""Units of a model file with their size, the plain one first."""

_KINDS: Mapping[str, tuple[str, float, int]] = {
    "second": ("time", 1.0, 1), "litre": ("volume", 1.0, 1), "liter": ("volume", 1.0, 1),
    "metre": ("length", 1.0, 1), "meter": ("length", 1.0, 1), "mole": ("substance", 1.0, 1),
    "gram": ("mass", 1.0, 1), "kilogram": ("mass", 1e3, 1), "joule": ("energy", 1.0, 1),
    "newton": ("force", 1.0, 1), "pascal": ("pressure", 1.0, 1), "watt": ("power", 1.0, 1),
    "hertz": ("time", 1.0, -1), "becquerel": ("time", 1.0, -1),
}  # fmt: skip
"""Kind of SBML: what it measures, its size, and the power at which it does."""

_NUMBERS = {"dimensionless": 1.0, "item": 1.0, "radian": 1.0, "steradian": 1.0, "avogadro": 6.02214179e23}

_OF = {token: what for what, sizes in _SIZES.items() for token in sizes}
_MOLAR = {"mol": "M", "mmol": "mM", "umol": "uM", "nmol": "nM", "pmol": "pM", "fmol": "fM"}


@dataclass(frozen=True)
class Declared:
    """A unit: powers of units that model files have, times a number.

    Attributes:
        powers: ``(unit, power)``, no power zero, at most one unit for each thing measured.
        factor: The number; 1 where the text says it all.
    """

    powers: tuple[tuple[str, Fraction], ...] = ()
    factor: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether this is a number without dimension."""
        return not self.powers

    def __mul__(self, other: Declared) -> Declared:
        return _product([*self.powers, *other.powers], self.factor * other.factor)

    def __truediv__(self, other: Declared) -> Declared:
        return self * other ** Fraction(-1)

    def __pow__(self, power: Fraction) -> Declared:
        return _product([(t, p * power) for t, p in self.powers], self.factor ** float(power))

    @property
    def text(self) -> str:
        """As a model file writes it, without the factor."""
        powers = dict(self.powers)
        for token in [t for t in powers if t in _MOLAR]:
            if "L" in powers and powers["L"] == -powers[token]:
                powers = {_MOLAR[t] if t == token else t: p for t, p in powers.items() if t != "L"}
        above = [_power(t, p) for t, p in powers.items() if p > 0]
        below = [_power(t, -p) for t, p in powers.items() if p < 0]
        out = "*".join(above) or "1"
        if below:
            out += "/" + (below[0] if len(below) == 1 else f"({'*'.join(below)})")
        return out

    def __str__(self) -> str:
        return self.text if self.factor == 1 else f"{self.factor:g} {self.text}".removesuffix(" 1")


def _power(token: str, p: Fraction) -> str:
    return token if p == 1 else f"{token}^{p}" if p.denominator == 1 else f"{token}^{float(p):g}"


def _product(powers: Iterable[tuple[str, Fraction]], factor: float) -> Declared:
    kept: dict[str, Fraction] = {}
    first: dict[str, str] = {}
    for token, p in powers:
        what = _OF[token]
        mine = first.setdefault(what, token)
        factor *= (_SIZES[what][token] / _SIZES[what][mine]) ** float(p)
        kept[mine] = kept.get(mine, Fraction(0)) + p
    return _absorbed({t: p for t, p in kept.items() if p}, factor)


def _absorbed(powers: dict[str, Fraction], factor: float) -> Declared:
    """The factor taken into one of the units where a larger or smaller one fits."""
    if abs(factor - 1) > 1e-9:
        for token, p in powers.items():
            sizes = _SIZES[_OF[token]]
            wanted = sizes[token] * factor ** (1 / float(p))
            for other, size in sizes.items():
                if abs(size - wanted) < 1e-9 * size:
                    swapped = tuple((other if t == token else t, q) for t, q in powers.items())
                    return Declared(swapped, 1.0)
    return Declared(tuple(powers.items()), 1.0 if abs(factor - 1) < 1e-9 else factor)


def of_kind(kind: str, power: float = 1.0, scale: int = 0, multiplier: float = 1.0) -> Declared | None:
    """``(multiplier * 10^scale * kind)^power``; None where model files do not have the kind."""
    p = Fraction(power).limit_denominator(1000)
    size = multiplier * 10.0**scale
    if kind in _NUMBERS:
        return Declared((), (_NUMBERS[kind] * size) ** float(p))
    if kind == "katal":
        return Declared((("mol", p), ("s", -p)), size ** float(p))
    if kind not in _KINDS:
        return None
    what, base, sign = _KINDS[kind]
    token = next(iter(_SIZES[what]))
    return _product([(token, p * sign)], (base * size) ** float(p))


class Units:
    """What the unit references of one SBML model mean."""

    def __init__(self, model: Any):
        sbml = libsbml()
        self._model, self._old = model, model.getLevel() < 3
        self._kind_name = sbml.UnitKind_toString
        self._defined: dict[str, Declared | None] = {}
        for k in range(model.getNumUnitDefinitions()):
            definition = model.getUnitDefinition(k)
            self._defined[definition.getId()] = self._definition(definition)

    def _definition(self, definition: Any) -> Declared | None:
        out: Declared | None = Declared()
        for k in range(definition.getNumUnits()):
            u = definition.getUnit(k)
            one = of_kind(
                self._kind_name(u.getKind()), u.getExponentAsDouble(), u.getScale(), u.getMultiplier()
            )
            offset = u.getOffset() if self._old else 0.0
            out = None if out is None or one is None or offset else out * one
        return out

    def get(self, reference: str) -> Declared | None:
        """The unit that an attribute names; None where nothing, or nothing usable, is named."""
        if not reference:
            return None
        if reference in self._defined:
            return self._defined[reference]
        if self._old:
            predefined = {
                "substance": of_kind("mole"), "volume": of_kind("litre"), "area": of_kind("metre", 2.0),
                "length": of_kind("metre"), "time": of_kind("second"),
            }  # fmt: skip
            if reference in predefined:
                return predefined[reference]
        return of_kind(reference)

    @property
    def time(self) -> Declared | None:
        return self.get("time" if self._old else self._model.getTimeUnits())

    @property
    def substance(self) -> Declared | None:
        return self.get("substance" if self._old else self._model.getSubstanceUnits())

    @property
    def extent(self) -> Declared | None:
        return self.get("substance" if self._old else self._model.getExtentUnits())

    def compartment(self, element: Any) -> Declared | None:
        """Unit of the size of a compartment."""
        if element.isSetUnits():
            return self.get(element.getUnits())
        dimensions = element.getSpatialDimensionsAsDouble()
        name = {3.0: "volume", 2.0: "area", 1.0: "length"}.get(dimensions)
        if name is None:
            return Declared() if dimensions == 0 else None
        return self.get(name if self._old else getattr(self._model, f"get{name.title()}Units")())

    def substance_of(self, species: Any) -> Declared | None:
        """Unit of the amount of a species."""
        return self.get(species.getSubstanceUnits()) if species.isSetSubstanceUnits() else self.substance
