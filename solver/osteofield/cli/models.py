# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield models``: the model library, and models of other tools."""

from __future__ import annotations

import argparse
import os
import textwrap
from dataclasses import replace
from pathlib import Path

from ..errors import InputError, Problem
from ..parallel import is_root
from .screen import say
from .status import DONE

HELP = "list the model library and the drugs, explain one, or import SBML"
DESCRIPTION = """Without NAME: the models that a case can name, and the drugs. With NAME: equations,
parameters, units and sources of one model, or the numbers of a drug; NAME can also be a model file
of your own (.toml), which is checked on the way. 'osteofield models import FILE.xml -o OUT.toml'
makes a model file of an SBML file (Level 2 and 3) and checks that both have the same rates."""
EXAMPLES = """examples:
  osteofield models
  osteofield models osteoimmune
  osteofield models osteoimmune --graph osteoimmune.svg
  osteofield models vancomycin
  osteofield models my_model.toml
  osteofield models import remodelling.xml -o remodelling.toml"""

GRAPHS = (".png", ".svg", ".pdf")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = (
        "osteofield models [NAME] [--graph FILE]\n"
        "       osteofield models import FILE.xml -o OUT.toml [--overwrite]"
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a model of the library, or a model file; or the word import"
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="after 'import': the SBML file")
    parser.add_argument(
        "--graph", metavar="FILE", type=Path, help="draw who acts on whom in a model (.png, .svg or .pdf)"
    )
    parser.add_argument("-o", dest="output", metavar="OUT", type=Path, help="the model file to write (.toml)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")


def execute(args: argparse.Namespace) -> int:
    if not is_root():
        return DONE
    if args.name == "import":
        return _import(args)
    problems = []
    if args.graph is not None and args.name is None:
        problems.append(Problem("--graph needs the name of a model, for example osteoimmune."))
    if args.file is not None:
        problems.append(Problem(f"'{args.file}' is one name too many; models are explained one at a time."))
    for option, given in (("-o", args.output), ("--overwrite", args.overwrite)):
        if given:
            problems.append(Problem(f"{option} goes with 'osteofield models import FILE.xml' only."))
    if problems:
        raise InputError(problems)
    try:
        if args.name is None:
            _list()
        elif args.graph is not None:
            say(str(_draw(args.name, args.graph)))
        else:
            _explain(args.name)
    except InputError as e:  # the name was no key of a case
        raise InputError(replace(p, key=None) if p.key == "model.name" else p for p in e.problems) from None
    return DONE


def _draw(name: str, out: Path) -> Path:
    from ..case.drug import drug_file
    from ..kinetics import load_network
    from ..kinetics.interactions import HARMS, interactions

    problems = []
    if out.suffix not in GRAPHS:
        problems.append(Problem(f"a graph is written as {', '.join(GRAPHS)}.", f"--graph {out}"))
    elif not out.absolute().parent.is_dir():
        problems.append(Problem("there is no such folder to write to.", f"--graph {out}"))
    if drug_file(name) is not None:
        problems.append(Problem(f"'{name}' is a drug; only models have a graph.", f"--graph {out}"))
    if problems:
        raise InputError(problems)
    os.environ.setdefault("MPLBACKEND", "Agg")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        what = f"drawing needs matplotlib; 'osteofield models {name}' prints the same as text."
        raise InputError(Problem(what, f"--graph {out}")) from None
    from ..view.network import Arrow, draw_network

    file = Path(name) if name.endswith(".toml") else None
    network = load_network(file.stem if file else name, file=file)
    local = network.marrow[network.n_diffusing :]
    columns = {
        "from outside": [i.name for i in network.inputs],
        "in marrow": [p.name for p in local],
        "diffusing in marrow": [p.name for p in network.marrow[: network.n_diffusing]],
        "on the bone surface": [p.name for p in network.surface],
    }
    made = {"makes": "makes", "becomes": "makes", "changes": "changes"}
    arrows = [
        Arrow(i.source, i.target, made.get(i.kind, "harms" if i.kind in HARMS else "helps"))
        for i in interactions(network)
        if not i.in_passing
    ]
    return draw_network(network.title, columns, arrows, out)


def _list() -> None:
    from ..case.drug import drugs
    from ..kinetics import library

    tables = (("models", library()), ("drugs (the name of a [[therapy]])", drugs()))
    width = max(len(name) for _, entries in tables for name, _ in entries)
    for k, (what, entries) in enumerate(tables):
        say(f"{'' if k == 0 else chr(10)}{what}")
        for name, title in entries:
            say(f"  {name:{width}}  {title}")


def _explain(name: str) -> None:
    from ..case.drug import describe_drug, drug_file, read_drug
    from ..kinetics import describe, load_network

    file = Path(name) if name.endswith(".toml") else None
    drug = drug_file(name)
    if drug is not None:
        say(describe_drug(read_drug(drug)))
    else:
        say(describe(load_network(file.stem if file else name, file=file)))


def _import(args: argparse.Namespace) -> int:
    problems = []
    if args.file is None:
        problems.append(Problem("an SBML file is needed: osteofield models import FILE.xml -o OUT.toml."))
    problems += _unwritable(args.output, args.overwrite)
    if problems:
        raise InputError(problems)
    from ..kinetics import load_network
    from ..sbml import import_sbml

    made = import_sbml(Path(args.file))
    out: Path = args.output
    out.write_text(made.toml, encoding="utf-8")
    network = load_network(out.stem, file=out)
    counts = (
        (len(network.populations), "population"), (made.rates, "rate"), (made.events, "event"),
        (made.parameters, "parameter"),
    )  # fmt: skip
    said = ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in counts)
    say(f"{out} written from {args.file} ({made.edition}): {said}")
    for note in made.notes:
        for line in textwrap.wrap(f"- {note}.", 100, subsequent_indent="  ", break_on_hyphens=False):
            say(line)
    say(f'next: osteofield models {out}; a case uses it with [model] name = "{out}"')
    return DONE


def _unwritable(out: Path | None, overwrite: bool) -> list[Problem]:
    if out is None:
        return [Problem("-o OUT.toml is needed: the model file to write, for example -o my_model.toml.")]
    if out.suffix != ".toml":
        return [Problem("a model file is TOML: the name must end in .toml.", f"-o {out}")]
    if not out.absolute().parent.is_dir():
        return [Problem("there is no such folder to write to.", f"-o {out}")]
    if out.is_dir():
        return [Problem("this is a folder; name a file.", f"-o {out}")]
    if out.exists() and not overwrite:
        return [Problem("this file exists already and is left as it is; --overwrite replaces it.", out)]
    return []
