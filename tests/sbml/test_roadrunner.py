# SPDX-License-Identifier: LGPL-3.0-or-later
"""Imported models, run well mixed, against libroadrunner."""

from __future__ import annotations

import pytest

from .conftest import converted, to_sbml, with_local

ALLOWED = 1e-6

RATE_LAWS = """
function hill(s, K, n)
  s^n/(K^n + s^n)
end
model rate_laws
  compartment cell = 2, blood = 0.5
  species A in cell, B in cell, C in cell, D in blood, $F in cell, E in cell
  substanceOnly species N in blood
  A = 10; B = 0; C = 1; D = 4; F = 3; E = 0.2; N = 6
  k1 = 0.2; k2 = 0.05; Vf = 3; Vr = 1.5; Ks = 2; Kp = 4; n = 2.5
  binding: A + A -> B; cell*(k1*A^2 - k2*B)          // reversible, stoichiometry 2
  enzyme: B -> C; cell*E*(Vf*B/Ks - Vr*C/Kp)/(1 + B/Ks + C/Kp)
  transport: C -> D; 0.3*C - 0.4*D                   // amounts per time between two volumes
  leak: 2 D -> 3 N; k * D; k = 0.7
  back: N -> A; 0.02*N*hill(C, 1.5, n)
  feed: F -> A; cell*0.1*F; F = 3
  binding2: A + F -> ; cell*k1*hill(A, 4, 2)*F
end
"""


def test_rate_laws_compartments_amounts_and_boundaries(deviation) -> None:
    columns = {"A": "[A]", "B": "[B]", "C": "[C]", "D": "[D]", "N": "N"}
    worst, imported = deviation(RATE_LAWS, columns, 30.0)
    assert worst < ALLOWED
    assert imported.populations == 5  # E and the boundary species F are numbers
    assert "[parameter.F]" in imported.toml
    assert 'N = "' not in imported.toml.split("[quantity]")[0]


def test_parameters_of_reactions(deviation) -> None:
    sbml = with_local(to_sbml(RATE_LAWS), binding_k1=0.4, leak_k=0.2, leak_n=3, back_n=1.5)
    worst, imported = deviation("", {"A": "[A]", "D": "[D]", "N": "N"}, 30.0, sbml=sbml)
    assert worst < ALLOWED
    assert "[parameter.binding_k1]" in imported.toml
    assert "[parameter.k1]" in imported.toml  # binding2 uses the other one


RULES = """
model rules
  compartment c = 1
  species S in c, $P in c, Q in c
  S = 5; Q = 0
  k := 0.2 + 0.1*sin(time/2)                   // explicit time
  P := S^2/(1 + S) + base                      // a species given by a rule
  base = 3*z0; z0 = 0.25                       // initial assignment
  z = z0; z' = 0.3*(S - z) - low               // rate rule on a parameter that turns negative
  low := piecewise(0.9, time < 4, 0.1, (S < 1) && (time > 6), 0.4)
  Q' = max(k, 0.25)*P - abs(z)*Q               // rate rule on a species
  J: S -> ; k*S + 0.05*min(S, P)*tanh(Q)
  S2 = log10(1000) + ln(exp(2)) + ceil(1.2)    // 7
  K: -> S; S2*exp(-S2*time)*(1 + 0*arcsinh(S))
end
"""


def test_rules_time_piecewise_and_initial_assignments(deviation) -> None:
    worst, imported = deviation(RULES, {"S": "[S]", "Q": "[Q]", "z_": "z"}, 12.0)
    assert worst < ALLOWED
    assert 'source = "SBML, computed as 3*z0"' in imported.toml
    assert "signed = true" in imported.toml.split("[population.z_]")[1].split("[")[0]
    assert "z is z_" in " ".join(imported.notes)


VOLUMES = """
model volumes
  compartment big = 2, small = 0.25
  species A in big, B in small, C in big
  substanceOnly species M in small, L in big
  A = 3; B = 1; C := A/2 + 0.1*flow; M = 2; L = 1
  n = 1.5; n2 := 2*flow
  flow: n A -> 2 B; k*A*big; k = 0.3                // stoichiometry by its name
  drain: B -> M; small*0.8*B + 0.01*C*n
  B2 = 1/small; Z = 0; Z' = n2 - 0.1*Z             // rates of reactions in formulas
  L' = 0.2*M - 0.1*L*sqrt(A)                       // rate rule on an amount
  more: -> A; 0.05*L*B2
  split: at M > 4: M = M/2, A = A + M*k, B = B/2
  shift: at (time > 7.3) && (L > 0.1): k = 0.1, Z = Z + L
end
"""


def test_events_and_rules_on_amounts_and_concentrations(deviation) -> None:
    columns = {"A": "[A]", "B": "[B]", "M": "M", "L": "L", "Z": "Z"}
    worst, imported = deviation(VOLUMES, columns, 15.0, points=30)
    assert worst < ALLOWED
    assert 'flow = "-1.5*flow*per_time/big"' in imported.toml
    assert 'drain = "drain*per_time"' in imported.toml.split("[population.M]")[1]


EVENTS = """
model events
  compartment c = 1
  species S in c, P in c
  S = 10; P = 0; k = 0.3; next_dose = 5.2; doses = 0; tally = 0; drug = 2; done = 0
  J: S -> P; k*S
  L: P -> ; 0.1*P*drug
  drug' = -0.2*drug
  dosing: at time >= next_dose: S = S + 8, next_dose = next_dose + 6, doses = doses + 1, tally = tally + 1
  slow: at P > 6: k = k/2, P = P - 1
  stop: at doses >= 2: done = 1, drug = 5, k = k + 0.1*done
  once: at time > 2.6, t0=false: S = S + P
  early: at S > 9, t0=false: P = 0.5
  never: at S > 1e6: S = 0
end
"""


def test_events(deviation) -> None:
    columns = {"S": "[S]", "P": "[P]", "drug": "drug", "tally": "tally"}
    worst, imported = deviation(EVENTS, columns, 20.0, points=40)
    assert worst < ALLOWED
    assert imported.events == 6
    assert "[input.next_dose]" in imported.toml
    assert "[input.k]" in imported.toml
    assert "[population.tally]" in imported.toml  # nothing else uses it: kept to be looked at
    assert 'initial = "0.5"' in imported.toml  # 'early' holds at once and counts as false before
    assert any("event 'early' happens at time 0" in n for n in imported.notes)


UNITS = """
model units
  unit substance = 1e-9 mole; unit volume = litre; unit extent = 1e-9 mole
  unit time_unit = {size} second; unit rate = 1/({size} second)
  unit nM = 1e-9 mole/litre; unit flux = 1e-9 mole/litre/({size} second)
  compartment cell = 0.001; cell has volume
  species S in cell, P in cell, E in cell
  S = 100; P = 0; E = 1
  kcat = 5; kcat has rate; Km = 30; Km has nM; n = 2; n has dimensionless; Ki = 50; Ki has nM
  Vb = {Vb}; Vb has flux
  J1: S -> P; cell*kcat*E*S/(Km + S)*Ki^n/(Ki^n + P^n)
  J2: P -> S; cell*Vb*P/(P + 10)
  total := S + P; total has nM
  at time >= 4.3: E = E + 2
  at P > 40: kcat = 0.5*kcat
end
"""


@pytest.mark.parametrize(
    ("size", "unit", "rate"), [(1, "s", "nM/s"), (60, "min", "nM/min"), (3600, "h", "nM/h")]
)
def test_declared_units_are_carried_over(deviation, size: int, unit: str, rate: str) -> None:
    text = UNITS.format(size=size, Vb=0.7)
    worst, imported = deviation(text, {"S": "[S]", "P": "[P]", "E": "[E]"}, 20.0, unit=unit)
    assert worst < ALLOWED
    assert imported.units
    assert f'value = "0.7 {rate}"' in imported.toml
    assert f'value = "4.3 {unit}"' in imported.toml  # the bare 4.3 of the trigger is a time
    assert 'unit = "nM"' in imported.toml
    assert "per_time" not in imported.toml
    assert any("parameter 'n' is an exponent" in n for n in imported.notes)


def test_units_that_do_not_fit_together_fall_back_to_numbers(deviation) -> None:
    text = UNITS.format(size=60, Vb=0.7).replace("Ki has nM", "Ki has substance")
    worst, imported = deviation(text, {"S": "[S]", "P": "[P]", "E": "[E]"}, 20.0, unit="min")
    assert worst < ALLOWED
    assert not imported.units
    assert 'value = "1 1/min"' in imported.toml
    assert "Its" not in imported.toml
    (note,) = (n for n in imported.notes if n.startswith("every number is a plain one"))
    assert "its units do not fit together" in note
    assert "'Ki^2 + P^2' adds unlike things" in note
    assert "'Ki^2 + P^2' adds unlike" in " ".join(imported.toml.split())  # the file says why, too


def test_units_of_another_size_fall_back_to_numbers(deviation) -> None:
    """Tools do not convert: a rate per minute in a model in seconds counts per second."""
    text = UNITS.format(size=1, Vb=0.7).replace("unit rate = 1/(1 second)", "unit rate = 1/(60 second)")
    worst, imported = deviation(text, {"S": "[S]", "P": "[P]", "E": "[E]"}, 20.0)
    assert worst < ALLOWED
    assert not imported.units
    assert any("with conversion the rate of 'S' would be" in n for n in imported.notes)
    assert 'unit = "1"  # nM in the SBML file' in imported.toml


@pytest.mark.parametrize(("level", "version"), [(2, 1), (2, 4), (2, 5), (3, 1)])
def test_editions_of_sbml(deviation, level: int, version: int) -> None:
    sbml = converted(to_sbml(RATE_LAWS), level, version)
    columns = {"A": "[A]", "D": "[D]", "N": "N"}
    worst, imported = deviation("", columns, 30.0, sbml=sbml)
    assert worst < ALLOWED
    assert imported.edition == f"SBML Level {level} Version {version}"


def test_units_of_level_2(deviation) -> None:
    sbml = converted(to_sbml(UNITS.format(size=60, Vb=0.7)), 2, 4)
    worst, imported = deviation("", {"S": "[S]", "P": "[P]", "E": "[E]"}, 20.0, unit="min", sbml=sbml)
    assert worst < ALLOWED
    assert imported.units
