# SPDX-License-Identifier: LGPL-3.0-or-later
"""Names in a case that only the model can confirm: populations, drugs, fields."""

from __future__ import annotations

from ..case.types import Case
from ..errors import Problem, did_you_mean
from ..kinetics import Network


def check_names(case: Case, network: Network) -> list[Problem]:
    """Problems with the populations, drugs and fields that a case names."""
    problems = []
    marrow = [p.name for p in network.marrow]
    for k, focus in enumerate(case.foci):
        key = ("focus", k, "population")
        if focus.population is None and network.roles.inoculum is None:
            problems.append(
                case.problem(
                    ("focus", k),
                    f"model '{network.name}' names no inoculum, so the focus must say which population it "
                    "adds: population = \"...\".",
                )
            )
        elif focus.population is not None and focus.population not in marrow:
            said = f"model '{network.name}' has no population '{focus.population}' in the marrow"
            problems.append(case.problem(key, said + did_you_mean(focus.population, marrow)))
    inputs = [i.name for i in network.inputs]
    for k, therapy in enumerate(case.therapies):
        if therapy.drug not in inputs:
            said = f"model '{network.name}' knows no drug '{therapy.drug}'"
            problems.append(case.problem(("therapy", k, "drug"), said + did_you_mean(therapy.drug, inputs)))
    known = [*marrow, *(p.name for p in network.surface)]
    for k, name in enumerate(case.output.fields or ()):
        if name not in known:
            said = f"model '{network.name}' has no population '{name}'"
            problems.append(case.problem(("output", "fields", k), said + did_you_mean(name, known)))
    return problems
