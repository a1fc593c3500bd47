# SPDX-License-Identifier: LGPL-3.0-or-later
"""The published models against their targets, and the targets against changed parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.cli.new import shipped_cases
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


def verification(name: str) -> Verification:
    return read_verification(published()[name], shipped_cases())


def first_failing(name: str, *, light: bool, **change: float) -> Line | None:
    """The first line that fails when parameters are multiplied; later runs are not made."""
    with work_folder() as work:
        prepared = prepare(verification(name), Path(work), change)
        made = lines(prepared, Path(work), light=light, courses=False)
        return next((line for line in made if not line.holds), None)


def test_all_models_are_there() -> None:
    assert set(MODELS) <= set(published())


@pytest.mark.parametrize("name", sorted(published()))
def test_the_model_meets_its_targets(name: str) -> None:
    with work_folder() as work:
        found = list(lines(prepare(verification(name), Path(work)), Path(work), light=True, courses=False))
    assert len(found) > 5
    assert [f"{x.target.run}: {x.what}: {x.got} not {x.wanted}" for x in found if not x.holds] == []


@pytest.mark.parametrize("name", sorted(published()))
def test_a_parameter_off_by_one_percent_is_noticed(name: str) -> None:
    parameter = CHANGED.get(name) or next(iter(_parameters(name)))
    assert first_failing(name, light=True, **{parameter: 1.01}) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(published()))
def test_every_parameter_is_noticed(name: str) -> None:
    missed = []
    for parameter in _parameters(name):
        change = {parameter: 1.01}
        if (
            first_failing(name, light=True, **change) is None
            and first_failing(name, light=False, **change) is None
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
