# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is wrong with a text that is not TOML, in the words of somebody who writes a case."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_BARE = re.compile(r"^\s*(?P<key>[\w.-]+)\s*=")
_UNQUOTED = re.compile(r"""^\s*(?P<key>[^=]+?)\s*=\s*(?P<value>[^"'\[{\s#][^"'#]*?)\s*(?:\#.*)?$""")
_COMMA = re.compile(r"^\s*(?P<key>[^=]+?)\s*=\s*(?P<whole>[-+]?\d+),(?P<part>\d+)\s*(?:\#.*)?$")
_TYPOGRAPHIC = {'"': "\u201c\u201d\u201e\u201f\u00ab\u00bb", "'": "\u2018\u2019\u201a\u201b"}
_STRAIGHT = str.maketrans({odd: straight for straight, all_of in _TYPOGRAPHIC.items() for odd in all_of})


def explain(text: str, line: int, said: str) -> str:
    """A full sentence on a fault of TOML text.

    Args:
        text: The whole file.
        line: Where the parser stopped, from 1.
        said: What the parser says.
    """
    lines = text.splitlines()
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    key = here.partition("=")[0].strip()
    if said == "Cannot overwrite a value" and "=" in here:
        first = _key_before(lines, line, key)
        return f"'{key}' stands in this table twice{_first(first)}; keep one of them."
    if said.startswith(("Cannot declare", "Cannot mutate")) and (m := _HEADER.match(here)):
        first = _table_before(lines, line, m[2])
        return (
            f"the table '{m[2]}' stands in this file twice{_first(first)}; put all its keys into one table. "
            "Where there can be several tables of a name, as of [[focus]], each has two pairs of brackets."
        )
    if said.startswith(("Illegal character", "Unterminated string", 'Expected "\'"')) and here.count('"') % 2:
        return "a text in quotes begins on this line and does not end; close the quotes."
    if (straight := here.translate(_STRAIGHT)) != here:
        return f"typographic quotes mean nothing here; write straight ones: {straight.strip()}"
    if m := _COMMA.match(here):
        return f"decimals are written with a point, not a comma: {m['key']} = {m['whole']}.{m['part']}"
    m = _BARE.match(here)
    if m and not m["key"].isascii():
        odd = next(c for c in m["key"] if not c.isascii())
        return (
            f"the name '{m['key']}' holds '{odd}'; names without quotes consist of a-z, A-Z, 0-9, '_', '-': "
            f'"{m["key"]}" ={here.partition("=")[2].rstrip()}'
        )
    m = _UNQUOTED.match(here)
    if m and re.search(r"[A-Za-z]", m["value"]):
        return f'a text needs quotes, and so does a number with a unit: {m["key"]} = "{m["value"]}"'
    shown = f" in '{here.strip()}'" if here.strip() else ""
    return f"this is not valid TOML: {said}{shown}."


def _first(line: int | None) -> str:
    return f", first in line {line}" if line else ""


def _key_before(lines: list[str], line: int, key: str) -> int | None:
    """The line above, in the same table, that gives a key."""
    for n in range(line - 2, -1, -1):
        if _HEADER.match(lines[n]):
            return None
        if lines[n].partition("=")[0].strip() == key:
            return n + 1
    return None


def _table_before(lines: list[str], line: int, name: str) -> int | None:
    for n in range(line - 1):
        m = _HEADER.match(lines[n])
        if (m and m[2] == name) or lines[n].partition("=")[0].strip() == name:
            return n + 1
    return None
