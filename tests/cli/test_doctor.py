# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield doctor``: right where a run works, and a remedy where it does not."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from osteofield import cbuild, diagnosis
from osteofield.batch import Launcher
from osteofield.cli import main


@pytest.fixture
def forget_the_compiler():
    for known in (cbuild.compiler, cbuild._machine):
        known.cache_clear()
    yield
    for known in (cbuild.compiler, cbuild._machine):
        known.cache_clear()


@pytest.mark.mpi
def test_this_environment_can_run_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for what in ("packages", "C compiler", "code cache", "DOLFINx, PETSc", "MPI launch"):
        assert f"  ok      {what}" in said
    assert re.search(r"preconditioners gamg", " ".join(said.split()))
    assert "\x1b" not in said
    assert said.splitlines()[-1] == "osteofield can run here."
    own = [p for p in tmp_path.rglob("*") if p.is_file() and "fontlist" not in p.name]  # Matplotlib's
    assert own == []


def only(name: str, findings) -> diagnosis.Finding:
    (found,) = [f for f in findings if f.what == name]
    return found


def test_faults_have_remedies_and_decide_the_exit_status(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    forget_the_compiler: None,
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setattr(diagnosis, "find_launcher", lambda: None)
    monkeypatch.setattr(diagnosis, "PACKAGES", ("numpy", "no_such_package"))
    monkeypatch.setattr(diagnosis, "useful", lambda: iter([diagnosis.Finding("Slurm", "absent", "x", "y")]))
    assert main(["doctor"]) == 3
    out, err = capsys.readouterr()
    said = " ".join(out.split())
    assert "FAILS C compiler the C compiler that CC names, 'no-such-compiler', was not found." in said
    assert "file/osteofield cannot be written -> set XDG_CACHE_HOME" in said
    assert "there is no mpiexec in this environment or on the PATH -> activate the environment" in said
    assert "cannot be imported: no_such_package" in said
    assert "absent Slurm x -> y" in said
    assert "a run cannot work here: packages, C compiler, code cache, MPI launch." in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [({"real": False}, "real numbers"), ({"preconditioners": ["hypre"]}, r"own multigrid \(gamg\)")],
)
def test_builds_of_petsc_that_will_not_do(
    changes: dict, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"dolfinx": "0.11", "petsc": "3.25", "real": True, "bits": 32, "preconditioners": ["gamg"],
             "solvers": []} | changes  # fmt: skip
    answer = subprocess.CompletedProcess([], 0, f"noise\n{json.dumps(facts)}\n", "")
    monkeypatch.setattr(diagnosis, "_python", lambda *_: answer)
    found = diagnosis._tried("x", diagnosis._fem)
    assert found.state == "fails"
    assert re.search(remedy, found.remedy)


def test_a_launcher_of_another_mpi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts copies that do not know of each other; none of them must be waited for."""
    wrapper = tmp_path / "mpiexec"
    wrapper.write_text('#!/bin/sh\nshift 2\nexport OMPI_COMM_WORLD_SIZE=2\nexec "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(diagnosis, "find_launcher", lambda: Launcher(wrapper, "Open MPI", ""))
    found = diagnosis._tried("MPI launch", diagnosis._mpi)
    assert found.state == "fails"
    assert "cannot start two ranks" in found.found
    assert "the environment that DOLFINx is in" in found.remedy


def test_shared_memory_that_ended_runs_left(tmp_path: Path) -> None:
    (tmp_path / "mpich_shm_1_0").touch()
    assert diagnosis._abandoned(tmp_path) == [str(tmp_path / "mpich_shm_1_0")]


def test_slurm_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = only("Slurm", [diagnosis._tried("Slurm", diagnosis._slurm, "absent")])
    assert (found.state, found.found) == ("absent", "there is no sbatch here")


def test_slurm_that_nobody_has_set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sbatch").write_text("#!/bin/sh\necho 'sbatch: fatal: no configuration' >&2; exit 1\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = diagnosis._tried("Slurm", diagnosis._slurm, "absent")
    assert found.found == "sbatch is installed but cannot be used: sbatch: fatal: no configuration"
    assert found.state == "absent" and "writes scripts all the same" in found.remedy


def test_slurm_without_the_plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in (("sbatch", "echo slurm 22.05"), ("srun", "echo none cray_shasta")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(diagnosis, "find_launcher", lambda: Launcher(Path("/x/mpiexec"), "MPICH", ""))
    found = diagnosis._tried("Slurm", diagnosis._slurm, "absent")
    assert "no --mpi=pmi2" in found.found
    assert "mpiexec -n {ranks}" in found.remedy
    (tmp_path / "srun").write_text("#!/bin/sh\necho none pmi2\n")
    assert "srun --mpi=pmi2" in diagnosis._tried("Slurm", diagnosis._slurm).found


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from osteofield.cli import doctor

    monkeypatch.setattr(doctor.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert doctor._coloured("ok", "32") == "\x1b[32mok\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert doctor._coloured("ok", "32") == "ok"
