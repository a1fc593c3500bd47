# SPDX-License-Identifier: LGPL-3.0-or-later
"""Variants of a case for a job array: every combination of the values given."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputError, Problem

MOST = 1000  # Slurm's own default for the largest array is 1001


@dataclass(frozen=True)
class Variant:
    """One task of an array.

    Attributes:
        settings: ``key=value``, one for every key that varies.
        label: The same as a folder name.
    """

    settings: tuple[str, ...]
    label: str


def read_variants(axes: Sequence[str]) -> tuple[Variant, ...]:
    """Variants from ``key=v1,v2,v3`` texts: all combinations, the last key varying fastest.

    Values that contain commas are written as a TOML list: ``key=["a,b", "c"]``.

    Raises:
        InputError: With every problem found.
    """
    problems: list[Problem] = []
    varied: list[list[str]] = []
    for axis in axes:
        label = f"--array {axis}"
        key, equals, text = axis.partition("=")
        key, values = key.strip(), _values(text)
        if not equals or not key:
            example = "'focus.0.load=100 CFU/mm^3,1000 CFU/mm^3'"
            problems.append(
                Problem(f"this is not of the form key=value,value, for example {example}.", label)
            )
        elif not all(values):
            problems.append(Problem("one of the values is empty.", label))
        elif len(set(values)) < len(values):
            problems.append(Problem("a value stands here twice.", label))
        varied.append([f"{key}={value}" for value in values])
    many = 1
    for values in varied:
        many *= len(values)
    if many > MOST:
        problems.append(Problem(f"this makes {many} variants; {MOST} are the most.", "--array"))
    if problems:
        raise InputError(problems)
    chosen = list(itertools.product(*varied)) if varied else []
    labels = ["_".join(map(_folder, settings)) for settings in chosen]
    if len(set(labels)) < len(labels) or max(map(len, labels), default=0) > 120:
        labels = [str(n) for n in range(len(labels))]
    return tuple(Variant(s, label) for s, label in zip(chosen, labels, strict=True))


def _values(text: str) -> list[str]:
    """Of a TOML list, or the parts between commas."""
    if text.lstrip().startswith("["):
        try:
            listed = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            listed = None
        if isinstance(listed, list) and all(isinstance(v, (str, int, float)) for v in listed):
            return [str(v).lower() if isinstance(v, bool) else str(v) for v in listed]
    return [part.strip() for part in text.split(",")]


def _folder(setting: str) -> str:
    """A text without what shells and file systems dislike."""
    return re.sub(r"[^A-Za-z0-9.=+-]+", "_", setting.replace("/", "_per_").replace(" ", "")).strip("_")
