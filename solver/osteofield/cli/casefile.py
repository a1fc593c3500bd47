# SPDX-License-Identifier: LGPL-3.0-or-later
"""The case that a verb is given: the arguments that name it, and reading it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from ..case import Case, Reading, check_names, read_case
from ..case.types import ModelSpec
from ..errors import InputError, Problem


def case_arguments(parser: argparse.ArgumentParser) -> None:
    """``CASE.toml [--set key=value]...``"""
    parser.add_argument("case", metavar="CASE.toml", help="the case file")
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="key=value",
        action="append",
        default=[],
        help='replace or add one value of the case, for example --set time.end="7 day" or '
        "--set focus.0.load='100 CFU/mm^3'; paths are relative to the current folder; may be repeated",
    )


def read(path: str, settings: Sequence[str]) -> Case:
    """Read a case and look at its model too, so that the problems of both come together.

    Raises:
        InputError: With every problem found.
    """
    reading = read_case(path, settings)
    problems = list(reading.problems)
    if reading.model is not None:
        problems += _against_model(reading, reading.model)
    if problems or reading.case is None:
        # those of a model file after those of the case, each in the order of its file
        raise InputError(
            sorted(problems, key=lambda p: (p.line is not None and str(p.file) != path, p.line or 0))
        )
    return reading.case


def _against_model(reading: Reading, model: ModelSpec) -> list[Problem]:
    """What is wrong with the model, with the changes of it, and with the names of the case."""
    from ..api import solutes
    from ..kinetics import load_network

    try:
        network = load_network(
            model.name,
            file=model.file,
            parameters=model.parameters,
            switches=model.switches,
            origin=reading.source,
            solutes=solutes(reading.draft),
        )
        return check_names(reading.draft, network)
    except InputError as e:
        problems = list(e.problems)
    if model.parameters or model.switches:  # the names can be checked without the changes
        with suppress(InputError):
            problems += check_names(
                reading.draft, load_network(model.name, file=model.file, solutes=solutes(reading.draft))
            )
    return problems


@contextmanager
def located_in(case: Case) -> Iterator[None]:
    """Let problems of a sample, which know only a key or a file, point to the line of the case."""
    image, mesh = case.sample.image, case.sample.mesh
    keys: dict[str, tuple[str, ...]] = {
        str(path): ("sample", name)
        for path, name in ((image and image.path, "image"), (mesh, "mesh"))
        if path
    }
    try:
        yield
    except InputError as e:
        problems = []
        for p in e.problems:
            key = keys.get(str(p.file)) if p.line is None else None
            if p.file is None and p.key:
                key = tuple(p.key.split("."))
            problems.append(p if key is None else case.problem(key, p.message))
        raise InputError(problems) from e
