# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every test may use: the repository, the shared micro-CT sample, and MPI runs with a time limit."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

# before numpy, VTK or matplotlib are imported anywhere
os.environ["OMP_NUM_THREADS"] = "1"  # ranks and threads would fight for the same cores
os.environ["PYVISTA_OFF_SCREEN"] = "true"
os.environ["MPLBACKEND"] = "Agg"

ROOT = Path(__file__).resolve().parents[1]

RunMpi = Callable[..., str]

PATIENCE = 300.0
"""Seconds after which a process counts as hanging: many, for machines that are busy with other things."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with slow tests come first where several workers share the files: none is left alone with one."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the human micro-CT sample, kept beside the repository and not part of it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared micro-CT sample (../shared/data) is not on this machine")
    return folder


@pytest.fixture
def run_mpi(tmp_path: Path) -> RunMpi:
    """Run Python on several MPI ranks: ``run_mpi(n, code_or_argv, timeout=PATIENCE, *, cwd=None, status=0)``.

    `code_or_argv` is either source text or what follows ``python`` on the command line, for
    example ``["-m", "osteofield", "run", "case.toml"]``. Uses the launcher of the
    environment that runs the tests, never the system's. Returns standard output; standard error
    is shown when the exit status is not `status`.
    """
    launcher = Path(sys.executable).with_name("mpiexec")
    if not launcher.exists():
        pytest.skip(f"this environment has no MPI launcher ({launcher})")
    runs = 0

    def run(
        n: int,
        code_or_argv: str | Sequence[str | Path],
        timeout: float = PATIENCE,
        *,
        cwd: Path | None = None,
        status: int = 0,
    ) -> str:
        nonlocal runs
        runs += 1
        if isinstance(code_or_argv, str):
            script = tmp_path / f"mpi_{runs}.py"
            script.write_text(code_or_argv)
            arguments = [str(script)]
        else:
            arguments = [str(a) for a in code_or_argv]
        command = [str(launcher), "-n", str(n), sys.executable, *arguments]
        code, out, err = run_limited(command, timeout, cwd=cwd or tmp_path)
        assert code == status, (
            f"{shlex.join(command)}\n"
            + (f"did not end within {timeout:g} s" if code is None else f"exit status {code}, not {status}")
            + f"\n--- stdout ---\n{out[-4000:]}\n--- stderr ---\n{err[-8000:]}"
        )
        return out

    return run


def run_limited(
    command: Sequence[str], timeout: float, *, cwd: Path | None = None
) -> tuple[int | None, str, str]:
    """Run a command as a process group that is killed as a whole after `timeout` seconds.

    Returns:
        Exit status (None: it was killed), standard output and standard error.
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)  # lets mpiexec end its ranks, which may be in other groups
        try:
            out, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        return None, out, err
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


@pytest.fixture(scope="session")
def command() -> str:
    """The installed ``osteofield`` command of this environment."""
    found = shutil.which("osteofield", path=str(Path(sys.executable).parent))
    assert found, "osteofield is not installed in this environment: run 'make env'"
    return found


@pytest.fixture(autouse=True)
def one_team_at_a_time(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Ranks that wait keep a core busy, so tests of ranks take turns; jobs of Slurm mostly wait for it."""
    marks = request.node.get_closest_marker
    if "PYTEST_XDIST_WORKER" not in os.environ or marks("mpi") is None or marks("slurm") is not None:
        yield
        return
    with open(tmp_path_factory.getbasetemp().parent / "ranks.lock", "w", encoding="utf-8") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield
