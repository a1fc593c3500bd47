# SPDX-License-Identifier: LGPL-3.0-or-later
"""The same case on 1, 2 and 3 ranks gives the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import osteofield as of
from osteofield.results.checkpoint import read_newest

from ..conftest import PATIENCE
from ..infected import ball, point
from ..simulation.test_moving import MOVING, QUIET

pytestmark = pytest.mark.mpi

FOAM = """\
format = 1
[sample]
cell_size = "52 um"
[sample.synthetic]
size = ["2 mm", "2 mm", "2 mm"]
"BV/TV" = 0.23
spacing = "936 um"
seed = 1
[model]
name = "osteoimmune"
[model.parameters]
turnover = "rodent"
[[focus]]
center = "center"
radius = "300 um"
load = "1000 CFU/mm^3"
[time]
end = "0.5 day"
tolerance = 0.1
first_step = "0.03 day"
linear_tolerance = 1e-11   # together 1e-12
[output]
every = "0.25 day"
"""

SMALL = ball('[boundary]\nouter = "open"', time='end = "5 day"')

POINT = point(time='end = "5 day"')


@pytest.fixture
def on_ranks(run_mpi, tmp_path):
    """``on_ranks(case file, ranks, *settings)``: results of one run per number of ranks."""

    def run(case: Path, ranks: tuple[int, ...], *settings: str, timeout: float = PATIENCE) -> list[of.Result]:
        out = []
        for n in ranks:
            folder = tmp_path / f"on_{n}"
            changes = [a for s in settings for a in ("--set", s)]
            run_mpi(n, ["-m", "osteofield", "run", case, "-o", folder, *changes], timeout)
            out.append(of.open_results(folder))
            assert out[-1].record["ranks"] == n
        return out

    return run


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "case.toml"
    file.write_text(text)
    return file


def worst(one, other) -> tuple[float, str]:
    """Largest difference of a column over its largest value, mass-balance residuals left out."""
    assert list(one.history) == list(other.history)
    found = (0.0, "")
    for column, values in one.history.items():
        if not column.endswith(".residual [1]"):
            size = np.abs(values).max()
            difference = np.abs(values - other.history[column]).max()
            found = max(found, (float(difference / size) if size else float(difference), column))
    return found


def test_section_with_its_own_settings(on_ranks, repository):
    """The shipped two-dimensional case, its first four days."""
    one, *others = on_ranks(repository / "cases" / "osteomyelitis_2d.toml", (1, 2, 3), "time.end=4 day")
    assert len(one.times) == 5
    assert one.history["bacteria_total [CFU]"][-1] > 100
    for other in others:
        assert worst(one, other) < (1e-8, "")
        assert other.record["steps"]["accepted"] == one.record["steps"]["accepted"]
        for domain in ("marrow", "surface"):  # fields, too, in the same numbering
            a, b = getattr(one, domain), getattr(other, domain)
            assert np.array_equal(a.points, b.points) and np.array_equal(a.cells, b.cells)
            for name in a:
                x, y = np.nan_to_num(a[name][-1]), np.nan_to_num(b[name][-1])
                assert np.abs(x - y).max() <= 1e-7 * np.abs(x).max(), name


def test_volume_with_default_settings(on_ranks, tmp_path):
    """Open box, default linear tolerance: within a tenth of the tolerance of the steps."""
    one, two = on_ranks(written(tmp_path, SMALL), (1, 2))
    assert worst(one, two) < (1e-4, "")
    assert one.history["depth.mean [um]"][-1] > 0.01


def test_point_on_two_ranks(on_ranks, tmp_path):
    """One point lives on the first rank; the other has nothing and must not disturb."""
    one, two = on_ranks(written(tmp_path, POINT), (1, 2))
    assert worst(one, two)[0] == 0.0


@pytest.mark.slow
def test_large_volume_solved_tightly(on_ranks, tmp_path):
    """More than 50 000 marrow nodes, linear solves to 1e-12."""
    one, *others = on_ranks(written(tmp_path, FOAM), (1, 2, 3))
    assert one.record["mesh"]["marrow_nodes"] > 50_000
    assert one.record["steps"]["accepted"] >= 4
    for other in others:
        assert worst(one, other) < (1e-8, "")


CODE = """
import signal
from pathlib import Path
from osteofield.api import run_case
from osteofield.case import load_case

def ask(progress):
    if progress.day > {day}:
        signal.raise_signal(signal.SIGTERM)

case = load_case({file!r}, {settings!r})
outcome = run_case(case, Path({folder!r}), progress=ask, screen=False, resume={resume})
assert outcome.status == "{status}", outcome
"""


@pytest.mark.parametrize("ranks", [(1, 3), (4, 2)], ids=["1 to 3", "4 to 2"])
def test_resumed_on_another_number_of_ranks(run_mpi, tmp_path, ranks):
    """Rows are those of a run that was never stopped, on whatever ranks, within the linear tolerance."""
    file = written(tmp_path, SMALL)
    settings = ["time.linear_tolerance=1e-7", "time.end=2 day", "output.every=0.5 day"]
    about = {"file": str(file), "settings": settings, "folder": str(tmp_path / "out")}
    run_mpi(ranks[0], CODE.format(day=1.2, resume=False, status="interrupted", **about))
    run_mpi(ranks[1], CODE.format(day=99, resume=True, status="done", **about))
    resumed = of.open_results(tmp_path / "out")
    assert [s["ranks"] for s in resumed.record["sessions"]] == list(ranks)
    whole = of.run(file, tmp_path / "whole", settings=settings)
    assert np.array_equal(resumed.times, whole.times)
    assert worst(whole, resumed) < (1e-8, "")
    assert resumed.record["steps"]["accepted"] == whole.record["steps"]["accepted"]
    for domain in ("marrow", "surface"):
        a, b = getattr(whole, domain), getattr(resumed, domain)
        assert np.array_equal(a.points, b.points) and np.array_equal(a.cells, b.cells)
        for name in a:
            x, y = np.nan_to_num(a[name][-1]), np.nan_to_num(b[name][-1])
            assert np.abs(x - y).max() <= 1e-7 * np.abs(x).max(), name


def test_surface_that_moves(run_mpi, tmp_path):
    """Stopped between re-cuts on 2 ranks (1) and gone on on 1 (3): as on one rank without a stop."""
    (tmp_path / "quiet.toml").write_text(QUIET)
    held = '[[bone_holds]]\npopulation = "solute"\nconcentration = "7 pM"\nnew_bone = "none"\n'
    file = written(tmp_path, MOVING + held)
    settings = ["remodelling.recut=0.1", "time.end=12 day"]
    whole = of.run(file, tmp_path / "whole", settings=settings)
    assert whole.history["resorbed [mm^3]"][-1] > 1e-3
    both = whole.history["solute.total [amol]"] + whole.history["solute_in_bone.total [amol]"]
    assert np.ptp(both) < 1e-9 * both[0] and np.ptp(whole.history["solute.total [amol]"]) > 0.05 * both[0]
    about: dict[str, object] = {"file": str(file), "settings": settings}
    for ranks in ((2, 1), (1, 3)):
        folder = tmp_path / "to".join(map(str, ranks))
        about["folder"] = str(folder)
        run_mpi(ranks[0], CODE.format(day=6.5, resume=False, status="interrupted", **about))
        run_mpi(ranks[1], CODE.format(day=99, resume=True, status="done", **about))
        resumed = of.open_results(folder)
        assert [s["ranks"] for s in resumed.record["sessions"]] == list(ranks)
        assert worst(whole, resumed) < (1e-7, "")
        for domain in ("marrow", "surface"):
            a, b = getattr(whole, domain), getattr(resumed, domain)
            assert np.array_equal(a.cells, b.cells) and np.abs(a.points - b.points).max() < 1e-6


def test_resumed_on_the_same_ranks_bit_by_bit(run_mpi, tmp_path):
    file = written(tmp_path, SMALL)
    settings = ["time.end=0.5 day", "output.every=0.1 day"]
    about = {"file": str(file), "settings": settings}
    for folder, day, resume, status in (
        ("whole", 99, False, "done"), ("out", 0.25, False, "interrupted"), ("out", 99, True, "done"),
    ):  # fmt: skip
        run_mpi(2, CODE.format(day=day, resume=resume, status=status, folder=str(tmp_path / folder), **about))
        if status == "interrupted":
            kept = read_newest(tmp_path / folder / "checkpoints")
            assert len(kept.facts["blocks"]["rows"]) == 2, "stop where node blocks serve the next step, too"
            kept.arrays.close()
    assert (tmp_path / "whole/history.csv").read_bytes() == (tmp_path / "out/history.csv").read_bytes()
