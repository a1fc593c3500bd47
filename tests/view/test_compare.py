# SPDX-License-Identifier: LGPL-3.0-or-later
"""Two runs side by side: one scale, their difference, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.results import Result
from osteofield.view import plot
from osteofield.view.counterpart import on_section, on_surface
from osteofield.view.pair import Pair
from osteofield.view.planar import planar
from osteofield.view.scale import difference_colours
from osteofield.view.state import State

from .conftest import ball, write


@pytest.fixture(scope="module")
def healthy3(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return write(tmp_path_factory.mktemp("compare") / "healthy", ball(3), healthy=True)


@pytest.fixture(scope="module")
def smaller3(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Another mesh of nearly the same ball."""
    return write(tmp_path_factory.mktemp("compare") / "smaller", ball(3, 290.0))


def test_three_columns_one_scale_and_the_difference(
    opengl: None, result3: Result, healthy3: Result, tmp_path: Path
) -> None:
    written = plot(result3.path, against=healthy3.path, what=["lesion", "TNF", "courses"], out=tmp_path)
    assert [p.name for p in written] == ["against_lesion.png", "against_TNF.png", "against_courses.png"]
    image = plt.imread(written[0])[..., :3]
    body = image[: int(0.75 * len(image))]
    red = (body[..., 0] > body[..., 2] + 0.25) & (body[..., 1] < 0.6)
    thirds = np.array_split(red, 3, axis=1)
    assert thirds[0].sum() > 500 and thirds[2].sum() > 500  # eroded here, not there: red is more
    assert thirds[1].sum() < 50


def test_flat_results_too_with_surface_fields(result2: Result, tmp_path: Path) -> None:
    written = plot(
        result2.path, against=result2.path, what=["lesion", "panels TNF OCa"], time=10.0, out=tmp_path
    )
    assert [p.name for p in written] == ["against_lesion_day10.png", "against_panels_day10.png"]


def test_values_go_from_one_mesh_to_the_other(opengl: None, result3: Result, smaller3: Result) -> None:
    a, b = State(result3, 1), State(smaller3, 1)
    there, alone = on_surface(a, b, result_field(b))
    assert alone == 0.0
    np.testing.assert_allclose(there, result_field(a), atol=0.12 * result_field(a).max())
    same, alone = on_surface(a, a, result_field(a))
    assert alone == 0.0
    np.testing.assert_array_equal(same, result_field(a))
    normal = np.array([1.0, 0, 0])
    ours, theirs = planar(a, normal, ["TNF", "pit"]), planar(b, normal, ["TNF", "pit"])
    mapped = on_section(ours, theirs, theirs.marrow["TNF"], on_edge=False)
    found = np.isfinite(mapped)
    assert found.mean() > 0.9
    assert np.abs(mapped - ours.marrow["TNF"])[found].mean() < 0.05 * ours.marrow["TNF"].max()
    edge = on_section(ours, theirs, theirs.surface["pit"], on_edge=True)
    np.testing.assert_allclose(edge, ours.surface["pit"], atol=0.2 * ours.surface["pit"].max())


def result_field(state: State) -> np.ndarray:
    return state.result.surface["pit"][state.step]


def test_points_without_a_counterpart_are_left_out(result3: Result, tmp_path: Path) -> None:
    far = write(tmp_path / "far", ball(3, 100.0))
    _, alone = on_surface(State(result3, 1), State(far, 1), far.surface["pit"][1])
    assert alone == 1.0


def test_what_cannot_be_compared_is_refused(result2: Result, result3: Result, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"this run is 2-D, but .* is 3-D; they cannot be compared"):
        plot(result3.path, against=result2.path)
    with pytest.raises(InputError, match="there are no profiles of two runs"):
        plot(result2.path, against=result2.path, what="radial")
    with pytest.raises(InputError, match="no output at day 3; did you mean day 0"):
        plot(result2.path, against=result2.path, what="TNF", time=3.0)
    with pytest.raises(InputError, match="no such folder"):
        plot(result2.path, against=tmp_path / "none")


def test_default_is_what_both_have_at_their_last_common_time(result2: Result) -> None:
    pair = Pair.of(result2, result2)
    assert [r.kind for r in pair.requests(None)] == ["lesion", "field", "panels", "courses"]
    assert pair.steps(None) == [(1, 1)]


def test_difference_scale_is_symmetric_and_ignores_a_tower() -> None:
    norm, _, ends = difference_colours([np.array([-3.0, 1.0, np.nan])])
    assert (norm.vmin, norm.vmax, ends) == (-3.0, 3.0, "neither")
    norm, _, ends = difference_colours([np.r_[np.linspace(-1, 1, 2000), 50.0]])
    assert norm.vmax < 1.1 and ends == "both"
    assert difference_colours([np.zeros(3)])[0].vmax == 1.0
