# SPDX-License-Identifier: LGPL-3.0-or-later
"""Numbers as a source prints them: the digits given say how near a result must come."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..units import Unit, UnitError, unit

ROUND_OFF = 5e-15
"""Relative error that is always allowed."""

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_REAL = re.compile(rf"\s*([-+]?{_NUMBER})\s*(.*?)\s*")
_COMPLEX = re.compile(rf"\s*(?:([-+]?{_NUMBER})(?![\d.ieE]))?(?:([-+]?{_NUMBER})i)?\s*")


@dataclass(frozen=True)
class Digits:
    """A number as it is written.

    Attributes:
        text: As written.
        value: Of the digits alone, in the unit written.
        last: One unit in the last digit (the larger one of real and imaginary part).
        unit: The unit written, or None.
    """

    text: str
    value: complex
    last: float
    unit: Unit | None = None

    @classmethod
    def read(cls, text: str) -> Digits:
        """Read ``273.53 day`` or ``-1.5e-4``.

        Raises:
            UnitError: It is no number, or its unit is unknown.
        """
        m = _REAL.fullmatch(text)
        if not m:
            raise UnitError(f'\'{text}\' is not a number; write for example "9.629828" or "42.17 day"')
        return cls(text.strip(), complex(float(m[1])), _last(m[1]), unit(m[2]) if m[2] else None)

    @classmethod
    def read_complex(cls, text: str) -> Digits:
        """Read ``-0.25+0.23i``, ``-0.0858`` or ``2i``.

        Raises:
            UnitError: It is no such number.
        """
        m = _COMPLEX.fullmatch(text)
        parts = [s for s in m.groups() if s] if m else []
        if not m or not parts or (len(parts) == 2 and m[2][0] not in "+-"):
            raise UnitError(f"'{text}' is not a number such as \"-0.25+0.23i\"")
        value = complex(float(m[1] or 0), float(m[2] or 0))
        return cls(text.strip(), value, max(map(_last, parts)))

    @property
    def factor(self) -> float:
        """The unit written, in internal units; 1 without one."""
        return 1.0 if self.unit is None else self.unit.factor

    def allowed(self, share: float | None = None) -> float:
        """Largest error that is allowed, relative (absolute if the number is zero).

        Args:
            share: What the file allows instead of one unit in the last digit.
        """
        if share is not None:
            return share
        size = abs(self.value)
        return max(self.last / size, ROUND_OFF) if size else self.last

    def error(self, got: complex) -> float:
        """Error of a result given in the same unit, relative (absolute if the number is zero)."""
        return abs(got - self.value) / (abs(self.value) or 1.0)

    def like(self, got: complex) -> str:
        """A result written in the same way, with two more digits (complex: one more)."""
        if "i" in self.text:
            real, imaginary = (_written(part, self.last / 10) for part in (got.real, got.imag))
            return f"{real}{'' if imaginary.startswith('-') else '+'}{imaginary}i"
        mantissa, e, exponent = self.text.split()[0].lower().partition("e")
        if e:
            decimals = min(len(mantissa.partition(".")[2]) + 2, 16)
            return f"{got.real / 10.0 ** int(exponent):.{decimals}f}e{exponent}"
        return _written(got.real, self.last / 100)


def _last(number: str) -> float:
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(f"1e{int(exponent or 0) - decimals}")


def _written(x: float, finest: float) -> str:
    """`x` down to the decimal place of `finest`, with at most 17 digits."""
    size = max(abs(x), finest)
    digits = min(_log10(size) - _log10(finest) + 1, 17)
    if abs(x) >= finest and not 1e-4 <= abs(x) < 1e7:
        return f"{x:.{digits - 1}e}"
    return f"{x:.{max(digits - 1 - _log10(size), 0)}f}"


def _log10(x: float) -> int:
    return int(f"{x:e}".partition("e")[2])
