# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield export``: a results folder as files for other programs."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from ..errors import InputError, Problem
from ..parallel import is_root
from ..units import UnitError, quantity
from .screen import say
from .status import DONE

HELP = "virtual micro-CT scan and other files from results"
DESCRIPTION = """Write the bone of a results folder at one time as a virtual micro-CT scan, in the
frame of the image it came from, so that it can be laid over a follow-up scan. Several files can
be asked for at once."""
EXAMPLES = """examples:
  osteofield export results/osteomyelitis --ct day28.nrrd
  osteofield export results/osteomyelitis --ct day14.nii.gz --time "14 day" --voxel 40um --blur 30um --noise 8
  osteofield export results/osteomyelitis --ct slices"""

SCAN = ("voxel", "blur", "noise", "seed", "bone_grey", "marrow_grey")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", type=Path, help="a results folder")
    parser.add_argument(
        "--time", metavar="TIME", help="the output time nearest to this is taken; default the last"
    )
    parser.add_argument(
        "--ct",
        metavar="FILE",
        type=Path,
        help="virtual scan: .nrrd, .mha, .mhd, .nii, .nii.gz, .tif; a name without ending: folder of slices",
    )
    scan = parser.add_argument_group("options of --ct")
    scan.add_argument("--voxel", metavar="LENGTH", help="voxel size; default that of the source image")
    scan.add_argument(
        "--blur", metavar="LENGTH", help="standard deviation of the point spread of the scanner; default none"
    )
    scan.add_argument("--noise", metavar="GREY", help="standard deviation of the noise; default none")
    scan.add_argument("--seed", metavar="NUMBER", help="seed of the noise; default 0")
    scan.add_argument("--bone-grey", metavar="GREY", help="grey value of bone")
    scan.add_argument(
        "--marrow-grey",
        metavar="GREY",
        help="grey value of marrow; by default both follow from the source image and its threshold",
    )


def execute(args: argparse.Namespace) -> int:
    problems: list[Problem] = []
    if not args.directory.is_dir():
        problems.append(Problem("there is no such results folder.", args.directory))
    if args.ct is None:
        problems.append(Problem("say what to export, for example --ct scan.nrrd."))
        problems += [
            Problem(f"this is an option of --ct, which is not given: {_flag(o)}.")
            for o in SCAN
            if getattr(args, o) is not None
        ]
    read = _Reader(args, problems)
    time = read.length("time", "day", sign=True)
    voxel, blur = read.length("voxel", "um"), read.length("blur", "um", zero=True)
    noise, seed = read.number("noise", least=0.0), read.number("seed", least=0.0, whole=True)
    greys = read.number("bone_grey"), read.number("marrow_grey")
    _check_target(args.ct, "--ct", problems)
    if problems:
        raise InputError(problems)
    if not is_root():  # serial work
        return DONE
    from ..export import bone_at, scan, write_scan
    from ..results import open_results

    bone = bone_at(open_results(args.directory), time)
    say(f"bone at day {bone.time:g}")
    made = scan(
        bone, voxel, blur=blur or 0.0, noise=noise or 0.0, seed=int(seed or 0),
        bone_grey=greys[0], marrow_grey=greys[1],
    )  # fmt: skip
    notes = write_scan(made, args.ct)
    shape = " x ".join(map(str, made.share.shape))
    size = " x ".join(f"{s:g}" for s in made.spacing)
    say(
        f"written: {args.ct}: {shape} voxels of {size} um, BV/TV {made.bv_tv:.4f}; bone {made.bone:g}, "
        f"marrow {made.marrow:g}: grey values above {made.threshold:g} are bone"
    )
    for note in notes:
        say(f"note: {note}")
    return DONE


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check_target(path: Path | None, flag: str, problems: list[Problem]) -> None:
    from ..export.scan import FORMATS

    if path is None:
        return
    where = f"{flag} {path}"
    if not path.absolute().parent.is_dir():
        problems.append(Problem("there is no such folder to write to.", where))
    elif not path.suffix:
        if path.is_dir() and any(path.iterdir()):
            problems.append(Problem("this folder is not empty; slices need a new or empty one.", where))
        elif path.exists() and not path.is_dir():
            problems.append(Problem("this is a file, but a name without ending means a folder.", where))
    elif not path.name.lower().endswith(FORMATS):
        problems.append(
            Problem(
                f"an image is written as {', '.join(FORMATS)}, or without an ending as a folder of slices.",
                where,
            )
        )
    elif path.is_dir():
        problems.append(Problem("this is a folder.", where))


class _Reader:
    """Reads options that are texts into numbers and notes what is wrong."""

    def __init__(self, args: argparse.Namespace, problems: list[Problem]):
        self._args, self._problems = args, problems

    def length(self, name: str, like: str, *, zero: bool = False, sign: bool = False) -> float | None:
        text = getattr(self._args, name)
        if text is None:
            return None
        try:
            value = quantity(text, like)
        except UnitError as e:
            self._problems.append(Problem(f"{e}.", f"{_flag(name)} {text}"))
            return None
        if value < 0 or (value == 0 and not (zero or sign)):
            self._problems.append(
                Problem(f"it must be {'0 or ' * (zero or sign)}positive.", f"{_flag(name)} {text}")
            )
            return None
        return value

    def number(self, name: str, *, least: float | None = None, whole: bool = False) -> float | None:
        text = getattr(self._args, name)
        if text is None:
            return None
        what = "a whole number" if whole else "a number"
        try:
            value = int(text) if whole else float(text)
            if not math.isfinite(value):
                raise ValueError
        except ValueError:
            self._problems.append(Problem(f"{what} is needed.", f"{_flag(name)} {text}"))
            return None
        if least is not None and value < least:
            message = f"{what} of at least {least:g} is needed."
            self._problems.append(Problem(message, f"{_flag(name)} {text}"))
            return None
        return value
