# SPDX-License-Identifier: LGPL-3.0-or-later
"""Models that divide by zero at their start, or conserve not what they claim."""

from __future__ import annotations

import pytest

from osteofield.errors import InputError
from osteofield.kinetics import conserved

MODEL = """\
format = 1
name = "binding"
title = "A receptor and its ligand"
[parameter]
on = { value = "2 1/(pM day)", meaning = "binding", source = "assumed" }
off = { value = "3 1/day", meaning = "release", source = "assumed" }
make = { value = "0 pM/day", meaning = "production", source = "assumed" }
K = { value = "5 pM", meaning = "half effect", source = "assumed" }
[quantity]
bind = "on*R*L - off*RL"
[population.R]
domain = "surface"
unit = "pM"
scale = "1 pM"
initial = "10 pM"
surface = { binding = "-bind" }
[population.L]
domain = "marrow"
unit = "pM"
diffusivity = "10 um^2/s"
scale = "1 pM"
initial = "4 pM"
volume = { loss = "-off*L", made = "make/(1 + L/K)" }
surface = { binding = "-bind" }
[population.RL]
domain = "surface"
unit = "pM"
scale = "1 pM"
initial = "0 pM"
surface = { binding = "bind" }
[conserved.receptor]
total = "R + RL"
"""


def problems(load_text, text: str, **changes) -> list[str]:
    with pytest.raises(InputError) as e:
        load_text(text, **changes)
    assert all(p.line for p in e.value.problems)
    return [f"{p.key}: {p.message}" for p in e.value.problems]


def test_a_sound_model(load_text):
    assert conserved(load_text(MODEL)) == {"receptor": {"R": 1.0, "RL": 1.0}}


def test_weights_and_parameters_may_stand_in_a_total(load_text):
    text = MODEL.replace('"R + RL"', '"2*(RL + R) - K*on*K/K*RL/(on*K) + RL"')
    assert conserved(load_text(text))["receptor"] == pytest.approx({"R": 2.0, "RL": 2.0})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"R + RL"', '"R + L"', "conserved.receptor.total: 'R + L' is not conserved: nothing balances"),
        ('{ binding = "bind" }', '{ binding = "bind", decay = "-off*RL" }',
         "nothing balances 'decay' of 'RL' (-off*RL). Add what is missing on the other side"),
        ('{ binding = "bind" }', '{ binding = "2*bind" }', "nothing balances 'binding' of 'R' (-bind) and"),
        ('"R + RL"', '"R*RL"', "'R*RL' is not a sum of populations with constant weights"),
        ('"R + RL"', '"R + bind"', "'bind' may not stand here"),
        ('"R + RL"', '"R + RX"', "'RX' is not defined; did you mean "),
        ('"R + RL"', '"R + off"', "'R + off' adds unlike things"),
        ('"R + RL"', '"K"', "a total needs at least one population"),
    ],
)  # fmt: skip
def test_a_claim_that_does_not_hold(load_text, old, new, message):
    found = problems(load_text, MODEL.replace(old, new))
    assert any(message in p for p in found), found


def test_a_claim_is_checked_with_the_numbers_of_the_case(load_text):
    text = MODEL.replace('"bind" }', '"bind", made = "make" }').replace(
        'source = "assumed" }\n[quantity]', 'source = "assumed" }\n\n[quantity]'
    )
    load_text(text)
    (said,) = problems(load_text, text, parameters={"make": "1 pM/day"})
    assert "nothing balances 'made' of 'RL' (make)" in said


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("make/(1 + L/K)", "make*K/(L - 4*K/5)", "population.L.volume.made",
         "divides by 'L - 4 * K / 5', which is 0"),
        ('"-off*L"', '"-off*L*K/RL"', "population.L.volume.loss", "the surface population 'RL'"),
        ('"bind" }', '"bind*R/RL" }', "population.RL.surface.binding",
         "'bind * R / RL' divides by 'RL', which is 0 in the initial state; give 'RL' another"),
        ('"-bind" }\n[population.RL', '"-bind*(RL/K)^-0.5" }\n[population.RL', "population.L.surface.binding",
         "raises 'RL / K' to a negative power, which is 0 in the initial state (RL = 0)"),
        ('"-bind" }\n[population.RL', '"-bind*log(RL/K)" }\n[population.RL', "population.L.surface.binding",
         "takes the logarithm of 'RL / K'"),
        ('bind = "', 'bind = "R*make/make*0/K + ', "quantity.bind", "divides by 'make', which is 0"),
    ],
)  # fmt: skip
def test_division_by_zero_at_the_start(load_text, old, new, key, message):
    text = MODEL.replace(old, new)
    found = problems(load_text, text)
    assert any(p.startswith(f"{key}: ") and message in p for p in found), found


def test_a_guarded_division_is_sound(load_text):
    n = load_text(MODEL.replace('"-off*L"', '"-off*L*where(L > K, L/(L - K), 1)"'))
    assert n.healthy["RL"] == 0.0


def test_the_start_is_the_one_of_the_case(load_text):
    text = MODEL.replace("make/(1 + L/K)", "make*K/(L - 4*K/3)")
    load_text(text)
    (said,) = problems(load_text, text, parameters={"K": "3 pM"})
    assert "which is 0 in the initial state" in said
