# SPDX-License-Identifier: LGPL-3.0-or-later
"""The window: what is in it, and what is said where there is no display."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from osteofield.cli import main
from osteofield.errors import InputError
from osteofield.results import Result, prepare
from osteofield.view.state import State
from osteofield.view.window import View, build_window, require_display

from .conftest import SIZE, UNITS


def test_without_a_display_it_says_what_to_do_instead(
    result3: Result, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux may have no display")
    assert main(["view", str(result3.path)]) == 2
    said = capsys.readouterr().err
    assert "no display" in said and f"osteofield report {result3.path}" in said
    require_display(result3.path, {"DISPLAY": ":0"}, "linux")
    require_display(result3.path, {"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    require_display(result3.path, {}, "darwin")


def test_what_cannot_be_shown_is_refused(result3: Result, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'TNF'"):
        build_window(result3.path, "TNFa")
    with pytest.raises(InputError, match="'panels' is a picture; a population is needed"):
        build_window(result3.path, "panels")
    with prepare(tmp_path / "mixed", "mixed", "h", screen=False) as results:
        results.begin(UNITS, {"dimension": 0})
        results.end({})
    with pytest.raises(InputError, match="no fields to look at"):
        build_window(tmp_path / "mixed")


@pytest.mark.parametrize("name", [None, "TNF"])
def test_window_follows_time_and_plane(opengl: None, result3: Result, name: str | None) -> None:
    import pyvista as pv

    plotter = pv.Plotter(off_screen=True, window_size=[300, 200])
    view = View(plotter, State(result3, 1), name)
    assert "infected" in plotter.actors
    view.to_plane(np.array([0.0, 0, 1]), np.full(3, SIZE / 2))
    plotter.screenshot(None, return_img=True)
    assert plotter.actors["bone"].bounds[5] == pytest.approx(SIZE / 2, abs=0.1)
    view.to_time(2.0)
    assert view.state.step == 0
    assert plotter.actors["time"].get_text(3) == "day 0"
    plotter.close()


def test_flat_results_have_a_window_too(opengl: None, result2: Result) -> None:
    plotter = build_window(result2.path, "TNF", off_screen=True)
    image = plotter.screenshot(None, return_img=True)
    plotter.close()
    assert (image.min(-1) < 200).mean() > 0.1
