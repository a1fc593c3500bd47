# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield models``: the model library."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..parallel import is_root
from .screen import say
from .status import DONE

HELP = "list the model library, or explain one model"
DESCRIPTION = """Without NAME: the models that a case can name. With NAME: equations, parameters,
units and sources of one model; NAME can also be a model file of your own (.toml), which is
checked on the way."""
EXAMPLES = """examples:
  osteofield models
  osteofield models osteoimmune
  osteofield models my_model.toml"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="a model of the library, or a model file")


def execute(args: argparse.Namespace) -> int:
    if not is_root():
        return DONE
    from ..kinetics import describe, library, load_network

    if args.name is None:
        entries = library()
        width = max(len(name) for name, _ in entries)
        for name, title in entries:
            say(f"{name:{width}}  {title}")
        return DONE
    file = Path(args.name) if args.name.endswith(".toml") else None
    say(describe(load_network(file.stem if file else args.name, file=file)))
    return DONE
