# SPDX-License-Identifier: LGPL-3.0-or-later
"""A TOML file that remembers on which line each key stands."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import InputError, Problem
from .tomlfaults import explain

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class TomlSource:
    """Parsed TOML with the line of every key.

    Attributes:
        file: As the user named it; used in messages.
        data: What `tomllib` made of it.
        lines: 1-based line of every key path, tables and array elements included.
    """

    file: str
    data: dict[str, Any]
    lines: dict[Key, int] = field(repr=False)

    @classmethod
    def load(cls, path: str | Path) -> TomlSource:
        """Read a file.

        Raises:
            InputError: The file is missing, unreadable, not UTF-8 or not TOML.
        """
        try:
            text = _decoded(Path(path).read_bytes(), path)
        except FileNotFoundError:
            raise InputError(Problem("there is no such file.", path)) from None
        except IsADirectoryError:
            raise InputError(Problem("this is a folder, but a TOML file is needed.", path)) from None
        except OSError as e:
            raise InputError(Problem(f"the file cannot be read: {e.strerror}.", path)) from None
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, file: str) -> TomlSource:
        """Parse TOML text; `file` is the name used in messages."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as e:
            m = re.search(r"\(at line (\d+), column (\d+)\)", str(e))
            line = int(m[1]) if m else len(text.splitlines()) or 1
            said = re.sub(r"\s*\(at .*\)$", "", str(e))
            raise InputError(Problem(explain(text, line, said), file, line)) from None
        return cls(file, data, _key_lines(text))

    def line(self, key: Key) -> int | None:
        """Line of a key, or of its nearest enclosing table that has one."""
        for n in range(len(key), 0, -1):
            if key[:n] in self.lines:
                return self.lines[key[:n]]
        return None

    def problem(self, key: Key, message: str) -> Problem:
        """A `Problem` located at a key of this file."""
        return Problem(message, self.file, self.line(key), dotted(key) or None)


def _decoded(raw: bytes, path: str | Path) -> str:
    """Text of a file; a byte order mark, as some editors write it, is left out."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(Problem("the file is UTF-16 text; save it as UTF-8.", path))
    if b"\0" in raw:
        raise InputError(Problem("this is no text file; a TOML file is needed.", path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = raw[: e.start].count(b"\n") + 1
        near = raw[: e.start].rpartition(b"\n")[2].decode("utf-8", "replace").strip()[-30:]
        message = f"what follows '{near}' on this line is not UTF-8 text; save the file as UTF-8."
        raise InputError(Problem(message, path, line)) from None


def dotted(key: Key) -> str:
    """``("focus", 0, "radius")`` as ``focus[0].radius``."""
    out = ""
    for k in key:
        out += f"[{k}]" if isinstance(k, int) else ("." if out else "") + k
    return out


_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<ml>\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5})|(?P<str>"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
    r"""|(?P<nl>\n)|(?P<punct>[\[\]{}=,.])|(?P<ws>[ \t\r]+)|(?P<bare>[^\s\[\]{}=,."'\#]+)""",
    re.S | re.X,
)


def _key_lines(text: str) -> dict[Key, int]:
    """Scan valid TOML text once and note the line of every key path."""
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    tokens: list[tuple[str, str, int]] = []
    line = 1
    for m in _TOKEN.finditer(text):
        kind = m.lastgroup or ""
        if kind not in ("comment", "ws"):
            tokens.append((kind, m[0], line))
        line += m[0].count("\n")
    i = 0

    def note(path: Key, at: int) -> None:
        for n in range(1, len(path) + 1):
            lines.setdefault(path[:n], at)

    def key_at(i: int) -> tuple[list[str], int]:
        parts: list[str] = []
        while i < len(tokens):
            kind, s, _ = tokens[i]
            if kind == "bare":
                parts.append(s)
            elif kind == "str":
                parts.append(s[1:-1] if s[0] == "'" else tomllib.loads(f"k={s}")["k"])
            elif s != ".":
                break
            i += 1
        return parts, i

    def value_at(i: int, path: Key) -> int:
        kind, s, at = tokens[i]
        if s == "{" and kind == "punct":
            i += 1
            while tokens[i][1] != "}":
                if tokens[i][1] in (",", "\n"):
                    i += 1
                    continue
                at = tokens[i][2]
                parts, i = key_at(i)
                note((*path, *parts), at)
                i = value_at(i + 1, (*path, *parts))
            return i + 1
        if s == "[" and kind == "punct":
            i += 1
            n = 0
            while tokens[i][1] != "]":
                if tokens[i][1] in (",", "\n"):
                    i += 1
                    continue
                note((*path, n), tokens[i][2])
                i = value_at(i, (*path, n))
                n += 1
            return i + 1
        i += 1
        while i < len(tokens) and tokens[i][1] not in (",", "]", "}", "\n"):  # dates, floats: 1.5
            i += 1
        return i

    prefix: Key = ()
    while i < len(tokens):
        kind, s, at = tokens[i]
        if kind == "nl":
            i += 1
        elif s == "[" and kind == "punct":
            array = tokens[i + 1][1] == "["
            parts, i = key_at(i + 2 if array else i + 1)
            prefix = ()
            for n, p in enumerate(parts):
                prefix = (*prefix, p)
                if prefix in counts and not (array and n == len(parts) - 1):
                    prefix = (*prefix, counts[prefix] - 1)
            if array:
                note(prefix, at)
                counts[prefix] = counts.get(prefix, 0) + 1
                prefix = (*prefix, counts[prefix] - 1)
            lines[prefix] = at
            note(prefix, at)
            i += 2 if array else 1
        else:
            parts, i = key_at(i)
            note((*prefix, *parts), at)
            lines[(*prefix, *parts)] = at
            i = value_at(i + 1, (*prefix, *parts))
    return lines
