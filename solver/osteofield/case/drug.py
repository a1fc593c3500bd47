# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug files: what a dose becomes in blood and bone, and which input of a model it drives."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import units
from ..errors import InputError, did_you_mean, in_order
from ..tomlsource import TomlSource

FOLDER = Path(__file__).resolve().parent.parent / "drugs"
FORMAT = 1

# number: a unit of its dimension, what it means, whether every drug needs it
NUMBERS: Mapping[str, tuple[str, str, bool]] = {
    "molar_mass": ("g/mol", "molar mass", True),
    "half_life": ("day", "half-life of elimination", True),
    "volume": ("L/kg", "volume of distribution per body weight", True),
    "bone_to_serum": ("1", "concentration in marrow over that in serum", True),
    "half_effect": ("pM", "concentration in marrow of half effect: Kd, EC50, or a multiple of the MIC", True),
    "absorption_half_life": ("day", "half-life of absorption after an injection under the skin", False),
    "bioavailability": ("1", "share of an injection that reaches blood", False),
    "diffusivity": ("um^2/s", "diffusivity in marrow, for arrival by diffusion", False),
    "exchange": ("1/day", "exchange between blood and perfused marrow, for arrival by diffusion", False),
}
_TEXTS = ("name", "title", "description", "acts_on")


@dataclass(frozen=True)
class Number:
    """One number of a drug: `value` in internal units, `text` as written."""

    value: float
    text: str
    source: str


@dataclass(frozen=True)
class Drug:
    """A drug as its file describes it.

    Attributes:
        acts_on: The input of a model that it drives, as a multiple of the half effect.
        numbers: By name, see `NUMBERS`; concentrations in pM.
    """

    name: str
    title: str
    description: str
    acts_on: str
    numbers: Mapping[str, Number]
    sources: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """A number in internal units; nan where the file does not say it."""
        return self.numbers[name].value if name in self.numbers else math.nan


def drugs() -> list[tuple[str, str]]:
    """Name and title of every drug that comes with osteofield."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        with path.open("rb") as f:
            found.append((path.stem, str(tomllib.load(f).get("title", ""))))
    return found


def drug_file(name: str) -> Path | None:
    """The file of a drug that comes with osteofield."""
    path = FOLDER / f"{name}.toml"
    return path if "/" not in name and path.is_file() else None


def read_drug(path: Path) -> Drug:
    """Read a drug file.

    Raises:
        InputError: With every problem found.
    """
    source = TomlSource.load(path)
    data, problems = source.data, []

    def say(key: tuple[str | int, ...], message: str) -> None:
        problems.append(source.problem(key, message))

    known = ("format", *_TEXTS, "sources", *NUMBERS)
    for key in data:
        if key not in known:
            say((key,), f"this key is not known{did_you_mean(key, known)}")
    if data.get("format", FORMAT) != FORMAT:
        say(("format",), f"format {data['format']!r} is not known; this osteofield reads format {FORMAT}.")
    texts = {}
    for key in _TEXTS:
        texts[key] = data.get(key, "")
        if not isinstance(texts[key], str) or (not texts[key].strip() and key in ("name", "acts_on")):
            say((key,), f"a text in quotes is needed here, for example {key} = {_EXAMPLES[key]}.")
            texts[key] = ""
    sources = data.get("sources", {})
    sources = {k: str(v) for k, v in sources.items()} if isinstance(sources, dict) else {}
    numbers = {}
    mass = math.nan
    for key, (like, meaning, needed) in NUMBERS.items():
        entry = data.get(key)
        if entry is None:
            if needed:
                say((key,), f'the {meaning} is missing: {key} = {{ value = "... {like}", source = "..." }}.')
            continue
        if not isinstance(entry, dict) or set(entry) != {"value", "source"}:
            say((key,), f'this must read {key} = {{ value = "... {like}", source = "..." }}.')
            continue
        cited = str(entry["source"])
        first = cited.replace(":", " ").replace(",", " ").split()[:1]
        if not first or first[0] not in (*sources, "assumed"):
            say((key, "source"), f"'{cited}' does not begin with 'assumed' or a name of [sources].")
        try:
            value = _value(entry["value"], like, mass)
        except units.UnitError as e:
            say((key, "value"), f"{e}.")
            continue
        if not value > 0 or (key == "bioavailability" and value > 1):
            say((key, "value"), f"'{entry['value']}' is not possible for a {meaning}.")
            continue
        if key == "molar_mass":
            mass = value
        numbers[key] = Number(value, str(entry["value"]), cited)
    if ("absorption_half_life" in data) != ("bioavailability" in data):
        say((), "absorption_half_life and bioavailability belong together; one of them is missing.")
    if problems:
        raise InputError(in_order(problems))
    return Drug(texts["name"], texts["title"], texts["description"], texts["acts_on"], numbers, sources)


_EXAMPLES = {
    "name": '"vancomycin"', "title": '"Vancomycin"', "description": '"..."', "acts_on": '"antibiotic"',
}  # fmt: skip


def concentration(text: str, molar_mass: float) -> float:
    """A concentration in mass or amount per volume as pM.

    Args:
        text: For example ``"20 mg/L"`` or ``"14 uM"``.
        molar_mass: Internal units.

    Raises:
        UnitError: It is neither.
    """
    try:
        return units.quantity(text, "mg/L") / molar_mass
    except units.UnitError:
        return units.quantity(text, "pM")


def _value(raw: Any, like: str, molar_mass: float) -> float:
    if like == "1" and isinstance(raw, int | float) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, str):
        raise units.UnitError(f"a text such as '1 {like}' is needed here, not {raw!r}")
    return concentration(raw, molar_mass) if like == "pM" else units.quantity(raw, like)


def describe_drug(drug: Drug) -> str:
    """A drug file for people."""
    lines = [f"{drug.name}: {drug.title}", ""]
    if drug.description:
        lines += [" ".join(drug.description.split()), ""]
    lines += [
        f"It drives the input '{drug.acts_on}' of a model: concentration in marrow over half effect.",
        "",
    ]
    rows = [("number", "value", "meaning", "source")]
    rows += [(k, n.text, NUMBERS[k][1], n.source) for k, n in drug.numbers.items()]
    widths = [max(len(r[k]) for r in rows) for k in range(3)]
    lines += ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=False)) + "  " + r[3] for r in rows]
    pM = drug["half_effect"]
    lines += [
        "",
        f"half effect = {pM:.4g} pM = {pM * drug['molar_mass'] / units.unit('mg/L').factor:.4g} mg/L",
    ]
    if drug.sources:
        lines += ["", "Sources", *(f"{k}: {v}" for k, v in drug.sources.items())]
    return "\n".join(lines)
