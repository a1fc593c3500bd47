# SPDX-License-Identifier: LGPL-3.0-or-later
"""The healthy state: found from poor guesses, and a clear message where there is none."""

from __future__ import annotations

import pytest

from osteofield.errors import InputError
from osteofield.kinetics.library import FOLDER


def test_found_from_a_poor_guess(load_text):
    text = (FOLDER / "osteoimmune.toml").read_text("utf-8")
    start = text.index("guess = {")
    poor = 'guess = { RANKL = "1 pM", OPG = "10 pM", TGFb = "1e-2 pM", OBp = "1e-2 pM", OBa = "1e-4 pM" }'
    network = load_text(text[:start] + poor + text[text.index("\n", start) :])
    assert network.healthy["OCa"] == pytest.approx(8.069635e-4, rel=1e-6)


def test_starred_quantity_is_its_value_in_health(load_text, small):
    text = (
        small.replace("initial = ", "# ")
        .replace('"d*B*h"', '"d*(K/1000 - B) + 0*C_star*d"')
        .replace('h = "C/(K + C)"', "")
    )
    text += '\n[steady]\nvalue = { C_star = "C" }\n'
    network = load_text(text)
    assert network.healthy == pytest.approx({"B": 3.0, "C": 3.0})
    assert network.stars == pytest.approx({"C_star": 3.0})


def test_no_steady_state_is_said(load_text, small):
    text = small.replace("initial = ", "# ").replace('"d*B*h"', '"d*K*(1 + 0*h)"') + "\n[steady]\n"
    with pytest.raises(InputError, match="no healthy state was found"):
        load_text(text)


def test_negative_steady_state_is_said(load_text, small):
    text = (
        small.replace("initial = ", "# ").replace('"d*B*h"', '"-d*(K/1000 + B)*(1 + 0*h)"') + "\n[steady]\n"
    )
    with pytest.raises(InputError, match="'[BC]' is negative"):
        load_text(text)


def test_without_steady_the_start_is_the_healthy_state(load_text, small):
    network = load_text(small)
    assert network.healthy == network.initial == pytest.approx({"C": 1000.0, "B": 1.0})
