# SPDX-License-Identifier: LGPL-3.0-or-later
"""The case that a verb is given: the arguments that name it, and reading it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
    """Read a case and look at its model too, so that the problems of both come together.

    Raises:
        InputError: With every problem found.
    """
    reading = read_case(path, settings)
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
    if problems or reading.case is None:
        # those of a model file after those of the case, each in the order of its file
        raise InputError(
            sorted(problems, key=lambda p: (p.line is not None and str(p.file) != path, p.line or 0))
        )
    return reading.case


@contextmanager
def located_in(case: Case) -> Iterator[None]:
    """Give problems that name only a key of the case its file and line."""
    try:
        yield
    except InputError as e:
        raise InputError(
            case.problem(tuple(p.key.split(".")), p.message) if p.file is None and p.key else p
            for p in e.problems
        ) from e
