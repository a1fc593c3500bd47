# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs that go on: after an interruption, with a changed case, from the end of another run."""

from __future__ import annotations

import re
import signal
import threading
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import osteofield as of
from osteofield.api import run_case
from osteofield.case import load_case

from .infected import plate

CASE = plate(
    '[[therapy]]\ndrug = "antibiotic"\nfrom = "0.03 day"\ndose = { level = 0.3 }',
    cell="80 um",
    time='end = "3 day"',
    output='every = "0.25 day"',
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plate.toml"
    path.write_text(CASE)
    return path


def interrupted(file: Path, folder: Path, day: float, *settings: str, resume: bool = False) -> float:
    """Run until a signal after `day`; where it stopped."""

    def ask(progress):
        if progress.day > day:
            signal.raise_signal(signal.SIGTERM)

    outcome = run_case(load_case(file, settings), folder, progress=ask, screen=False, resume=resume)
    assert outcome.status == "interrupted"
    return outcome.time


def fields(folder: Path) -> dict[str, np.ndarray]:
    """Every dataset of every series, named by time."""
    found = {}
    for path in folder.glob("*.h5"):
        with h5py.File(path) as f:
            for group in f.values():
                label = f"{path.stem} {group.attrs.get('time', 'mesh')}"
                found |= {f"{label} {name}": data[:] for name, data in group.items()}
    return found


def test_resumed_files_are_those_of_an_uninterrupted_run(file, tmp_path):
    """Stopped three times, in between at no output time: on the same ranks bit by bit."""
    file.write_text(CASE.replace('from = "0.03 day"', 'from = "1.3 day"'))
    of.run(file, tmp_path / "whole")
    out = tmp_path / "out"
    first = interrupted(file, out, 0.6)
    assert of.open_results(out).times[-1] == first  # the row where it stopped
    second = interrupted(file, out, 1.31, resume=True)
    interrupted(file, out, 2.4, resume=True)
    result = of.run(file, out, resume=True)
    assert first not in result.times and second not in result.times
    assert (out / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()
    one, other = fields(tmp_path / "whole"), fields(out)
    assert list(one) == list(other)
    assert all(np.array_equal(one[k], other[k]) for k in one)
    assert [s["status"] for s in result.record["sessions"]] == [*["interrupted"] * 3, "done"]
    whole = of.open_results(tmp_path / "whole").record
    assert result.record["steps"] == whole["steps"]
    assert len(list((out / "checkpoints").iterdir())) == 2


def test_checkpoints_do_not_change_the_run(file, tmp_path):
    seldom = of.run(file, tmp_path / "seldom")
    often = of.run(file, tmp_path / "often", settings=["checkpoint.every=0.01 day", "checkpoint.keep=40"])
    assert (seldom.path / "history.csv").read_bytes() == (often.path / "history.csv").read_bytes()
    stored = sorted((often.path / "checkpoints").iterdir())
    steps = often.record["steps"]["accepted"]
    assert 15 < len(stored) <= min(40, steps + 2)


def test_a_checkpoint_on_request(file, tmp_path, monkeypatch):
    monkeypatch.setattr("osteofield.simulation.clock.LOOK", 0.0)
    out, request = tmp_path / "out", tmp_path / "out" / "checkpoint"
    seen: list[tuple[int, bool]] = []

    def ask(progress):
        if progress.steps == 5:
            request.touch()
        newest = max((out / "checkpoints").iterdir())
        seen.append((int(re.findall(r"\d+", newest.name)[0]), request.exists()))

    of.run(file, out, progress=ask)
    assert seen[:5] == [(1, False)] * 4 + [(1, True)]
    assert seen[5:] == [(2, False)] * (len(seen) - 5)


def test_longer_and_with_other_outputs(file, tmp_path):
    of.run(file, tmp_path / "out", settings=["time.end=1 day", "output.every=0.4 day"])
    more = of.run(file, tmp_path / "out", settings=["time.end=2 day", "output.every=1 day"], resume=True)
    assert more.times.tolist() == [0, 0.4, 0.8, 1.0, 2.0]
    again = of.run(file, tmp_path / "out", settings=["time.end=2 day", "output.every=1 day"], resume=True)
    assert again.times.tolist() == [0, 0.4, 0.8, 1.0, 2.0]


def test_what_has_changed_is_named_and_nothing_is_touched(file, tmp_path):
    out = tmp_path / "out"
    of.run(file, out, settings=["time.end=0.2 day"])
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    file.write_text(CASE.replace("1000 CFU", "900 CFU").replace('"3 day"', '"0.4 day"\ntolerance = 1e-4'))
    with pytest.raises(of.InputError) as e:
        of.run(file, out, resume=True)
    load, tolerance, advice = (str(p) for p in e.value.problems)
    assert 'focus[0].load: this was "1000 CFU/mm^3" when the checkpoint was written' in load
    assert "time.tolerance: this was 0.001" in tolerance and "is 0.0001 now" in tolerance
    assert "case.resolved.toml" in advice and "without --resume" in advice
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_a_model_file_that_has_changed(file, tmp_path):
    text = (Path(of.__file__).parent / "models" / "lemaire2004.toml").read_text("utf-8")
    model = tmp_path / "model.toml"
    model.write_text(text)
    file.write_text(
        'format = 1\n[sample]\nwell_mixed = true\n[initial]\nstate = "model"\n[model]\nname = "model.toml"\n'
        '[time]\nend = "1 day"\n'
    )
    of.run(file, tmp_path / "out")
    model.write_text(text.replace('"0.189 1/day"', '"0.188 1/day"'))
    with pytest.raises(of.InputError, match=r"model\.name: the model file has changed since the checkpoint"):
        of.run(file, tmp_path / "out", settings=["time.end=2 day"], resume=True)


def test_a_mesh_that_has_changed(file, tmp_path):
    from osteofield.geometry import build_sample
    from osteofield.geometry.sample_file import save_sample

    mesh, spec = tmp_path / "bone.xdmf", load_case(file).sample
    save_sample(build_sample(spec), mesh)
    text = '[sample]\nmesh = "bone.xdmf"\n' + CASE[CASE.index("[model]") :]
    file.write_text("format = 1\n" + text.replace('end = "3 day"', 'end = "0.1 day"'))
    of.run(file, tmp_path / "out")
    assert spec.shape is not None
    save_sample(build_sample(replace(spec, shape=replace(spec.shape, thickness=210.0))), mesh)
    with pytest.raises(of.InputError, match=r"sample: the sample, or the file it comes from, has changed"):
        of.run(file, tmp_path / "out", settings=["time.end=0.2 day"], resume=True)


# ---------------------------------------------------------------- from the end of another run


def test_a_run_starts_from_the_end_of_another(file, tmp_path):
    """Two days in one go, and as two cases of a day: the same, but for the steps around day 1."""
    quiet = [f"therapy.0.{k}" for k in ("from=0 day", "dose.level=0")]
    tight = [*quiet, "time.tolerance=1e-5", "output.every=1 day"]
    whole = of.run(file, tmp_path / "whole", settings=[*tight, "time.end=2 day"])
    of.run(file, tmp_path / "one", settings=[*tight, "time.end=1 day"])
    text = file.read_text("utf-8")
    later = tmp_path / "later.toml"
    focus = text[text.index("[[focus]]") : text.index("[[therapy]]")]
    later.write_text(text.replace(focus, '[initial]\nfrom = "one"\n'))
    two = of.run(later, tmp_path / "two", settings=[*tight, "time.end=1 day"])
    assert two.times.tolist() == [0.0, 1.0]
    for column, values in whole.history.items():
        if column != "time [day]" and not column.endswith(".residual [1]"):
            scale = np.abs(values).max()
            assert np.abs(two.history[column] - values[1:]).max() <= 2e-5 * scale, column
    residuals = [v for c, v in two.history.items() if c.endswith(".residual [1]")]
    assert max(np.abs(v).max() for v in residuals) < 1e-4
    assert "start: the end of the run in" in (tmp_path / "two" / "log.txt").read_text("utf-8")
    assert "homeostasis:" not in (tmp_path / "two" / "log.txt").read_text("utf-8")
    # resumed, it does not need the other run any more
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    longer = of.run(later, tmp_path / "two", settings=[*tight, "time.end=1.5 day"], resume=True)
    assert longer.times[-1] == 1.5


def test_a_start_that_does_not_fit_is_refused(file, tmp_path):
    of.run(file, tmp_path / "one", settings=["time.end=0.1 day"])
    start = f'initial.from="{tmp_path / "one"}"'
    with pytest.raises(of.InputError, match=r"initial\.from=.*: the run in .* has another sample"):
        of.run(file, tmp_path / "two", settings=[start, "sample.cell_size=70 um"])
    lemaire = ["model={name='lemaire2004'}", "focus=[]", "therapy=[]", "time.end=0.1 day"]
    with pytest.raises(of.InputError, match=r"the run in .* has IFN, .*the model of this case does not"):
        of.run(file, tmp_path / "two", settings=[start, *lemaire])
    of.run(file, tmp_path / "other", settings=[*lemaire, "initial.state=model"])
    with pytest.raises(of.InputError, match=r"the model of this case has IFN, .*that run .* does not"):
        of.run(file, tmp_path / "two", settings=[f'initial.from="{tmp_path / "other"}"'])
    with pytest.raises(of.InputError, match=r"initial\.from=.*there is no such folder"):
        of.run(file, tmp_path / "two", settings=[f'initial.from="{tmp_path / "none"}"'])
    with pytest.raises(of.InputError, match=r"initial\.state=model: the state is the one in 'from'"):
        of.run(file, tmp_path / "two", settings=[start, "initial.state=model"])
    for checkpoint in (tmp_path / "one" / "checkpoints").iterdir():
        checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(of.InputError, match=r"left no intact checkpoint of its end.*is damaged"):
        of.run(file, tmp_path / "two", settings=[start])
    assert not (tmp_path / "two").exists()


def test_a_run_that_still_goes_on_gives_no_start(file, tmp_path):
    failures: list[str] = []

    def try_it(progress):
        if progress.steps == 3:
            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()

    def attempt():
        from osteofield.results import last_state

        try:
            last_state(tmp_path / "one")
        except of.InputError as e:
            failures.append(str(e))

    of.run(file, tmp_path / "one", settings=["time.end=0.1 day"], progress=try_it)
    assert len(failures) == 1 and "another run is writing to this folder" in failures[0]
