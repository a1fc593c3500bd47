# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures from a results folder: which are drawn, what they show, what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.results import Result, prepare
from osteofield.view import opengl as opengl_module
from osteofield.view import plot
from osteofield.view.courses import draw_courses
from osteofield.view.request import read_requests, read_steps
from osteofield.view.state import State

from .conftest import FOCUS, UNITS, ball, write


def ink(path: Path) -> float:
    """Share of the picture that is not white."""
    return float((plt.imread(path)[..., :3].min(-1) < 0.98).mean())


def test_default_pictures_in_3d(opengl: None, result3: Result) -> None:
    written = plot(result3.path)
    folder = result3.path / "pictures"
    names = ["lesion", "TNF", "panels", "courses", "radial"]
    assert written == [folder / f"{n}.png" for n in names]
    least = (0.1, 0.15, 0.15, 0.01, 0.01)
    assert [ink(p) > x for p, x in zip(written, least, strict=True)] == [True] * 5
    assert plt.imread(written[0]).shape[1] == 2160  # 7.2 inch at 300 dpi


def test_lesion_shows_erosion_infection_and_cut_bone(opengl: None, result3: Result, tmp_path: Path) -> None:
    eroded, early = (
        plt.imread(p)[..., :3] for p in plot(result3.path, what="lesion", time=[10.0, 0.0], out=tmp_path)
    )

    def dark_purple(image: np.ndarray) -> int:
        body = image[: int(0.8 * len(image))]  # without the colour bar
        return int(((body[..., 0] < 0.5) & (body[..., 1] < 0.15) & (body[..., 2] > 0.2)).sum())

    assert dark_purple(eroded) > 500
    assert dark_purple(early) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lesion_day0.png", "lesion_day10.png"]


def test_default_pictures_in_2d_need_no_opengl(result2: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opengl_module, "_PROBE", "raise SystemExit(1)")
    written = plot(result2.path)
    names = ["lesion.png", "TNF.png", "panels.png", "courses.png", "radial.png"]
    assert [p.name for p in written] == names
    assert ink(written[0]) > 0.1
    assert ink(written[1]) > 0.5
    assert [p.name for p in plot(result2.path, what=["E.De", "OCa"])] == ["pit.png", "OCa.png"]


def test_healthy_results_can_be_drawn(opengl: None, tmp_path: Path) -> None:
    result = write(tmp_path / "three", ball(3), healthy=True)
    names = ["lesion.png", "TNF.png", "panels.png", "courses.png"]
    assert [p.name for p in plot(result.path)] == names
    result = write(tmp_path / "two", ball(2), healthy=True)
    assert [p.name for p in plot(result.path)] == names


def test_names_come_from_the_roles_alone(tmp_path: Path) -> None:
    result = write(tmp_path / "two", ball(2), roles=False)
    assert [p.name for p in plot(result.path)] == ["courses.png"]
    assert State(result, 1).infected is None


def test_well_mixed_results_have_time_courses_only(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with prepare(folder, "demo", "h", screen=False) as results:
        results.begin(None, UNITS, {"roles": {"show": ["TNF"]}})
        from osteofield.simulation.writer import Frame

        for t in range(3):
            row = {"time [day]": float(t), "TNF.mean [pM]": 1.0 + t, "E.De.mean [um]": float("nan")}
            results.frame(Frame(float(t), {}, {}, row))
        results.end({})
    assert [p.name for p in plot(folder)] == ["courses.png"]


def test_time_courses_show_every_column_asked_for(
    result3: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    monkeypatch.setattr(plt, "close", kept.append)
    draw_courses({"": result3}, tmp_path / "a.png")
    labels = [ax.get_ylabel() for ax in kept[0].axes if ax.axison]
    assert labels == [
        "bacteria in the sample (CFU)",
        "TNF (pM)",
        "cells on bone (1 = start)",
        "bone loss (%)",
    ]
    relative = kept[0].axes[2]
    assert [t.get_text() for t in relative.get_legend().get_texts()] == ["OCa", "OBa"]
    monkeypatch.undo()
    plt.close(kept[0])


def test_words_become_pictures(result3: Result) -> None:
    def read(*words: str) -> list[tuple[str, ...]]:
        return [(r.kind, *r.names) for r in read_requests(result3, words)]

    assert read("TNF") == read("field", "TNF") == read("field TNF") == [("field", "TNF")]
    assert read("panels", "TNF,OCa", "courses") == [("panels", "TNF", "OCa"), ("courses",)]
    assert read("lesion", "E.De") == [("lesion",), ("field", "pit")]
    assert [r[0] for r in read("all")] == ["lesion", "field", "panels", "courses", "radial", "animation"]


def test_unknown_words_and_times_are_all_listed_with_suggestions_and_what_there_is(result2: Result) -> None:
    with pytest.raises(InputError) as e:
        plot(result2.path, what=["TNFa", "course"])
    assert len(e.value.problems) == 2
    assert "did you mean 'TNF'? Pictures: lesion, field, panels" in str(e.value)
    assert "did you mean 'courses'?" in str(e.value)
    assert "populations: TNF, bacteria, OCa, OBa, pit, E.De." in str(e.value)
    with pytest.raises(InputError, match="no output at day 4; did you mean day 0. There are: 0, 10 day"):
        plot(result2.path, time=[4.0])
    assert read_steps(result2, [float("nan"), 0.0, 10.0]) == [1, 0]


def test_pictures_that_these_results_do_not_have_are_refused_with_the_reason(tmp_path: Path) -> None:
    result = write(tmp_path / "two", ball(2), healthy=True)
    with pytest.raises(InputError, match="drawn from the foci, and the case has none"):
        plot(result.path, what="radial")


def test_no_results_and_empty_results(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        plot(tmp_path / "none")
    with (
        prepare(tmp_path / "demo", "demo", "h", screen=False),
        pytest.raises(InputError, match="not written anything to draw yet"),
    ):
        plot(tmp_path / "demo")


def test_machine_without_opengl_is_told_what_to_install(
    result3: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opengl_module, "_PROBE", "import os; os.abort()")
    opengl_module.require_opengl.cache_clear()
    try:
        with pytest.raises(InputError, match="libegl1 libgl1 libgl1-mesa-dri.*xvfb"):
            plot(result3.path, what="pit")
        assert [p.name for p in plot(result3.path, what="courses")] == ["courses.png"]
    finally:
        opengl_module.require_opengl.cache_clear()


def test_pictures_are_about_the_focus_or_the_deepest_place(result3: Result, tmp_path: Path) -> None:
    np.testing.assert_array_equal(State(result3, 1).centre, FOCUS)
    state = State(result3, 1)
    state.result.record["foci"], kept = [], state.result.record["foci"]
    try:
        deepest = result3.surface.points[result3.surface["pit"][1].argmax()]
        np.testing.assert_array_equal(state.centre, deepest)
    finally:
        state.result.record["foci"] = kept


def test_no_solver_is_imported() -> None:
    code = "import sys, osteofield.view; print(sorted({'mpi4py', 'dolfinx', 'pyvista'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
