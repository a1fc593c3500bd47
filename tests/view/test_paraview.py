# SPDX-License-Identifier: LGPL-3.0-or-later
"""The script for ParaView: what it says, and what ParaView makes of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from osteofield.cli import main
from osteofield.errors import InputError
from osteofield.results import Result, prepare
from osteofield.view import write_paraview

from ..conftest import PATIENCE
from .conftest import FOCUS, UNITS


def settings(script: Path) -> dict:
    found = re.search(r'json.loads\(r"""(.*?)"""\)', script.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return json.loads(found[1])


def test_script_is_python_about_these_results(result3: Result, tmp_path: Path) -> None:
    script = write_paraview(result3.path, tmp_path)
    text = script.read_text(encoding="utf-8")
    compile(text, str(script), "exec")
    assert str(result3.path.parent) not in text and "@" not in text  # relative paths, nothing left to fill in
    said = settings(script)
    assert said["depth"] == "pit" and said["field"] == "TNF" and said["bacteria"] == ["bacteria"]
    np.testing.assert_allclose(said["centre"], FOCUS)
    assert said["depth top"] == pytest.approx(result3.surface["pit"][-1].max())
    assert said["field title"] == "TNF (pM)"


def test_it_stands_in_for_pictures_on_the_command_line(
    result3: Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", str(result3.path), "--paraview", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "resorption.py")
    assert main(["plot", str(result3.path), "--paraview", "--time", "1 day"]) == 2
    assert "goes without --what, --time, --against" in capsys.readouterr().err


def test_results_without_fields_are_refused(tmp_path: Path) -> None:
    with prepare(tmp_path / "mixed", "mixed", "h", screen=False) as results:
        results.begin(UNITS, {"dimension": 0})
        results.end({})
    with pytest.raises(InputError, match="no fields to show"):
        write_paraview(tmp_path / "mixed")


def drawn(results: Path, folder: Path) -> np.ndarray:
    """The picture that ParaView makes of results moved to another place, started from a third one."""
    if not (shutil.which("pvbatch") and shutil.which("xvfb-run")):
        pytest.skip("ParaView is not installed; on Debian: apt-get install paraview xvfb")
    moved = folder / "moved"
    shutil.copytree(results, moved)
    write_paraview(moved)
    picture = folder / "picture.png"
    # its own Python and MPI, not those of this environment
    clean = {k: os.environ[k] for k in ("HOME", "LANG", "TMPDIR") if k in os.environ} | {"PATH": os.defpath}
    # displays with numbers of our own: two searches for a free one at a time may find the same
    first = 200 + 50 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in range(first, first + 3):
        screen = ["xvfb-run", "-n", str(number), "-s", "-screen 0 1600x1000x24"]
        command = [*screen, "pvbatch", str(moved / "resorption.py"), str(picture)]
        done = subprocess.run(
            command, cwd=folder, env=clean, capture_output=True, text=True, timeout=PATIENCE
        )
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ERR|" not in done.stderr and "Error" not in done.stderr, done.stderr[-2000:]
    import matplotlib.pyplot as plt

    image = plt.imread(picture)[..., :3]
    return np.asarray(image[: int(0.9 * len(image))])


@pytest.mark.parametrize("dimension", [2, 3])
def test_paraview_draws_it(dimension: int, result2: Result, result3: Result, tmp_path: Path) -> None:
    body = drawn((result3 if dimension == 3 else result2).path, tmp_path)
    assert (body.min(-1) < 0.9).mean() > 0.03
    if dimension == 3:  # eroded bone is dark purple or orange, infected marrow blue
        blue = (body[..., 2] > body[..., 0] + 0.15) & (body[..., 2] > 0.3)
        assert blue.sum() > 300


def test_paraview_draws_an_implant(tmp_path: Path) -> None:
    from .test_implant import write

    body = drawn(write(tmp_path / "pin", 3), tmp_path)
    flat = np.ptp(body, axis=-1) < 0.06
    assert (
        flat & (body.mean(-1) > 0.25) & (body.mean(-1) < 0.6)
    ).mean() > 0.01  # its grey, in light and shade
