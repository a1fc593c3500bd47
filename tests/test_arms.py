# SPDX-License-Identifier: LGPL-3.0-or-later
"""Running arms: a folder each, one table, resuming, starting afresh."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from osteofield import api
from osteofield.case import load_case
from osteofield.cli import main
from osteofield.errors import InputError
from osteofield.results import open_results

from .infected import point

CASE = point(
    """
[[arm]]
name = "untreated"
[[arm]]
name = "treated"
[[arm.therapy]]
drug = "antibiotic"
from = "0 day"
dose = { level = 10 }
""",
    time='end = "2 day"',
)


@pytest.fixture
def case(tmp_path: Path):
    path = tmp_path / "trial.toml"
    path.write_text(CASE)
    return load_case(path)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "arms.csv").open() as f:
        return list(csv.DictReader(f))


def test_every_arm_has_its_folder_and_a_row(case, tmp_path):
    result = api.run(case, tmp_path / "out")
    assert list(result.arms) == ["untreated", "treated"]
    table = rows(tmp_path / "out")
    assert [r["arm"] for r in table] == ["untreated", "treated"]
    for row, arm in zip(table, result.arms.values(), strict=True):
        assert float(row["bacteria.mean [CFU/mm^3]"]) == pytest.approx(
            arm.history["bacteria.mean [CFU/mm^3]"][-1], rel=1e-8
        )
    assert float(table[1]["bacteria_total [CFU]"]) < 0.1 * float(table[0]["bacteria_total [CFU]"])
    alone = load_case(tmp_path / "out" / "treated" / "case.resolved.toml")
    assert alone == case.arms[1]


def test_resuming_keeps_what_is_done_and_finishes_the_rest(case, tmp_path):
    folder = tmp_path / "out"
    api.run(case, folder)
    want = open_results(folder / "treated").history
    untouched = (folder / "untreated" / "run.json").stat().st_mtime_ns
    record = folder / "treated" / "run.json"
    record.write_text(record.read_text("utf-8").replace('"status": "done"', '"status": "stopped"'))
    for path in (folder / "treated" / "checkpoints").iterdir():
        path.unlink()
    outcome = api.run_case(case, folder, resume=True, screen=False)
    assert outcome.status == "done"
    assert (folder / "untreated" / "run.json").stat().st_mtime_ns == untouched
    assert open_results(folder / "treated").history["OCa.mean [pM]"] == pytest.approx(want["OCa.mean [pM]"])


def test_a_comparison_goes_on_to_a_later_end_and_with_further_arms(case, tmp_path):
    folder = tmp_path / "out"
    api.run(case, folder)
    before = open_results(folder).arms["treated"].history
    more = CASE.replace("2 day", "3 day") + '[[arm]]\nname = "late"\n'
    case.path.write_text('title = "a trial"\n' + more)
    api.run(load_case(case.path), folder, resume=True)
    arms = open_results(folder).arms
    assert list(arms) == ["untreated", "treated", "late"]
    for arm in arms.values():
        assert arm.times[-1] == 3.0 and arm.record["status"] == "done"
    n = len(before["OCa.mean [pM]"])
    assert np.array_equal(arms["treated"].history["OCa.mean [pM]"][:n], before["OCa.mean [pM]"])
    assert len(arms["treated"].record["sessions"]) == 2


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("level = 10", "level = 20", ["arm[1].therapy[0].dose.level: this was 10 when", "and is 20 now"]),
        ('load = "1000', 'load = "2000', ["focus[0].load: this was"]),
        (
            'name = "untreated"',
            'name = "control"',
            ["arm: the comparison was begun with the arm 'untreated'"],
        ),
    ],
)
def test_a_comparison_goes_on_only_as_it_was_begun(case, tmp_path, was, now, said):
    """Also where the arms that have changed are done: their rows would stand beside others' for nothing."""
    folder = tmp_path / "out"
    api.run(case, folder)
    state = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    case.path.write_text(CASE.replace(was, now))
    with pytest.raises(InputError) as caught:
        api.run(load_case(case.path), folder, resume=True)
    text = str(caught.value)
    for words in (*said, "case.resolved.toml; without --resume it starts afresh"):
        assert text.count(words) == 1
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == state


def test_the_same_case_again_moves_the_whole_folder_aside_or_replaces_it(case, tmp_path):
    folder = tmp_path / "out"
    api.run(case, folder)
    api.run(case, folder)
    assert list(open_results(tmp_path / "out.1").arms) == ["untreated", "treated"]
    (folder / "treated" / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="note.txt"):
        api.run(case, folder, overwrite=True)
    (folder / "treated" / "note.txt").unlink()
    api.run(case, folder, overwrite=True)
    assert not (tmp_path / "out.2").exists()


def test_nothing_to_resume_is_said(case, tmp_path):
    with pytest.raises(InputError, match="nothing to resume"):
        api.run(case, tmp_path / "none", resume=True)


def test_the_command_prints_the_table_and_draws_one_figure(case, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(case.path)]) == 0
    said = (tmp_path / "results/trial/log.txt").read_text("utf-8")
    assert "arm 2 of 2: treated" in said and "bone_loss [%]" in said
    pytest.importorskip("matplotlib")
    assert main(["plot", "results/trial"]) == 0
    assert (tmp_path / "results/trial/pictures/arms.png").stat().st_size > 10_000
    assert main(["check", str(case.path)]) == 0
    assert "2 arms, run one after the other" in capsys.readouterr().out


def test_faults_of_all_arms_come_before_anything_runs(case, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(CASE.replace('drug = "antibiotic"', 'drug = "antibiotics"'))
    with pytest.raises(InputError, match="arm\\[1\\].therapy\\[0\\].drug: model 'osteoimmune' has no input"):
        api.run(load_case(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
