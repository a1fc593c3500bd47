# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield mesh``: a sample from an image or a recipe, and what it is like."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ..case import load_sample_spec
from ..errors import InputError, Problem
from ..parallel import is_root
from .screen import say
from .status import DONE

HELP = "make a mesh from an image or recipe; describe one"
DESCRIPTION = """Cut a conforming bone-marrow mesh from a micro-CT image, or from a recipe: a
TOML file with a [sample] table as in a case. The mesh can be named in a case by [sample] mesh =
"FILE". 'osteofield mesh info FILE' prints morphometry (BV/TV, BS/BV, Tb.Th, Tb.Sp, Conn.D) and
mesh quality."""
EXAMPLES = """examples:
  osteofield mesh scan.nrrd -o sample.xdmf --threshold 63 --cell-size 58.5um
  osteofield mesh scan.nrrd -o slice.xdmf --threshold 63 --cell-size 39um --slice "z=1.2 mm"
  osteofield mesh foam.toml -o foam.xdmf
  osteofield mesh info sample.xdmf"""

_OPTIONS = ("threshold", "cell_size", "smoothing", "voxel", "slice")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "osteofield mesh SOURCE -o FILE [options]\n       osteofield mesh info FILE"
    parser.add_argument("source", metavar="SOURCE", help="an image, or a recipe (.toml); or the word info")
    parser.add_argument("file", metavar="FILE", nargs="?", help="after 'info': the mesh to describe")
    parser.add_argument("-o", dest="output", metavar="FILE", type=Path, help="the mesh to write (.xdmf)")
    parser.add_argument(
        "--threshold",
        metavar="GREY",
        help="grey value above which a voxel is bone; default otsu: from the histogram",
    )
    parser.add_argument(
        "--cell-size",
        metavar="LENGTH",
        help="edge of the background grid, for example 58.5um; default two voxels",
    )
    parser.add_argument("--smoothing", metavar="VOXELS", help="Gaussian filter, standard deviation in voxels")
    parser.add_argument("--voxel", metavar="LENGTH", help="voxel size where the format has none (TIFF)")
    parser.add_argument(
        "--slice", metavar="AXIS[=POSITION]", help="2-D slice, for example z (the middle) or 'z=1.2 mm'"
    )


def execute(args: argparse.Namespace) -> int:
    if args.source == "info":
        return _info(args)
    problems = []
    if args.file is not None:
        problems.append(
            Problem(f"'{args.file}' is one file too many; the mesh to write is named by -o FILE.")
        )
    if args.output is None:
        problems.append(Problem("-o FILE is needed: the mesh to write, for example -o sample.xdmf."))
    elif args.output.suffix != ".xdmf":
        problems.append(
            Problem("a mesh is written as XDMF: the name must end in .xdmf.", f"-o {args.output}")
        )
    elif not args.output.absolute().parent.is_dir():
        problems.append(Problem("there is no such folder to write to.", f"-o {args.output}"))
    elif not os.access(args.output.absolute().parent, os.W_OK):
        problems.append(Problem("you may not write to this folder.", f"-o {args.output}"))
    source = Path(args.source)
    spec = None
    try:
        image = source.suffix != ".toml"
        settings = _settings(args) + (_defaults(args, source) if image else [])
        spec = load_sample_spec(source, image=image, settings=settings)
        if spec.kind == "well mixed" or (spec.kind == "mesh" and spec.tags is None):
            problems.append(Problem(f"a sample of kind '{spec.kind}' needs no meshing.", source))
    except InputError as e:
        problems += e.problems
    if problems or spec is None:
        raise InputError(problems)
    if not is_root():  # serial work
        return DONE
    from ..geometry import build_sample, mesh_info, save_sample

    sample = build_sample(spec, log=say, thickness=True)
    save_sample(sample, args.output)
    say(mesh_info(sample)[0])
    say(f"written: {args.output}")
    return DONE


def _info(args: argparse.Namespace) -> int:
    given = ["-o"] if args.output is not None else []
    given += [f"--{o.replace('_', '-')}" for o in _OPTIONS if getattr(args, o) is not None]
    if given:
        raise InputError(Problem(f"'mesh info FILE' takes no further options, but {given[0]} is given."))
    if args.file is None:
        raise InputError(Problem("name the mesh to describe: osteofield mesh info FILE."))
    if not Path(args.file).is_file():
        raise InputError(Problem("there is no such file.", args.file))
    if Path(args.file).suffix == ".toml":
        message = "this is a recipe or a case; 'osteofield mesh FILE.toml -o sample.xdmf' makes a mesh of it."
        raise InputError(Problem(message, args.file))
    if not is_root():
        return DONE
    from ..geometry import mesh_info

    say(mesh_info(Path(args.file))[0])
    return DONE


def _settings(args: argparse.Namespace) -> list[tuple[str, Any, str]]:
    """Options as values of the ``[sample]`` table; as text where they are no number."""
    out: list[tuple[str, Any, str]] = []
    for name in ("threshold", "smoothing"):
        text = getattr(args, name)
        if text is not None:
            out.append((name, _number(text), f"--{name} {text}"))
    for name in ("cell_size", "voxel"):
        text = getattr(args, name)
        if text is not None:
            out.append((name, text, f"--{name.replace('_', '-')} {text}"))
    if args.slice is not None:
        axis, equals, at = args.slice.partition("=")
        plane = {"axis": axis.strip()} | ({"at": at.strip()} if equals else {})
        out.append(("slice", plane, f"--slice {args.slice}"))
    return out


def _defaults(args: argparse.Namespace, source: Path) -> list[tuple[str, Any, str]]:
    """For an image: the threshold of its histogram and cells of two voxels, where none are given."""
    out: list[tuple[str, Any, str]] = []
    if args.threshold is None:
        out.append(("threshold", "otsu", "--threshold otsu"))
    if args.cell_size is None:
        from ..geometry import read_image
        from ..units import UnitError, quantity

        try:
            voxel = None if args.voxel is None else quantity(args.voxel, "um")
            spacing = read_image(source, voxel).spacing
        except (InputError, UnitError):
            return [*out, ("cell_size", "1 um", "--cell-size")]  # the image itself is the problem
        text = f"{2 * max(spacing):g} um"
        out.append(("cell_size", text, f"--cell-size {text}"))
    return out


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
