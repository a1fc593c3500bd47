# SPDX-License-Identifier: LGPL-3.0-or-later
"""The case that a verb is given: the arguments that name it, and reading it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..case import Case, read_case
from ..errors import InputError


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
    """Read a case; where it is wrong, look at its model too, so that all problems come together.

    Raises:
        InputError: With every problem found.
    """
    reading = read_case(path, settings)
    if reading.case is not None:
        return reading.case
    problems = list(reading.problems)
    model = reading.model
    if model is not None:
        from ..kinetics import load_network

        try:
            load_network(
                model.name,
                file=model.file,
                parameters=model.parameters,
                switches=model.switches,
                origin=reading.source,
            )
        except InputError as e:
            problems += e.problems
    raise InputError(problems)
