# SPDX-License-Identifier: LGPL-3.0-or-later
"""How the columns of a history are shown."""

from types import SimpleNamespace

import numpy as np
import pytest

from osteofield.results import Shown


@pytest.fixture
def section() -> Shown:
    history = {
        "time [day]": np.array([0.0, 10.0, 300.0]),
        "bone_loss [mm^3]": np.array([0.0, 0.02, -1e-5]),
        "bacteria_total [CFU]": np.array([2000.0, 500.0, 1.2]),
        "OCa.mean [pM]": np.array([8e-4, 1e-3, -1.3e-9]),
        "OCa.max [pM]": np.array([9e-4, 5e-3, 2e-6]),
        "OCa.total [amol]": np.array([8e-4, 2e-3, 3e-6]),
        "bone.mean [%]": np.array([0.0, 5.0, -4.0]),
        "TNF.mean [pM]": np.array([0.0, 0.0, 0.0]),
        "depth.mean [um]": np.array([0.0, 4.0, -1e-4]),
    }
    record = {"dimension": 2, "roles": {"depth": "depth"}}
    return Shown(SimpleNamespace(history=history, record=record, case="[time]\ntolerance = 1e-3\n"))  # type: ignore[arg-type]


def test_what_has_decayed_beyond_the_tolerance_is_not_told_from_zero(section: Shown) -> None:
    assert section.text("OCa.mean [pM]", -1.3e-9) == "< 1e-06"  # 1e-3 of the largest mean so far
    assert section.text("OCa.max [pM]", 2e-6) == "2e-06"  # errors are held against the mean, not the maximum
    assert section.text("OCa.mean [pM]", 8e-4) == "0.0008"
    assert section.text("bacteria_total [CFU]", 1.2) == "< 2"
    assert section.text("bacteria_total [CFU]", 0.0) == "0"  # cleared: no bacterium is left


def test_signs_that_mean_something_are_kept(section: Shown) -> None:
    assert section.text("bone_loss [mm^3]", -1e-5) == "-1e-05"
    assert section.text("depth.mean [um]", -1e-4) == "-0.0001"
    assert section.text("bone.mean [%]", -1e-4) == "-0.0001"  # it has been far below zero
    assert section.text("bone_loss [mm^3]", -1e-16) == "0"  # rounding
    assert section.text("TNF.mean [pM]", 0.0) == "0"


def test_a_section_has_areas_and_amounts_per_thickness(section: Shown) -> None:
    assert section.header("bone_loss [mm^3]") == "bone_loss [mm^2]"
    assert section.unit("bacteria_total [CFU]") == "CFU/mm"
    assert section.unit("OCa.total [amol]") == "amol/mm"
    assert section.unit("OCa.mean [pM]") == "pM"  # no amount
