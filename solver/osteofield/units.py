# SPDX-License-Identifier: LGPL-3.0-or-later
"""Units at the border: text such as ``"20 um^2/s"`` to plain floats in um, day, pM.

Inside osteofield lengths are in um, times in day, concentrations of molecules in pM (also the
osteoblast and osteoclast lineages, which published models count in pM) and number densities of
cells and bacteria per mm^3. `Unit.factor` is the size of a unit in that coherent system: pM and
CFU/mm^3 have factor 1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from .unittable import FOREIGN, UNITS


class UnitError(ValueError):
    """A unit or quantity that cannot be read, or has the wrong dimension."""


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
        UnitError: The text is no unit, or one of a dimension that is not used here.
    """
    if "," in text:
        raise UnitError(f"'{text.strip()}' is not a unit; decimals are written with a point, not a comma")
    try:
        product = _Product(_plain(text)).read() if text.strip() else {}
        exact, rest, powers = Fraction(1), 1.0, dict[str, Fraction]()
        for name, p in product.items():
            size, dimension = UNITS[name]
            if p.denominator == 1:
                exact *= size**p.numerator
            else:
                rest *= float(size) ** float(p)
            for d, e in dimension.items():
                powers[d] = powers.get(d, Fraction(0)) + e * p
        factor = float(exact) * rest
        if not 0 < factor < math.inf:
            raise _NoUnitError(text)
    except (_NoUnitError, RecursionError, OverflowError) as e:
        raise UnitError(f"'{text.strip()}' is not a unit; write for example 'um', '1/day' or 'pM'") from e
    return Unit(factor, tuple(sorted((d, p) for d, p in powers.items() if p)), text.strip())


class _NoUnitError(ValueError):
    """A text that is no unit."""


_TOKEN = re.compile(r"\s*(?:([A-Za-zÅ%_]\w*)|(\d+(?:\.\d*)?|\.\d+)|([-+*/^()]))")
_MOST = 30  # the largest power of a unit


def _plain(text: str) -> str:
    """A unit with one way of writing micro and powers."""
    t = text.strip().replace("µ", "u").replace("μ", "u").replace("**", "^")
    t = re.sub("[⁻⁰¹²³⁴-⁹]+", lambda m: "^" + m[0].translate(_RAISED), t)
    return re.sub(r"\bper\b", "/", t)


_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


class _Product:
    """Reads units with powers, multiplied and divided from the left to the right; a blank multiplies."""

    def __init__(self, text: str):
        self._tokens: list[str] = []
        end = 0
        while end < len(text):
            m = _TOKEN.match(text, end)
            if m is None:
                raise _NoUnitError(text[end:])
            self._tokens.append(m[0].strip())
            end = m.end()
        self._at = 0

    def read(self) -> dict[str, Fraction]:
        """Unit to its power."""
        out = self._product()
        if self._next:
            raise _NoUnitError(self._next)
        return out

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1] if self._at <= len(self._tokens) else ""

    def _product(self) -> dict[str, Fraction]:
        out = self._factor()
        while self._next and self._next not in ")":
            sign = -1 if self._next == "/" else 1
            if self._next in "*/":
                self._take()
            for name, p in self._factor().items():
                out[name] = out.get(name, Fraction(0)) + sign * p
        return out

    def _factor(self) -> dict[str, Fraction]:
        token = self._take()
        if token == "1" and self._next in ("/", ")", ""):
            return {}
        if token == "(":
            out = self._product()
            if self._take() != ")":
                raise _NoUnitError(token)
        elif token in UNITS:
            out = {token: Fraction(1)}
        elif token in FOREIGN:
            raise UnitError(f"'{token}' is a unit of {FOREIGN[token]}, which osteofield does not use")
        else:
            raise _NoUnitError(token)
        if self._next == "^":
            self._take()
            power = self._power()
            out = {name: p * power for name, p in out.items()}
        return out

    def _power(self) -> Fraction:
        """A number, or one or two of them in brackets."""
        if self._next != "(":
            return self._number()
        self._take()
        power = self._number()
        if self._next == "/":
            self._take()
            below = self._number()
            if not below:
                raise _NoUnitError("0")
            power /= below
        if self._take() != ")":
            raise _NoUnitError("(")
        return power

    def _number(self) -> Fraction:
        sign = -1 if self._next == "-" else 1
        if self._next in ("-", "+"):
            self._take()
        token = self._take()
        if not re.fullmatch(r"\d+\.?\d*|\.\d+", token) or len(token) > 12:
            raise _NoUnitError(token)
        power = sign * Fraction(token).limit_denominator(1000)
        if abs(power) > _MOST:
            raise _NoUnitError(token)
        return power


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
