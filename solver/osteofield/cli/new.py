# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield new``: a commented case to start from."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

from ..errors import InputError, Problem, did_you_mean
from ..parallel import is_root
from .screen import say
from .status import DONE

HELP = "write a commented case to start from"
DESCRIPTION = """Copy one of the shipped cases to NAME.toml in the current folder, to be edited.
Without NAME: list them."""
EXAMPLES = """examples:
  osteofield new
  osteofield new osteomyelitis"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="one of the shipped cases")


def execute(args: argparse.Namespace) -> int:
    if not is_root():
        return DONE
    cases = shipped_cases()
    if args.name is None:
        width = max(map(len, cases), default=0)
        for each, case in cases.items():
            say(f"{each:{width}}  {_title(case)}")
        return DONE
    name = args.name.removesuffix(".toml")
    if name not in cases:
        raise InputError(Problem(f"there is no shipped case '{name}'{did_you_mean(name, cases)}"))
    target = Path(f"{name}.toml")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(cases[name].read_text(encoding="utf-8"))
    except FileExistsError:
        raise InputError(Problem("this file exists already and is left as it is.", target)) from None
    say(f"{target} written; next: osteofield check {target}")
    return DONE


def shipped_cases() -> dict[str, Path]:
    """Name to file: from the installed package, or from the source tree it is run from."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_cases", package.parents[1] / "cases"):
        if folder.is_dir():
            return {file.stem: file for file in sorted(folder.glob("*.toml"))}
    return {}


def _title(file: Path) -> str:
    return str(tomllib.loads(file.read_text(encoding="utf-8")).get("title", ""))
