# SPDX-License-Identifier: LGPL-3.0-or-later
"""Colours, units and lengths as they are printed."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from osteofield.view.scale import gained, norm_of, surface_colours
from osteofield.view.style import BONE, depth_colours, label_text, nice_length, unit_text, with_unit


def test_deeper_is_always_darker() -> None:
    """A grey print, and every colour-blind reader, keeps the order."""
    rgb = depth_colours()(np.linspace(0, 1, 256))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)  # sRGB, IEC 61966-2-1
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) < 1e-4).all()
    assert luminance[0] > 10 * luminance[-1]


def test_untouched_bone_has_the_colour_of_bone() -> None:
    from matplotlib.colors import to_hex

    assert to_hex(depth_colours()(0.0)) == BONE
    assert to_hex(depth_colours()(-0.5)) == BONE


@pytest.mark.parametrize(
    ("longest", "length"), [(1500, 500), (600, 500), (499, 200), (120, 100), (60, 50), (2600, 2000)]
)
def test_scale_bar_has_a_round_length(longest: float, length: float) -> None:
    assert nice_length(longest) == length


@pytest.mark.parametrize(
    ("unit", "text"), [("um", "µm"), ("CFU/mm^3", "CFU/mm³"), ("um^2/s", "µm²/s"), ("1", ""), ("pM", "pM")]
)
def test_units_are_printed_as_in_a_paper(unit: str, text: str) -> None:
    assert unit_text(unit) == text
    assert with_unit("x", unit) == (f"x ({text})" if text else "x")


def test_names_have_greek_letters_where_the_field_writes_them() -> None:
    assert [label_text(t) for t in ("TNF-a", "IL-1b", "IFN-g", "M-CSF", "IL-17", "anti-body")] == [
        "TNF-α", "IL-1β", "IFN-γ", "M-CSF", "IL-17", "anti-body",
    ]  # fmt: skip


def test_rounding_is_not_spread_over_the_whole_scale() -> None:
    norm, extend = norm_of(0.0094 + 1e-12 * np.arange(5))
    assert extend == "neither" and 0.4 < float(norm(0.0094)) < 0.6
    assert norm.vmax - norm.vmin > 5e-5


def test_a_few_towering_values_do_not_set_the_scale() -> None:
    values = np.r_[np.linspace(1, 5, 2000), 1e4]
    norm, extend = norm_of(values)
    assert norm.vmax < 5.1 and extend == "max"
    norm, extend = norm_of(np.r_[np.linspace(1, 5, 200), 1e4])  # half a percent is not a few
    assert norm.vmax == 1e4 and extend == "neither"


def test_scale_is_logarithmic_only_over_more_than_a_decade() -> None:
    norm, extend = norm_of(np.array([1.0, 8.0]))
    assert (type(norm).__name__, norm.vmin, norm.vmax, extend) == ("Normalize", 1, 8, "neither")
    norm, extend = norm_of(np.array([1.0, 800.0]))
    assert (type(norm).__name__, norm.vmin, norm.vmax, extend) == ("LogNorm", 1, 800, "neither")
    norm, extend = norm_of(np.array([0.0, 100.0]))
    assert (type(norm).__name__, norm.vmin, norm.vmax, extend) == ("LogNorm", 0.01, 100, "min")
    norm, _ = norm_of(np.zeros(4))
    assert norm.vmin < norm.vmax
    norm, _ = norm_of(np.array([-3.0, -3.0]))
    assert norm.vmin < norm.vmax


def test_depth_shows_gain_where_nothing_was_lost() -> None:
    norm, colours, extend = surface_colours(True, [np.array([-1.2, -0.4])])
    assert (norm.vmin, norm.vmax, extend) == (-1.2, 0.0, "neither") and gained(norm)
    light, dark = (sum(colours(x)[:3]) for x in (1.0, 0.0))
    assert light > 2.5 and dark < 0.7  # bone where nothing happened, dark green where most was formed
    norm, _, extend = surface_colours(True, [np.array([-0.5, 3.0])])  # little beside what was lost
    assert (norm.vmin, norm.vmax, extend) == (0.0, 3.0, "min") and not gained(norm)
    norm, colours, extend = surface_colours(True, [np.array([-5.0, 3.0])])
    assert (norm.vmin, norm.vmax, extend) == (-5.0, 3.0, "neither") and gained(norm)
    most_gained, untouched, deepest = (np.array(colours(norm(x))[:3]) for x in (-5.0, 0.01, 3.0))
    assert np.allclose(untouched, to_rgb(BONE), atol=0.03)
    assert most_gained.argmax() == 1 and deepest.argmin() == 1  # green, and purple
    assert surface_colours(True, [np.zeros(3)])[0].vmax == 1.0
