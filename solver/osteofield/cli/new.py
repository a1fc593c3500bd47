# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield new``: a commented case to start from."""

from __future__ import annotations

import argparse
import shlex
import tomllib
from pathlib import Path

from ..errors import InputError, Problem, did_you_mean
from ..parallel import is_root
from .screen import hint, say
from .status import DONE

HELP = "write a commented case to start from"
DESCRIPTION = """Copy one of the shipped cases to NAME.toml in the current folder, or to the file named with
-o, to be edited. Without NAME: list them. Nothing is ever overwritten. With --schema the JSON schema of
case files is written beside it and named in its first line, so that editors that know TOML schemas
(VS Code with Even Better TOML or Tombi, and others) complete keys, explain them and mark mistakes."""
EXAMPLES = """examples:
  osteofield new
  osteofield new osteomyelitis
  osteofield new osteomyelitis_microct -o my_sample.toml --schema"""
SCHEMA = "case.schema.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="one of the shipped cases")
    parser.add_argument("-o", dest="output", metavar="FILE", type=Path, help="default NAME.toml")
    parser.add_argument("--schema", action="store_true", help=f"also write {SCHEMA}, for editors")


def execute(args: argparse.Namespace) -> int:
    if not is_root():
        return DONE
    cases = shipped_cases()
    if args.name is None:
        width = max(map(len, cases), default=0)
        for each, case in cases.items():
            say(f"{each:{width}}  {_about(case)}")
        if args.schema:
            say(f"{_write_schema(Path())} written; name it in the first line of a case: #:schema ./{SCHEMA}")
        else:
            hint("osteofield new NAME copies one of them here; osteofield models lists the models they use.")
        return DONE
    name = args.name.removesuffix(".toml")
    if name not in cases:
        raise InputError(Problem(f"there is no shipped case '{name}'{did_you_mean(name, cases)}"))
    target = args.output or Path(f"{name}.toml")
    text = cases[name].read_text(encoding="utf-8")
    if args.schema:
        text = f"#:schema ./{SCHEMA}\n{text}"
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
        if args.schema:
            _write_schema(target.parent)
    except FileExistsError:
        message = "this file exists already and is left as it is; -o names another."
        raise InputError(Problem(message, target)) from None
    except OSError as e:
        raise InputError(Problem(f"this cannot be written: {e.strerror}.", e.filename or target)) from None
    say(f"{target} written; next: osteofield check {shlex.quote(str(target))}")
    return DONE


def _write_schema(folder: Path) -> Path:
    """Put the schema into a folder; it belongs to this version and replaces that of another."""
    package = Path(__file__).resolve().parents[1]
    for source in (package / "_cases" / SCHEMA, package.parents[1] / "docs" / SCHEMA):
        if source.is_file():
            target = folder / SCHEMA
            target.write_bytes(source.read_bytes())
            return target
    raise InputError(Problem("this installation has no schema of case files; install osteofield anew."))


def shipped_cases() -> dict[str, Path]:
    """Name to file: from the installed package, or from the source tree it is run from."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_cases", package.parents[1] / "cases"):
        if folder.is_dir():
            return {file.stem: file for file in sorted(folder.glob("*.toml"))}
    return {}


def _about(file: Path) -> str:
    """Where a case plays (a point, a section, a volume), and its title."""
    case = tomllib.loads(file.read_text(encoding="utf-8"))
    sample = case.get("sample", {})
    size = sample.get("shape", {}).get("size", ())
    place = "point" if sample.get("well_mixed") else "2-D" if "slice" in sample or len(size) == 2 else "3-D"
    return f"{place:<5}  {case.get('title', '')}"
