# SPDX-License-Identifier: LGPL-3.0-or-later
"""What drugs must do, well mixed and on a small resolved sample: relapse, cure, and whom they spare."""

from __future__ import annotations

import pytest

from ..infected import point
from .test_mechanisms import drug, field, mean

SAMPLES = {"well mixed": point, "resolved": field}


@pytest.fixture(params=SAMPLES)
def history(request, case, simulate):
    """``history(day, *settings)``: the end of a run of that length."""

    def run(end: float, *settings: str, healthy: bool = False):
        text = SAMPLES[request.param](time=f'end = "{end} day"', output=f'times = ["0 day", "{end} day"]')
        settings += ("focus.0.load=1e-9 CFU/mm^3",) * healthy
        return simulate(case(*settings, text=text)).writer.history

    return run


def course(name: str, level: object, start: float, stop: float, k: int = 0) -> tuple[str, ...]:
    at = f"therapy.{k}"
    return (
        f"{at}.drug={name}",
        f"{at}.from={start} day",
        f"{at}.until={stop} day",
        f"{at}.dose.level={level}",
    )


@pytest.mark.parametrize(("days", "cured"), [(4, False), (6, True)])
def test_an_antibiotic_stopped_too_soon_relapses(history, days, cured):
    """At 10 EC50 from day 28: 4 days are too short, 6 are enough."""
    h = history(60 if cured else 100, *course("antibiotic", 10, 28, 28 + days))
    assert bool(h["bacteria_total [CFU]"][-1] < 1.0) is cured


def test_anti_rankl_empties_healthy_bone_of_osteoclasts_and_infected_bone_less(history):
    """Denosumab and OPG-Fc take 95 % of osteoclasts from mice with human RANKL; in infection some stay."""
    antibody = drug("anti_RANKL", 1e4)
    healthy = history(28, *antibody, healthy=True)
    left = mean(healthy, "OCa", -1) / mean(healthy, "OCa", 0)
    infected = mean(history(28, *antibody), "OCa", -1) / mean(history(28), "OCa", -1)
    assert left <= 0.1
    assert infected > 1.5 * left
    decoy = history(28, *drug("OPG_Fc", 1e4), healthy=True)
    assert mean(decoy, "OCa", -1) / mean(decoy, "OCa", 0) <= 0.1


def test_anti_il1_saves_bone_and_costs_defence(history):
    untreated, treated = history(28), history(28, *drug("anti_IL1", 10))
    assert treated["bone_loss [%]"][-1] < 0.95 * untreated["bone_loss [%]"][-1]
    assert treated["bacteria_total [CFU]"][-1] > 1.02 * untreated["bacteria_total [CFU]"][-1]


def test_two_drugs_lose_less_bone_than_either(history):
    """In the window from day 7 to day 21, looked at on day 28."""
    antibiotic, antibody = course("antibiotic", 10, 7, 21), course("anti_RANKL", 1000, 7, 21)
    one, other = history(28, *antibiotic), history(28, *antibody)
    both = history(28, *antibiotic, *course("anti_RANKL", 1000, 7, 21, k=1))
    loss = [h["bone_loss [%]"][-1] for h in (one, other, both, history(28))]
    assert loss[2] < min(loss[:2]) - 0.05 * abs(loss[3])
    assert max(loss[:2]) < loss[3]
