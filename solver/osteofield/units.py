# SPDX-License-Identifier: LGPL-3.0-or-later
"""Units at the border: text such as ``"20 um^2/s"`` to plain floats in um, day, pM.

Inside osteofield lengths are in um, times in day, concentrations of molecules in pM (also the
osteoblast and osteoclast lineages, which published models count in pM) and number densities of
cells and bacteria per mm^3. `Unit.factor` is the size of a unit in that coherent system: pM and
CFU/mm^3 have factor 1.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint

# base units of the coherent internal system; "substance" and the counts are scaled so that pM
# and 1/mm^3 are 1
_INTERNAL = {
    "[length]": "um",
    "[time]": "day",
    "[substance]": "pM * um^3",
    "[cell]": "cell / mm^3 * um^3",
    "[colony]": "CFU / mm^3 * um^3",
    "[mass]": "ng",
}


class UnitError(ValueError):
    """A unit or quantity that cannot be read, or has the wrong dimension."""


@lru_cache(1)
def _registry() -> pint.UnitRegistry:
    import pint  # half a second: only when a unit is really read

    u = pint.UnitRegistry(cache_folder=None)
    for line in (
        "cell = [cell]",
        "CFU = [colony]",
        "@alias cell = cells",
        "pM = 1e-12 mol / liter",
        "nM = 1e-9 mol / liter",
        "uM = 1e-6 mol / liter",
    ):
        u.define(line)
    return u


@dataclass(frozen=True)
class Unit:
    """A unit as its size in internal units and its dimension.

    Attributes:
        factor: Value of one such unit in the internal system.
        dimension: Sorted ``(base dimension, exponent)`` pairs, zero exponents left out.
        text: How it was written.
    """

    factor: float
    dimension: tuple[tuple[str, Fraction], ...]
    text: str = ""

    def same_dimension(self, other: Unit) -> bool:
        return self.dimension == other.dimension

    @property
    def dimensionless(self) -> bool:
        return not self.dimension

    def __mul__(self, other: Unit) -> Unit:
        return _combine(self, other, 1)

    def __truediv__(self, other: Unit) -> Unit:
        return _combine(self, other, -1)

    def __pow__(self, power: float | Fraction) -> Unit:
        p = Fraction(power).limit_denominator(1000)
        dim = tuple((d, e * p) for d, e in self.dimension if p)
        return Unit(self.factor ** float(p), dim, f"({self.text})^{p}")

    def __str__(self) -> str:
        return self.text or "1"


def _combine(a: Unit, b: Unit, sign: int) -> Unit:
    dim = dict(a.dimension)
    for d, e in b.dimension:
        dim[d] = dim.get(d, Fraction(0)) + sign * e
    return Unit(
        a.factor * b.factor**sign,
        tuple(sorted((d, e) for d, e in dim.items() if e)),
        f"{a} {'*' if sign > 0 else '/'} {b}",
    )


@lru_cache(4096)
def unit(text: str) -> Unit:
    """Read a unit such as ``um^2/s``, ``1/(pM day)``, ``cells/mm^3``, ``CFU``, ``1`` or ``%``.

    Raises:
        UnitError: The text is no unit, or an offset one such as degC.
    """
    _only_units(text)
    u = _registry()
    try:
        q = u.Quantity(1.0, u.parse_units(_clean(text))) if _clean(text) not in ("", "1") else u.Quantity(1.0)
    except Exception:  # pint raises tokenizer, arithmetic and assertion errors of many kinds
        try:
            q = u.parse_expression(_clean(text))
            q = u.Quantity(q)
        except Exception as e:
            raise UnitError(f"'{text}' is not a unit; {_advice(text)}") from e
    dims = dict(q.dimensionality)
    unknown = set(dims) - set(_INTERNAL)
    if unknown:
        raise UnitError(f"'{text}' has dimension {', '.join(sorted(unknown))}, which osteofield does not use")
    factor = q.to_base_units().magnitude
    for d, power in dims.items():
        factor /= u.Quantity(1.0, u.parse_units(_INTERNAL[d])).to_base_units().magnitude ** float(power)  # type: ignore[arg-type]
    dimension = tuple(sorted((d, Fraction(p).limit_denominator(1000)) for d, p in dims.items() if p))  # type: ignore[arg-type]
    rounded = float(f"{factor:.12g}")  # 1e-12 mol/L and 1 pM must be one number
    if abs(rounded - factor) < 5e-15 * abs(factor):
        factor = rounded
    return Unit(factor, dimension, text.strip())


_USUAL = (
    "nm", "um", "micron", "micrometer", "mm", "cm", "m", "s", "sec", "second", "min", "minute", "h", "hour",
    "day", "days", "week", "month", "year", "fM", "pM", "nM", "uM", "mM", "mol", "pmol", "fmol", "pg", "ng",
    "ug", "mg", "g", "kg", "mL", "L", "liter", "cell", "cells", "CFU", "percent",
)  # fmt: skip


def _advice(text: str) -> str:
    """The unit that was meant, where upper and lower case or a letter or two are wrong."""
    lower = {name.lower(): name for name in reversed(_USUAL)}

    def usual(m: re.Match[str]) -> str:
        near = difflib.get_close_matches(m[0].lower(), lower, 1, 0.6)
        return m[0] if m[0] in _USUAL or not near else lower[near[0]]

    meant = re.sub(r"[^\W\d_]+", usual, text.strip())
    known = meant != text.strip() and not set(re.findall(r"[^\W\d_]+", meant)) - set(_USUAL)
    return f"'{meant}' is" if known else "write for example 'um', '1/day' or 'pM'"


_EXPONENT = re.compile(r"(?:\^|\*\*)\s*(?:[-+]?[\d.]+|\(\s*[-+]?[\d./ ]+\))")


def _only_units(text: str) -> None:
    """Refuse what pint would take for a number: ``1,5 um`` is not 5 um, and ``1 2 um`` not 2 um."""
    if "," in text:
        raise UnitError(f"'{text.strip()}' is not a unit; decimals are written with a point, not a comma")
    rest = re.sub(r"(?<![\w.])1(?=\s*(?:/|$))", "", _EXPONENT.sub("", text))
    if re.search(r"(?<![A-Za-z_])\d|[-+]|\*\s*$|^\s*\*", rest):
        raise UnitError(f"'{text.strip()}' is not a unit; write for example 'um', '1/day' or 'pM'")


def _clean(text: str) -> str:
    t = text.strip().replace("µ", "u").replace("μ", "u").replace("^", "**")
    return re.sub(r"(?<=[A-Za-z\)])\s+(?=[A-Za-z\(])", " * ", t).replace("%", "percent")


_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*)$", re.S)


def quantity(value: str, like: str) -> float:
    """Read a quantity with its unit and return it in internal units.

    Args:
        value: For example ``"300 um"`` or ``"1000 CFU/mm^3"``.
        like: A unit of the required dimension, named in the error message.

    Raises:
        UnitError: No number, no unit, an unknown unit or another dimension than that of `like`.
    """
    ref = unit(like)
    if re.match(r"\s*[-+]?[\d.]*,\d", value):
        raise UnitError(
            f"'{value}' is not a quantity; decimals are written with a point, not a comma, and thousands "
            f"are not set apart: '0.5 {like}'"
        )
    m = _QUANTITY.match(value)
    if not m:
        raise UnitError(f"'{value}' is not a number with a unit; write for example '1 {like}'")
    number, text = float(m[1]), m[2].strip()
    if not text and not ref.dimensionless:
        raise UnitError(f"'{value}' has no unit; write for example '{m[1]} {like}'")
    got = unit(text or "1")
    if not got.same_dimension(ref):
        raise UnitError(
            f"'{value}' is {describe(got)}, but {describe(ref)} is needed here, for example '1 {like}'"
        )
    if not math.isfinite(number * got.factor):
        raise UnitError(f"'{value}' is too large")
    return number * got.factor


_NAMES = {
    "um": "a length", "day": "a time", "um^2": "an area", "um^3": "a volume", "1/day": "a rate (per time)",
    "um^2/day": "a diffusivity (area per time)", "um/day": "a speed", "pM": "a concentration",
    "pM/day": "a concentration per time", "cells/mm^3": "a number of cells per volume",
    "CFU/mm^3": "a number of bacteria per volume", "cells/mm^2": "a number of cells per area",
    "1": "a plain number", "CFU": "a number of bacteria", "cells": "a number of cells",
    "1/um": "one per length", "ng/um^3": "a mass per volume",
}  # fmt: skip


def describe(u: Unit) -> str:
    """Name the dimension of a unit in words, for messages."""
    for text, words in _NAMES.items():
        if unit(text).same_dimension(u):
            return words
    return " ".join(f"{d}^{e}" if e != 1 else d for d, e in u.dimension)


def per_thickness(unit: str) -> str:
    """Unit of an amount or a volume per millimetre of thickness, as a 2-D section has it: ``mm^3`` becomes
    ``mm^2``, ``CFU`` ``CFU/mm``; what is no amount stays as it is."""
    for whole, per_mm in (("mm^3", "mm^2"), ("mm^2", "mm")):
        if unit == whole or unit.endswith(f" {whole}"):
            return unit.removesuffix(whole) + per_mm
    return f"{unit}/mm" if unit in _AMOUNTS else unit


_AMOUNTS = ("CFU", "cells", "amol", "fmol")
