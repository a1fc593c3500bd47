# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield verify``: published models against published numbers, on this machine."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, Problem
from ..parallel import is_root, world
from .new import shipped_cases
from .screen import say, warn
from .status import DONE, STOPPED

if TYPE_CHECKING:
    from ..verification import Line, Prepared, Verification

HELP = "hold the published models of the library against published numbers"
DESCRIPTION = """Run published models and compare them with numbers that were printed or computed
independently: values, extremes, steady states, eigenvalues, periods. Each line says what was
found, how far it is off and how far it may be: one unit in the last digit of the target, unless
the verification says otherwise. Without NAME: all of them. A NAME may be shortened, or be a
verification file (.toml) of your own. With -o also a page and a figure of each are written."""
EXAMPLES = """examples:
  osteofield verify komarova2003
  osteofield verify --light
  osteofield verify -o verification

exit status: 0 every line holds, 2 the input is wrong, 3 some line fails"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="NAME", nargs="*", help="which ones; default all")
    parser.add_argument("--light", action="store_true", help="leave out the runs that take long")
    parser.add_argument(
        "-o", dest="output", metavar="DIR", type=Path, help="write a page and a figure of each to this folder"
    )


def execute(args: argparse.Namespace) -> int:
    from ..verification import by_run, lines, make_folder, work_folder, write_index, write_page

    files = _read(args.names)
    comm = world()
    holder = work_folder() if comm.rank == 0 else None
    root = Path(comm.bcast(None if holder is None else holder.name, 0))
    writes = args.output is not None and is_root()
    done: list[tuple[Prepared, list[Line]]] = []
    begun = time.perf_counter()
    try:
        checked = _prepared(files, root)
        if writes:
            make_folder(args.output)
        for prepared in checked:
            file, many = prepared.file, len(prepared.runs(args.light))
            say(f"{file.name}: {file.title} ({many} run{'s' * (many != 1)})")
            started = time.perf_counter()
            made = lines(prepared, root / file.name, light=args.light, courses=args.output is not None)
            found = by_run(prepared, list(made))
            for text in _table(prepared, found):
                say(text)
            say(f"  {_summary(found)}; {time.perf_counter() - started:.1f} s\n")
            if writes:
                write_page(args.output, prepared, found)
            prepared.courses.clear()
            done.append((prepared, found))
        if writes:
            say(f"Pages and figures: {write_index(args.output, done)}")
    finally:
        if holder is not None:
            holder.cleanup()
    return _verdict(done, time.perf_counter() - begun)


def _read(names: Sequence[str]) -> list[Verification]:
    """The verifications asked for; the problems of all of them together."""
    from ..verification import find, published, read_verification

    problems: list[Problem] = []
    paths: list[Path] = []
    for name in dict.fromkeys(names or published()):
        try:
            paths.append(find(name))
        except InputError as e:
            problems += e.problems
    files = []
    for path in dict.fromkeys(paths):
        try:
            files.append(read_verification(path, shipped_cases()))
        except InputError as e:
            problems += e.problems
    if problems:
        raise InputError(problems)
    return files


def _prepared(files: Sequence[Verification], root: Path) -> list[Prepared]:
    """Cases and models of all, with the problems of all together."""
    from ..verification import prepare

    problems: list[Problem] = []
    out = []
    for file in files:
        try:
            out.append(prepare(file, root))
        except InputError as e:
            problems += e.problems
    if problems:
        raise InputError(problems)
    return out


def _table(prepared: Prepared, found: Sequence[Line]) -> list[str]:
    """Lines in columns, with a heading for every run."""
    from ..verification import shown

    head = ("", "target", "got", "error", "allowed", "")
    rows = [
        (line.what, line.wanted, line.got, shown(line.error), shown(line.allowed), line.verdict)
        for line in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    out: list[str] = []
    group = ""
    for line, row in zip(found, rows, strict=True):
        heading = prepared.heading(line)
        if heading != group:
            group = heading
            out.append(f"  {heading}")
        out.append(_columns(row, widths))
    return [_columns(head, widths), *out] if out else out


def _columns(row: Sequence[str], widths: Sequence[int]) -> str:
    numbers = "  ".join(f"{c:>{w}}" for c, w in zip(row[1:5], widths[1:5], strict=True))
    return f"    {row[0]:{widths[0]}}  {numbers}  {row[5]}".rstrip()


def _summary(found: Sequence[Line]) -> str:
    wrong = sum(not line.holds for line in found)
    many = f"{len(found)} line{'s' * (len(found) != 1)}"
    return f"{wrong} of {many} FAIL" if wrong else f"{many}, all hold"


def _verdict(done: Sequence[tuple[Prepared, Sequence[Line]]], seconds: float) -> int:
    """Say what failed, or that nothing did; the exit status."""
    wrong = [(p, line) for p, found in done for line in found if not line.holds]
    many = sum(len(found) for _, found in done)
    if not wrong:
        say(f"{len(done)} verified, {many} lines, all hold ({seconds:.0f} s)")
        return DONE
    for prepared, line in wrong:
        say(f"FAILS  {prepared.where(line)}: {line.what}: {line.got} instead of {line.wanted}")
    warn(f"{len(wrong)} of {many} lines fail ({seconds:.0f} s).")
    return STOPPED
