# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield export``: a results folder as files for other programs."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, Problem
from ..parallel import is_root
from ..units import UnitError, quantity
from .screen import say
from .status import DONE

if TYPE_CHECKING:
    from ..export import Lesion

HELP = "virtual micro-CT scan and other files from results"
DESCRIPTION = """Write the bone of a results folder at one time: as a virtual micro-CT scan in the
frame of the image it came from, as a surface, as a table of surface points with their eroded depth,
or as a table of lesions. Several files can be asked for at once."""
EXAMPLES = """examples:
  osteofield export results/osteomyelitis --ct day28.nrrd
  osteofield export results/osteomyelitis --ct day14.nii.gz --time "14 day" --voxel 40um --blur 30um --noise 8
  osteofield export results/osteomyelitis --ct slices
  osteofield export results/osteomyelitis --surface bone.ply --points depth.csv --lesion lesion.csv"""

# what can be written, and the endings of its names
OUTPUTS = {
    "ct": (".nrrd", ".mha", ".mhd", ".nii", ".nii.gz", ".tif", ".tiff"), "surface": (".stl", ".ply"),
    "implant": (".stl", ".ply"), "points": (".csv",), "lesion": (".csv",),
}  # fmt: skip
SCAN = ("voxel", "blur", "noise", "seed", "bone_grey", "marrow_grey", "implant_grey")


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
    parser.add_argument(
        "--surface", metavar="FILE", type=Path, help="bone surface: .stl, or .ply with depth at every point"
    )
    parser.add_argument(
        "--implant", metavar="FILE", type=Path, help="closed surface of an implant: .stl, .ply"
    )
    parser.add_argument(
        "--points",
        metavar="FILE",
        type=Path,
        help="table of surface points with eroded depth and area (.csv)",
    )
    parser.add_argument(
        "--lesion",
        metavar="FILE",
        type=Path,
        help="table of lesions: volume, eroded surface, depth, equivalent radius, perforations (.csv)",
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
    scan.add_argument("--implant-grey", metavar="GREY", help="grey value of an implant; default titanium's")


def execute(args: argparse.Namespace) -> int:
    from ..results import require_record

    problems: list[Problem] = []
    try:
        require_record(args.directory)
    except InputError as e:
        problems += e.problems
    wanted = {name: getattr(args, name) for name in OUTPUTS if getattr(args, name) is not None}
    if not wanted:
        problems.append(Problem("say what to export, for example --ct scan.nrrd or --lesion lesion.csv."))
    if args.ct is None:
        problems += [
            Problem(f"this is an option of --ct, which is not given: {_flag(o)}.")
            for o in SCAN
            if getattr(args, o) is not None
        ]
    problems += [p for name, path in wanted.items() for p in _target_problems(name, path)]
    read = _Reader(args, problems)
    time = read.length("time", "day", sign=True)
    voxel, blur = read.length("voxel", "um"), read.length("blur", "um", zero=True)
    noise, seed = read.number("noise", least=0.0), read.number("seed", least=0.0, whole=True)
    greys = read.number("bone_grey"), read.number("marrow_grey"), read.number("implant_grey")
    if problems:
        raise InputError(problems)
    if not is_root():  # serial work
        return DONE
    from .. import export
    from ..results import open_results

    bone = export.bone_at(open_results(args.directory), time)
    say(f"bone at day {bone.time:g}")
    if args.ct is not None:
        made = export.scan(
            bone, voxel, blur=blur or 0.0, noise=noise or 0.0, seed=int(seed or 0),
            bone_grey=greys[0], marrow_grey=greys[1], implant_grey=greys[2],
        )  # fmt: skip
        notes = export.write_scan(made, args.ct)
        shape = " x ".join(map(str, made.share.shape))
        size = " x ".join(f"{s:g}" for s in made.spacing)
        say(
            f"written: {args.ct}: {shape} voxels of {size} um, BV/TV {made.bv_tv:.4f}; bone {made.bone:g}, "
            f"marrow {made.marrow:g}: grey values above {made.threshold:g} are bone"
        )
        if made.implant is not None:
            whose = "given" if greys[2] is not None else "titanium's beside bone's at 50 keV, assumed"
            say(f"implant {made.implant_grey:.4g} ({whose}); it is no part of BV/TV")
        for note in notes:
            say(f"note: {note}")
    if args.surface is not None:
        skin = export.skin_of(bone)
        export.write_skin(skin, args.surface)
        say(f"written: {args.surface}: {len(skin.triangles)} triangles in um")
        if bone.implant and args.implant is None:
            say("note: bone is open where it touches the implant, whose own surface --implant writes")
    if args.implant is not None:
        skin = export.implant_skin(bone)
        export.write_skin(skin, args.implant)
        say(f"written: {args.implant}: {len(skin.triangles)} triangles in um")
    if args.points is not None:
        say(f"written: {args.points}: {export.write_points(bone, args.points)} points")
    if args.lesion is not None:
        found, total = export.lesions_of(bone)
        export.write_lesions(found, total, args.lesion)
        say(f"written: {args.lesion}: {_about(found, total)}")
    return DONE


def _about(found: list[Lesion], total: Lesion) -> str:
    number = f"{len(found)} lesion{'s' * (len(found) != 1)}"
    if not found:
        return f"{number}: no surface is eroded deeper than the threshold of the case"
    known = total.perforations is not None
    holes = f", {total.perforations} perforation{'s' * (total.perforations != 1)}" if known else ""
    return (
        f"{number}{holes}; ES/BS {total.share:.3g}, eroded {total.depth:.3g} um on average and "
        f"{total.deepest:.3g} um at most"
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _target_problems(name: str, path: Path) -> list[Problem]:
    where, endings = f"{_flag(name)} {path}", OUTPUTS[name]
    if not path.absolute().parent.is_dir():
        return [Problem("there is no such folder to write to.", where)]
    if name == "ct" and not path.suffix:
        if path.is_dir() and any(path.iterdir()):
            return [Problem("this folder is not empty; slices need a new or empty one.", where)]
        if path.exists() and not path.is_dir():
            return [Problem("this is a file, but a name without ending means a folder.", where)]
        return []
    if not path.name.lower().endswith(endings):
        folder = ", or without an ending as a folder of slices" if name == "ct" else ""
        return [Problem(f"the name must end in {' or '.join(endings)}{folder}.", where)]
    return [Problem("this is a folder.", where)] if path.is_dir() else []


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
