# SPDX-License-Identifier: LGPL-3.0-or-later
"""The names of units: sizes, exact, in the internal system of `units.py`, and dimensions.

Sizes are those of the SI brochure (9th edition, 2019); the dalton is CODATA 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

Dimension = Mapping[str, Fraction]

_SHORT = {
    "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "da": 1, "h": 2, "k": 3,
    "M": 6, "G": 9, "T": 12,
}  # fmt: skip
_LONG = {
    "atto": -18, "femto": -15, "pico": -12, "nano": -9, "micro": -6, "milli": -3, "centi": -2, "deci": -1,
    "deca": 1, "hecto": 2, "kilo": 3, "mega": 6, "giga": 9, "tera": 12,
}  # fmt: skip

_DAY = Fraction(1, 86400)  # a second
_METRE = 10**6  # um
_GRAM = 10**9  # ng
_MOLE = 10**27  # pM um^3
_NEWTON = 1000 * _GRAM * _METRE / _DAY**2

# size, dimension, names with short prefixes, names with long prefixes (and a plural), names as they stand
_UNITS: tuple[tuple[Fraction | int, str, str, str, str], ...] = (
    (_METRE, "length", "m", "meter metre", ""),
    (1, "length", "", "", "micron"),
    (Fraction(1, 10**4), "length", "", "", "angstrom Å"),
    (25400, "length", "", "", "in inch"),
    (_DAY, "time", "s", "second", "sec"),
    (60 * _DAY, "time", "", "", "min minute minutes"),
    (3600 * _DAY, "time", "", "", "h hr hour hours"),
    (1, "time", "", "", "d day days"),
    (7, "time", "", "", "week weeks"),
    (Fraction(1461, 48), "time", "", "", "month months"),
    (Fraction(1461, 4), "time", "", "", "a yr year years"),
    (1 / _DAY, "1/time", "Hz", "hertz", ""),
    (_METRE**3 // 1000, "volume", "L l", "liter litre", ""),
    (10**12, "volume", "", "", "cc"),
    (_MOLE, "substance", "mol", "mole", ""),
    (10**12, "concentration", "M", "molar", ""),
    (_GRAM, "mass", "g", "gram", ""),
    (10**6 * _GRAM, "mass", "", "", "t tonne tonnes"),
    (Fraction(45359237, 10**5) * _GRAM, "mass", "", "", "lb pound pounds"),
    (Fraction("1.66053906892e-24") * _GRAM, "mass", "Da", "dalton", "amu"),
    (_NEWTON, "force", "N", "newton", ""),
    (_NEWTON / _METRE**2, "pressure", "Pa", "pascal", ""),
    (10**5 * _NEWTON / _METRE**2, "pressure", "", "", "bar"),
    (_NEWTON * _METRE, "energy", "J", "joule", ""),
    (_NEWTON * _METRE / _DAY, "power", "W", "watt", ""),
    (10**9, "cell", "", "", "cell cells"),
    (10**9, "colony", "", "", "CFU CFUs"),
    (Fraction(1, 100), "1", "", "", "% percent"),
    (Fraction(1, 10**6), "1", "", "", "ppm"),
)

_DIMENSIONS: Mapping[str, Mapping[str, int]] = {
    "1": {}, "length": {"[length]": 1}, "time": {"[time]": 1}, "1/time": {"[time]": -1},
    "volume": {"[length]": 3}, "mass": {"[mass]": 1}, "cell": {"[cell]": 1}, "colony": {"[colony]": 1},
    "substance": {"[substance]": 1}, "concentration": {"[substance]": 1, "[length]": -3},
    "force": {"[mass]": 1, "[length]": 1, "[time]": -2},
    "pressure": {"[mass]": 1, "[length]": -1, "[time]": -2},
    "energy": {"[mass]": 1, "[length]": 2, "[time]": -2},
    "power": {"[mass]": 1, "[length]": 2, "[time]": -3},
}  # fmt: skip

FOREIGN: Mapping[str, str] = {
    **dict.fromkeys(("K", "kelvin", "degC", "celsius", "degF", "fahrenheit"), "temperature"),
    **dict.fromkeys(("A", "mA", "uA", "ampere"), "current"),
    **dict.fromkeys(("V", "mV", "kV", "volt"), "electric potential"),
    **dict.fromkeys(("C", "coulomb"), "charge"),
    **dict.fromkeys(("ohm",), "resistance"),
    **dict.fromkeys(("cd", "candela", "lm", "lx"), "luminosity"),
}
"""Units that are known, and not used here: name to dimension."""


def _table() -> dict[str, tuple[Fraction, Dimension]]:
    out: dict[str, tuple[Fraction, Dimension]] = {}
    for size, what, short, long, plain in _UNITS:
        dimension = {d: Fraction(p) for d, p in _DIMENSIONS[what].items()}
        for name in (*short.split(), *long.split(), *(f"{n}s" for n in long.split()), *plain.split()):
            out[name] = Fraction(size), dimension
        for names, prefixes in ((short.split(), _SHORT), (long.split(), _LONG)):
            for name in names:
                for prefix, power in prefixes.items():
                    entry = Fraction(size) * Fraction(10) ** power, dimension
                    out.setdefault(prefix + name, entry)
                    if prefixes is _LONG:
                        out.setdefault(f"{prefix}{name}s", entry)
    return out


UNITS: Mapping[str, tuple[Fraction, Dimension]] = _table()
"""Name to size in internal units and dimension."""
