# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures from a results folder: which are drawn, what they show, what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from osteofield.errors import InputError
from osteofield.results import Result, open_results, prepare
from osteofield.view import opengl as opengl_module
from osteofield.view import plot
from osteofield.view.courses import draw_courses, make_room
from osteofield.view.film import require_ffmpeg
from osteofield.view.request import read_requests, read_steps
from osteofield.view.state import State

from .conftest import FOCUS, RADIUS, UNITS, ball, write


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
    assert [p.name for p in plot(result.path, what=["lesion", "TNF"])] == names[:2]
    result = write(tmp_path / "two", ball(2), healthy=True)
    assert [p.name for p in plot(result.path)] == names


def test_names_come_from_the_roles_alone(tmp_path: Path) -> None:
    result = write(tmp_path / "two", ball(2), roles=False)
    assert [p.name for p in plot(result.path)] == ["courses.png"]
    assert State(result, 1).infected is None


def test_well_mixed_results_have_time_courses_only(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with prepare(folder, "demo", "h", screen=False) as results:
        results.begin(UNITS, {"roles": {"show": ["TNF"]}})
        from osteofield.simulation.writer import Frame, write_frame

        for t in range(3):
            row = {"time [day]": float(t), "TNF.mean [pM]": 1.0 + t, "E.De.mean [um]": float("nan")}
            write_frame(results, Frame(float(t), {}, {}, row))
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


def test_no_legend_of_a_course_covers_a_curve() -> None:
    figure, ax = plt.subplots(figsize=(2.5, 2.4), dpi=100)
    x = np.linspace(0, 1, 50)
    for k, y in enumerate((x, 1 - x, 0 * x, 0 * x + 1, 0.5 + 0.5 * np.sin(40 * x))):  # no corner is free
        ax.plot(x, y, label=f"a curve with the number {k}")
    legend = ax.legend(loc="best", fontsize=6)
    figure.draw_without_rendering()

    def covered() -> list[bool]:
        box = legend.get_window_extent()
        paths = [line.get_path().transformed(line.get_transform()) for line in ax.lines]
        return [bool(p.intersects_bbox(box, filled=False)) for p in paths]

    assert any(covered())
    make_room(ax)
    figure.draw_without_rendering()
    assert not any(covered()) and ax.get_ylim()[1] < 2.2
    plt.close(figure)


def test_film_has_a_frame_for_each_time_and_one_scale(opengl: None, result3: Result, tmp_path: Path) -> None:
    (path,) = plot(result3.path, what="animation", out=tmp_path)
    with Image.open(path) as film:
        assert (path.name, film.n_frames) == ("animation.gif", 2)
        frames = []
        for k in range(2):
            film.seek(k)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    bar = frames[0].shape[0] - 60  # the colour bars are the same, the pictures are not
    assert np.abs(frames[0][bar:-30] - frames[1][bar:-30]).mean() < 2
    assert np.abs(frames[0][60:bar] - frames[1][60:bar]).mean() > 3
    assert (frames[1][40, 3] == 255).all()  # white stays white


def test_film_follows_a_surface_that_moves(tmp_path: Path) -> None:
    """Each output time has its own mesh; the bone of the start is drawn dashed."""
    from osteofield.simulation.writer import Frame, write_frame

    meshes = [ball(2, radius) for radius in (RADIUS, 0.8 * RADIUS)]
    with prepare(tmp_path / "moving", "ball", "h", screen=False) as results:
        results.begin(UNITS, {"roles": {"depth": "pit", "show": ["TNF"]}, "dimension": 2})
        for k, mesh in enumerate(meshes):
            marrow = {"TNF": mesh.marrow_points[:, 0]}
            surface = {"pit": np.full(len(mesh.surface_points), 60.0 * k)}
            row = {"time [day]": float(k), "BV/TV [1]": 0.3}
            write_frame(results, Frame(float(k), marrow, surface, row, mesh))
        results.end({})
    state = State(open_results(tmp_path / "moving"), 1)
    assert state.moves and not state.first.moves
    assert len(state.first.surface_mesh[0]) != len(state.surface_mesh[0])
    (path,) = plot(tmp_path / "moving", what="animation")
    with Image.open(path) as film:
        assert film.n_frames == 2
    assert [p.stem for p in plot(tmp_path / "moving")] == ["lesion", "TNF", "panels"]


def test_mp4_without_ffmpeg_is_refused_with_advice(
    result2: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="pip install imageio-ffmpeg.*--film gif"):
        plot(result2.path, what="animation", film="mp4", out=tmp_path)


def test_mp4_is_written_where_there_is_ffmpeg(result2: Result, tmp_path: Path) -> None:
    try:
        tool = require_ffmpeg()
    except InputError:
        pytest.skip("there is no ffmpeg")
    (path,) = plot(result2.path, what="animation", film="mp4", out=tmp_path)
    said = subprocess.run([tool, "-i", str(path), "-f", "null", "-"], capture_output=True, text=True).stderr
    assert "Video: h264" in said and "yuv420p" in said


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
