# SPDX-License-Identifier: LGPL-3.0-or-later
"""The published models against their targets, and the targets against changed parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from osteofield.cli.new import shipped_cases
from osteofield.tomlsource import Key
from osteofield.verification import (
    Line,
    Verification,
    lines,
    prepare,
    published,
    read_verification,
    work_folder,
)

MODELS = (
    "komarova2003", "lemaire2004", "pivonka2008", "lio2012", "ayati2010", "graham2013", "jarrett2015",
    "baker2013", "baker2017",
)  # fmt: skip
# one that every model can be told by in its cheapest run
CHANGED = {
    "komarova2003": "b2", "lemaire2004": "K", "pivonka2008": "K_RR", "lio2012": "g21", "ayati2010": "r11",
    "graham2013": "beta_3", "jarrett2015": "K_B", "baker2013": "alpha_4", "baker2017": "P_pp",
}  # fmt: skip
ROUGH = 1e-6  # tolerance of runs that are to show a change of one percent


def verification(name: str) -> Verification:
    return read_verification(published()[name], shipped_cases())


def compared(file: Verification, *, light: bool, **change: float) -> Iterator[Line]:
    """Lines, with parameters multiplied; what is not asked for is not run."""
    with work_folder() as work:
        yield from lines(prepare(file, Path(work), change), Path(work), light=light, courses=False)


def notices(file: Verification, *, light: bool, but: Collection[Key] = (), **change: float) -> bool:
    """Whether a target fails that is none of `but`."""
    found = compared(file, light=light, **change)
    return any(not line.holds and line.target.key not in but for line in found)


def test_all_models_are_there() -> None:
    assert set(MODELS) <= set(published())


@pytest.mark.parametrize("name", sorted(published()))
def test_the_model_meets_its_targets(name: str) -> None:
    found = list(compared(verification(name), light=True))
    assert len(found) > 5
    assert [f"{x.target.run}: {x.what}: {x.got} not {x.wanted}" for x in found if not x.holds] == []


@pytest.mark.parametrize("name", sorted(published()))
def test_a_parameter_off_by_one_percent_is_noticed(name: str) -> None:
    parameter = CHANGED.get(name) or next(iter(_parameters(name)))
    assert notices(verification(name), light=True, **{parameter: 1.01})


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(published()))
def test_every_parameter_is_noticed(name: str) -> None:
    """Long time steps are tried first; a target that they come near to missing as it is does not count."""
    exact = verification(name)
    rough = replace(exact, tolerance=max(exact.tolerance, ROUGH))
    spoilt = {line.target.key for line in compared(rough, light=True) if line.share > 0.5}
    missed = []
    for parameter in _parameters(name):
        change = {parameter: 1.01}
        if not (
            notices(rough, light=True, but=spoilt, **change)
            or notices(exact, light=True, **change)
            or notices(exact, light=False, **change)
        ):
            missed.append(parameter)
    assert missed == []


def _parameters(name: str) -> list[str]:
    """Those that are not zero, and for which some run takes the number of the model file."""
    with work_folder() as work:
        prepared = prepare(verification(name), Path(work))
    model = next(iter(prepared.networks.values())).model
    given = [set(case.model.parameters) for case in prepared.cases.values()]
    return [
        p.name for p in model.parameters.values() if p.value.number and p.name not in set.intersection(*given)
    ]


@pytest.mark.parametrize("name", MODELS)
def test_no_parameter_is_given_by_every_run(name: str) -> None:
    with work_folder() as work:
        prepared = prepare(verification(name), Path(work))
    assert set.intersection(*(set(case.model.parameters) for case in prepared.cases.values())) == set()
