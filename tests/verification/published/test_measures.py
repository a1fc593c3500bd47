# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every kind of target on a model of known solution: the right number holds, the next one fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import cos, exp, pi, sin
from pathlib import Path

import numpy as np
import pytest

from osteofield.verification import Line
from osteofield.verification.wave import propagator_rates

W_1 = 0.006 + 0.994 * exp(-0.5)
W_2 = 0.003 + (W_1 - 0.003) * exp(-1.0)
CYCLES = '[run.b]\ntitle = "slow"\nset = ["model.parameters.om=\'1 1/day\'", "time.end=\'20 day\'"]\n'

RIGHT = {
    "at": f"""
[[at]]
run = "a"
time = "0.7 day"
value = {{ u = "{3 + cos(1.4):.8f}", v = "{2 + sin(1.4):.8f}", both = "{5 + cos(1.4) + sin(1.4):.8f}" }}
""",
    "at, in nM and pM": f"""
[[at]]
run = "a"
time = "1 day"
value = {{ w = "{W_1:.9f}" }}
[[at]]
run = "a"
time = "2 day"
value = {{ w = "{1000 * W_2:.6f} pM" }}
""",
    "at, an input": """
[[at]]
run = "a"
time = "0.999 day"
value = { lost = "0.500000000" }
[[at]]
run = "a"
time = "1 day"
value = { lost = "1.000000000" }
[[at]]
run = "a"
time = "2 day"
value = { lost = "0.500000000" }
""",
    "at, over the start": f"""
[[at]]
run = "a"
time = "0.7 day"
over = "start"
value = {{ u = "{(3 + cos(1.4)) / 4:.8f}" }}
""",
    "extreme": f"""
[[extreme]]
run = "a"
of = "v"
kind = "max"
until = "2 day"
value = "3.00000000"
time = "{pi / 4:.6f} day"
[[extreme]]
run = "a"
of = "u"
kind = "min"
from = "4 day"
until = "6 day"
value = "2.00000000"
time = "{1.5 * pi:.6f} day"
""",
    "extreme, at a kink": """
[[extreme]]
run = "a"
of = "lost"
kind = "max"
value = "1.0000000"
""",
    "extreme, at the end of its window": f"""
[[extreme]]
run = "a"
of = "v"
kind = "max"
from = "0.1 day"
until = "0.345 day"
value = "{2 + sin(0.69):.8f}"
time = "0.345000 day"
""",
    "period": f"""{CYCLES}
[[period]]
run = "b"
of = "v"
value = "{2 * pi:.7f} day"
""",
    "drift": f"""{CYCLES}
[[drift]]
run = "b"
of = "u"
per = "v"
from = "3 day"
value = "0.000000"
[[drift]]
run = "b"
of = "w"
per = "v"
from = "3 day"
value = "{1000 * (W_2 - 0.006) * (exp(-0.5 * (4.5 * pi - 2)) - exp(-0.5 * (2.5 * pi - 2))):.4f} pM"
""",
    "steady": """
[[steady]]
run = "a"
value = { u = "3.0000000000000", v = "2.0000000000000", w = "6.0000000000000 pM", both = "5.0000000000000" }
guess = { w = "2 nM" }
""",
    "eigenvalues": """
[[eigenvalues]]
run = "a"
value = ["-0.50000000000000", "2.00000000000000i", "-2.00000000000000i"]
""",
    "roots": """
[[roots]]
run = "a"
within = { u = ["0", "9"], w = ["0", "5 pM"] }
count = 1
""",
}


def wrong(targets: str) -> str:
    """The last number of every target raised by two units in its last digit."""

    def raised(m: re.Match[str]) -> str:
        decimals = len(m[1].partition(".")[2])
        return f"{float(m[1]) + 2 * 10**-decimals:.{decimals}f}"

    out = []
    for line in targets.splitlines():
        if re.match(r"value|time = \"\S+\d{4}", line) and '"time.' not in line:
            line = re.sub(r"(?<=\")(-?\d+\.\d{4,})", raised, line)
        if line.startswith("count"):
            line = "count = 2"
        out.append(line)
    return "\n".join(out)


@pytest.mark.parametrize("kind", RIGHT)
def test_the_right_number_holds_and_its_neighbour_fails(kind: str, verify: Callable[..., list[Line]]) -> None:
    found = verify(RIGHT[kind])
    assert found
    assert [x.what for x in found if not x.holds] == []
    off = verify(wrong(RIGHT[kind]))
    assert len(off) == len(found)
    assert [x.what for x in off if x.holds] == []


def test_marks_for_the_figure_are_in_internal_units(verify: Callable[..., list[Line]]) -> None:
    (first, *_) = verify(RIGHT["at, in nM and pM"])
    assert first.mark is not None
    assert first.mark.value == pytest.approx(1000 * W_1, rel=1e-8)


def test_allowed_replaces_the_last_digit(verify: Callable[..., list[Line]]) -> None:
    text = '[[at]]\nrun = "a"\ntime = "0.7 day"\nvalue = { u = "3.17" }\nallowed = 1e-6\n'
    (line,) = verify(text)
    assert line.allowed == 1e-6
    assert not line.holds


def test_a_changed_parameter_is_noticed(verify: Callable[..., list[Line]]) -> None:
    text = RIGHT["at"] + RIGHT["eigenvalues"]
    assert all(x.holds for x in verify(text, p=1.01))  # none of these targets depends on it
    assert [x.what for x in verify(text, om=1.01) if not x.holds] == [
        "eigenvalue 2 (1/day)", "eigenvalue 3 (1/day)", "u on day 0.7", "v on day 0.7", "both on day 0.7",
    ]  # fmt: skip


def test_a_run_that_sets_a_parameter_keeps_it(verify: Callable[..., list[Line]]) -> None:
    assert all(x.holds for x in verify(RIGHT["period"], om=1.5))


def test_a_run_that_does_not_reach_its_end_fails(verify: Callable[..., list[Line]]) -> None:
    tight = '["time.tolerance=1e-14", "time.first_step=0.1 day", "time.shortest_step=0.1 day"]'
    run = f'[run.b]\ntitle = "too tight"\nset = {tight}\n'
    late = '[[at]]\nrun = "b"\ntime = "9 day"\nvalue = { w = "1.0" }\n'
    *others, stopped = verify(run + late + RIGHT["at"])
    assert not stopped.holds
    assert "time step fell below" in stopped.got
    assert len(others) == 3
    assert all(x.holds for x in others)


def test_light_leaves_out_what_takes_long(verify: Callable[..., list[Line]]) -> None:
    heavy = CYCLES + "light = false\n" + RIGHT["period"].replace(CYCLES, "") + RIGHT["at"]
    assert {x.target.run for x in verify(heavy)} == {"a", "b"}
    assert {x.target.run for x in verify(heavy, light=True)} == {"a"}


SWITCH = """\
format = 1
name = "switch"
title = "Three states of rest"
[parameter]
r = { value = "1 1/day", meaning = "rate", source = "assumed" }
c = { value = "0.3", meaning = "threshold", source = "assumed" }
[population.b]
domain = "marrow"
unit = "1"
initial = "0.5"
scale = "1"
volume = { change = "r*b*(1 - b)*(b - c)" }
"""


def test_states_of_rest_are_counted(verify: Callable[..., list[Line]], folder: Path) -> None:
    (folder / "model.toml").write_text(SWITCH)
    case = (folder / "case.toml").read_text("utf-8")
    (folder / "case.toml").write_text(re.sub(r"\[\[therapy\]\].*level = 1 \}\n", "", case, flags=re.S))
    (three,) = verify('[[roots]]\nrun = "a"\nwithin = { b = ["0", "2"] }\ncount = 3\n')
    assert three.holds
    (two,) = verify('[[roots]]\nrun = "a"\nwithin = { b = ["0", "2"] }\ncount = 2\n')
    assert (two.got, two.holds) == ("3", False)
    guessed = '[[steady]]\nrun = "a"\nvalue = { b = "0.3000000000" }\nguess = { b = "0.25" }\n'
    assert [x.holds for x in verify(guessed)] == [True]


WAVE = """\
format = 1
name = "wave"
title = "Two that swing and spread"
[parameter]
om = { value = "0.5 1/day", meaning = "circular frequency", source = "assumed" }
d = { value = "0.1 1/day", meaning = "loss", source = "assumed" }
Du = { value = "1000 um^2/day", meaning = "diffusivity", source = "assumed", in_health = true }
Dv = { value = "3000 um^2/day", meaning = "diffusivity", source = "assumed", in_health = true }
a = { value = "0", meaning = "wave at the start", source = "assumed" }
L = { value = "400 um", meaning = "length", source = "assumed" }
[population.u]
domain = "marrow"
unit = "1"
scale = "1"
diffusivity = "Du"
initial = "3 + a*cos(3.141592653589793*x/L)"
volume = { swing = "-om*(v - 2) - d*(u - 3)" }
[population.v]
domain = "marrow"
unit = "1"
scale = "1"
diffusivity = "Dv"
initial = "2"
volume = { swing = "om*(u - 3)" }
"""
STRIP = """["sample={shape={kind='marrow', size=['400 um', '20 um']}, cell_size='10 um'}", \
"time.end='8 day'", "time.tolerance=1e-6", "model.parameters.a=0.5"]"""
FLAT = (
    "format = 1\n[sample]\nwell_mixed = true\n[model]\nname = 'model.toml'\n[initial]\nstate = 'model'\n"
    "[time]\nend = '8 day'\n"
)


@pytest.fixture
def spread(folder: Path) -> None:
    (folder / "model.toml").write_text(WAVE)
    (folder / "case.toml").write_text(FLAT)


@pytest.mark.usefixtures("spread")
def test_a_cosine_grows_as_the_jacobian_says(verify: Callable[..., list[Line]]) -> None:
    run = f'[run.cosine]\ntitle = "cosine"\nset = {STRIP}\n'
    text = run + '[[mode]]\nrun = "cosine"\nof = ["u", "v"]\nwaves = 1\nallowed = '
    found = verify(text + "1e-3")
    k = pi / 400
    wanted = np.linalg.eigvals([[-0.1 - 1000 * k**2, -0.5], [0.5, -3000 * k**2]])
    got = [complex(x.got.replace("i", "j")) for x in found]
    assert sorted(got, key=lambda z: z.imag) == pytest.approx(sorted(wanted, key=lambda z: z.imag), rel=1e-3)
    assert all(x.holds for x in found)
    assert not any(x.holds for x in verify(text + "1e-7"))  # the mesh is seen


@pytest.mark.usefixtures("spread")
def test_a_wave_that_others_disturb_is_refused(verify: Callable[..., list[Line]]) -> None:
    run = f'[run.cosine]\ntitle = "cosine"\nset = {STRIP}\n'
    (line,) = verify(run + '[[mode]]\nrun = "cosine"\nof = ["u"]\nwaves = 1\nallowed = "1e-3"\n')
    assert not line.holds
    assert "v acts on it" in line.got


def test_rates_of_a_propagator() -> None:
    rates = np.array([-0.1 + 0.7j, -0.1 - 0.7j, -0.4])
    modes = np.array([[1, 1, 1], [1j, -1j, 2], [0.5, 0.5, -1]])
    t = np.linspace(0, 10, 41)
    amplitudes = (modes @ np.exp(rates[:, None] * t)).real
    got = propagator_rates(t, amplitudes)
    assert sorted(got, key=lambda z: (z.real, z.imag)) == pytest.approx(
        sorted(rates, key=lambda z: (z.real, z.imag)), abs=1e-9
    )


@pytest.mark.usefixtures("spread")
def test_uniform_data_in_space_follow_the_run_without(verify: Callable[..., list[Line]]) -> None:
    strip = "sample={shape={kind='marrow', size=['60 um', '40 um']}, cell_size='20 um'}"
    text = '[space]\nset = ["{}"]\nallowed = "1e-5"\n'
    start = '[run.a]\ntitle = "off rest"\nset = ["model.parameters.L=\'1e9 um\'", "model.parameters.a=1"]\n'
    from .conftest import HEAD

    head = HEAD[: HEAD.index("[run.a]")] + start
    found = verify(text.format(strip), head=head)
    assert [x.what for x in found] == ["u in space, largest deviation", "v in space, largest deviation"]
    assert all(x.holds and x.error < 1e-6 for x in found)
    uneven = strip + "\", \"model.parameters.L='60 um'"
    assert not any(x.holds for x in verify(text.format(uneven), head=head))


def test_the_marks_of_a_least_value_lie_on_the_curve(verify: Callable[..., list[Line]]) -> None:
    value, time = verify(RIGHT["extreme"])[2:]
    assert value.mark == time.mark
    assert value.mark is not None
    assert (value.mark.time, value.mark.value) == pytest.approx((1.5 * pi, 2.0), abs=1e-5)
