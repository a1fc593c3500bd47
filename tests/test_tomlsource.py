# SPDX-License-Identifier: LGPL-3.0-or-later
"""TOML with line numbers."""

from pathlib import Path
from typing import Any

import pytest

from osteofield.errors import InputError
from osteofield.tomlsource import TomlSource, dotted

TEXT = '''\
# a comment with [brackets] and = signs
title = "a # no comment"   # a comment
"quoted key" = 1
'literal.key' = 2
a.b.c = 3
long = """
[no.table]
x = 1 \\""" y = 2
"""
end = """text with quotes at its end"""""
raw = \'\'\'
y = 1
\'\'\'
when = 1979-05-27 07:32:00
number = -1.5e-3
list = [
  1.5,  # one
  [2, "]"],
  { p = 1, q = { r = [7] } },
]
after = 1

[table]
key = "x"
inline = { "BV/TV" = 0.23, size = ["1 mm", "2 mm"], nested.deep = true }

[ table . "sub.table" ]
key = 1

[[focus]]
radius = 1
[focus.dose]
level = 2
[[focus]]
radius = 3
[[focus.part]]
n = 1
[[focus.part]]
n = 2

[z.y]
k = 1
[z]
k = 2
'''

LINES = {
    ("title",): 2,
    ("quoted key",): 3,
    ("literal.key",): 4,
    ("a", "b", "c"): 5,
    ("long",): 6,
    ("end",): 10,
    ("raw",): 11,
    ("when",): 14,
    ("number",): 15,
    ("list",): 16,
    ("list", 0): 17,
    ("list", 1, 1): 18,
    ("list", 2, "q", "r", 0): 19,
    ("after",): 21,
    ("table",): 23,
    ("table", "inline", "BV/TV"): 25,
    ("table", "inline", "size", 1): 25,
    ("table", "inline", "nested", "deep"): 25,
    ("table", "sub.table"): 27,
    ("table", "sub.table", "key"): 28,
    ("focus", 0): 30,
    ("focus", 0, "radius"): 31,
    ("focus", 0, "dose"): 32,
    ("focus", 0, "dose", "level"): 33,
    ("focus", 1): 34,
    ("focus", 1, "radius"): 35,
    ("focus", 1, "part", 1): 38,
    ("focus", 1, "part", 1, "n"): 39,
    ("z", "y", "k"): 42,
    ("z",): 43,
    ("z", "k"): 44,
}


def paths(value: Any, key: tuple = ()) -> list[tuple]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [p for k, v in inner for p in [(*key, k), *paths(v, (*key, k))]]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_key_has_its_line(newline: str) -> None:
    source = TomlSource.parse(TEXT.replace("\n", newline), "a.toml")
    assert {k: source.lines.get(k) for k in LINES} == LINES
    assert set(paths(source.data)) == set(source.lines)


def test_a_missing_key_is_located_at_the_table_that_lacks_it() -> None:
    source = TomlSource.parse(TEXT, "a.toml")
    assert source.line(("focus", 1, "center")) == 34
    assert source.line(("nowhere", "at all")) is None
    assert (
        str(source.problem(("focus", 1, "center"), "is missing."))
        == "a.toml:34: focus[1].center: is missing."
    )
    assert str(source.problem((), "is wrong.")) == "a.toml: is wrong."


def test_dotted() -> None:
    assert dotted(("focus", 0, "radius")) == "focus[0].radius"
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("[a]\n[b\n", 2), ('a = """\n\n', 2)]
)
def test_invalid_toml_is_located(text: str, line: int) -> None:
    with pytest.raises(InputError) as caught:
        TomlSource.parse(text, "a.toml")
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"a.toml:{problem.line}: ")
    assert problem.line in (line, line + 1)  # tomllib reports the end of the text one line further


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes("a = 'µ'".encode("latin-1"))
    for name, message in [
        ("none.toml", "there is no such file."),
        (".", "this is a folder, but a TOML file is needed."),
        ("latin.toml", "what follows 'a = '' on this line is not UTF-8 text; save the file as UTF-8."),
    ]:
        with pytest.raises(InputError) as caught:
            TomlSource.load(tmp_path / name)
        assert caught.value.problems[0].message == message
        assert caught.value.problems[0].file == tmp_path / name


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_files_of_other_editors_read_the_same(tmp_path, start, newline):
    """Windows line ends and a byte order mark are no faults, and lines are counted the same."""
    path = tmp_path / "a.toml"
    path.write_bytes(
        start + newline.join([b"# one", b"a = 1", b"[t]", b'b = """x', b'y"""', b"c = [", b"2,", b"3]"])
    )
    source = TomlSource.load(path)
    assert source.data == {"a": 1, "t": {"b": "x\ny", "c": [2, 3]}}
    assert [source.line(k) for k in (("a",), ("t",), ("t", "b"), ("t", "c", 1))] == [2, 3, 4, 8]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a = 1\nb = 2\na = 3", 3, "'a' stands in this table twice, first in line 1; keep one of them."),
        ("a = 1\n[t]\nb = 2\nb = 3", 4, "'b' stands in this table twice, first in line 3"),
        ("[t]\n[u]\n[t]", 3, "the table 't' stands in this file twice, first in line 1"),
        ("t = {}\n[t]", 2, "the table 't' stands in this file twice, first in line 1"),
        ("a = 7 day", 1, 'a text needs quotes, and so does a number with a unit: a = "7 day"'),
        ("a = 7 day # week", 1, 'a = "7 day"'),
        ("a = homeostasis", 1, 'a = "homeostasis"'),
        ('a = "7 day', 1, "a text in quotes begins on this line and does not end"),
        ("a = [1, 2", 1, "this is not valid TOML: Unclosed array in 'a = [1, 2'."),
        ("größe = 3", 1, "the name 'größe' holds 'ö'; names without quotes"),
        ("größe = 7 day", 1, "the name 'größe' holds 'ö'"),
        ("a", 1, "this is not valid TOML: Expected '=' after a key in a key/value pair in 'a'."),
    ],
)
def test_faults_of_toml_in_plain_words(text, line, said):
    with pytest.raises(InputError) as caught:
        TomlSource.parse(text, "a.toml")
    (problem,) = caught.value.problems
    assert problem.line == line
    assert said in problem.message
