# SPDX-License-Identifier: LGPL-3.0-or-later
"""Shipped cases, mutated: every mutant is refused with full sentences, or all of it is in the resolved case.

150 mutants by default, 2,400 with ``OSTEOFIELD_HEAVY=1``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from osteofield.case import Case, check_names, load_case
from osteofield.errors import InputError
from osteofield.kinetics import Network, load_network

CASES = Path(__file__).parents[2] / "cases"
FILES = sorted(p.name for p in CASES.glob("*.toml"))
HEAVY = os.environ.get("OSTEOFIELD_HEAVY", "") not in ("", "0")
UNITS = (
    "um", "mm", "day", "h", "min", "pM", "nM", "CFU/mm^3", "cells/mm^3", "1/day", "um^2/s", "kg", "degC", "%",
)  # fmt: skip
VALUES = (
    "0", "-1", "1", "1e308", "1e400", "-0.0", "inf", "nan", "true", "false", '""', '" "', "[]", "{}", "[[]]",
    '"1"', '"-3 um"', '"1e400 day"', '"nan day"', '"inf um"', '"1,5 um"', '"1 2 um"', '"day"', '"1 day day"',
    '"µm"',
    '"3 µm"', "1979-05-27", "07:32:00", "0x10", "1_000", '"\\u0000"', '"../.."', '"/"', "'''a'''", "[1, 'a']",
    '["1 um"]', '["1 um", "1 um"]', '["1 um", "1 um", "1 um"]', "{ a = 1 }", '"homeostasis"', '"center"',
    '"osteoimmune"',
)  # fmt: skip
KEYS = (
    "end", "from", "until", "every", "radius", "name", "level", "state", "x", "Ünits", "cell_size", "when",
)  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> tuple[str, bytes]:
    """A shipped case and one or two mutations of its bytes."""
    file = draw(st.sampled_from(FILES))
    lines = (CASES / file).read_text(encoding="utf-8").splitlines()
    for _ in range(draw(st.integers(1, 2))):
        draw(st.sampled_from([_value, _value, _unit, _key, _header, _line]))(draw, lines)
    data = "\n".join(lines).encode() + b"\n"
    return file, draw(st.sampled_from([_as_it_is] * 6 + [_cut, _byte, _encoded]))(draw, data)


def _settings(lines: list[str]) -> list[int]:
    return [i for i, line in enumerate(lines) if "=" in line and not line.lstrip().startswith("#")]


def _value(draw: st.DrawFn, lines: list[str]) -> None:
    if chosen := _settings(lines):
        i = draw(st.sampled_from(chosen))
        lines[i] = f"{lines[i].partition('=')[0]}= {draw(st.sampled_from(VALUES))}"


def _unit(draw: st.DrawFn, lines: list[str]) -> None:
    """Another number or another unit in a text."""
    found = [i for i in _settings(lines) if '"' in lines[i] and " " in lines[i].partition('"')[2]]
    if found:
        i = draw(st.sampled_from(found))
        head, _, rest = lines[i].partition('"')
        text, _, tail = rest.partition('"')
        number = draw(st.sampled_from([text.partition(" ")[0], "0", "-2", "1e6", "1e-9", "3,5", "x", ""]))
        unit = draw(st.sampled_from([text.partition(" ")[2], *UNITS]))
        lines[i] = f'{head}"{number} {unit}"{tail}'


def _key(draw: st.DrawFn, lines: list[str]) -> None:
    if chosen := _settings(lines):
        i = draw(st.sampled_from(chosen))
        key, _, rest = lines[i].partition("=")
        key = key.strip()
        k = draw(st.integers(0, max(len(key) - 1, 0)))
        new = draw(st.sampled_from([key[:k] + key[k + 1 :], key.upper(), key + "s", f"{key}.{key}", *KEYS]))
        lines[i] = f"{new} ={rest}"


def _header(draw: st.DrawFn, lines: list[str]) -> None:
    found = [i for i, line in enumerate(lines) if line.startswith("[")]
    if found:
        i = draw(st.sampled_from(found))
        name = lines[i].strip().strip("[]")
        other = (f"[{name}]", f"[[{name}]]", f"[{name[:-1]}]", f"[{name}.{name}]", "[checkpoint]", "[arm]")
        lines[i] = draw(st.sampled_from(other))


def _line(draw: st.DrawFn, lines: list[str]) -> None:
    """A line lost, doubled, elsewhere, or one too many."""
    i, j = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    how = draw(st.sampled_from(["lost", "doubled", "moved", "new"]))
    if how == "doubled":
        lines.insert(i, lines[i])
    elif how == "new":
        lines.insert(i, f"{draw(st.sampled_from(KEYS))} = {draw(st.sampled_from(VALUES))}")
    elif len(lines) > 1:
        line = lines.pop(i)
        if how == "moved":
            lines.insert(min(j, len(lines)), line)


def _as_it_is(draw: st.DrawFn, data: bytes) -> bytes:
    return data


def _cut(draw: st.DrawFn, data: bytes) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _byte(draw: st.DrawFn, data: bytes) -> bytes:
    i = draw(st.integers(0, len(data) - 1))
    return data[:i] + bytes([draw(st.integers(0, 255))]) + data[i + 1 :]


def _encoded(draw: st.DrawFn, data: bytes) -> bytes:
    text = data.decode()
    how = draw(st.sampled_from(["utf-16", "latin-1", "utf-8-sig", "crlf"]))
    return text.replace("\n", "\r\n").encode() if how == "crlf" else text.encode(how, "replace")


@lru_cache(64)
def _network(name: str, file: Path | None, parameters: tuple[Any, ...], switches: tuple[Any, ...]) -> Network:
    return load_network(name, file=file, parameters=dict(parameters), switches=dict(switches))


def read(path: Path) -> Case:
    """As the command line does, but for the sample."""
    case = load_case(path)
    for one in (case, *case.arms):
        m = one.model
        network = _network(m.name, m.file, tuple(m.parameters.items()), tuple(m.switches.items()))
        if problems := check_names(one, network):
            raise InputError(problems)
    return case


def leaves(value: Any, key: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, (*key, k))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from leaves(v, (*key, i))
    else:
        yield key, value


def numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of a case, with the name of their field."""
    if dataclasses.is_dataclass(value):
        for f in dataclasses.fields(value):
            if f.name not in ("source", "resolved"):
                yield from numbers(getattr(value, f.name), f.name)
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from numbers(v, key)
    elif isinstance(value, dict):
        yield from numbers(list(value.values()), key)
    elif isinstance(value, float):
        yield key, value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


SEEN: Counter[str] = Counter()


def check_sentences(error: InputError) -> None:
    assert error.problems
    for p in error.problems:
        # a sentence, or one that ends with an example
        assert p.message[-1:] in ".?" or "for example" in p.message or " = " in p.message, p.message
        assert not re.search(r"Traceback|\w+Error\b|object at 0x|\bNone\b", p.message), p.message


@settings(
    max_examples=2400 if HEAVY else 150,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(mutant=mutants())
def test_mutants(folder: Path, mutant: tuple[str, bytes]) -> None:
    file, data = mutant
    path = folder / file
    path.write_bytes(data)
    SEEN["mutants"] += 1
    try:
        case = read(path)
    except InputError as e:
        SEEN["refused"] += 1
        check_sentences(e)
        return
    SEEN["accepted"] += 1
    given_, kept = (
        dict(leaves(tomllib.loads(data.decode("utf-8-sig")))),
        dict(leaves(tomllib.loads(case.resolved))),
    )
    for key, value in given_.items():
        assert key in kept, f"{key} = {value!r} was ignored"
        same = kept[key] == value or (isinstance(value, str) and str(kept[key]).startswith("/"))
        assert same, f"{key} = {value!r} became {kept[key]!r}"
    for name, x in numbers(case):
        assert not math.isnan(x) or name == "level", name
        assert not math.isinf(x) or name in ("radius", "stop"), name
    again = folder / "again.toml"
    again.write_text(case.resolved, encoding="utf-8")
    assert load_case(again).resolved == case.resolved


def test_they_were_many_and_of_both_kinds() -> None:
    print(dict(SEEN))
    assert SEEN["mutants"] >= (2000 if HEAVY else 100)
    assert SEEN["refused"] > 0.3 * SEEN["mutants"]
    assert SEEN["accepted"] > 0.02 * SEEN["mutants"]
