# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command as a whole: verbs, help, exit status, and what is imported when."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from osteofield.cli import entry, main
from osteofield.cli.screen import complain
from osteofield.errors import ComputationStopped, InputError, Problem

VERBS = ("run", "check", "mesh", "models", "plot", "new")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_has_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"  osteofield {verb}" in text.split("example", 1)[1]


def test_help_lists_the_verbs_and_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n    {verb} " in text for verb in VERBS)
    assert "2 the input is wrong" in text


def test_no_verb_at_all_is_answered_by_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert "  osteofield new osteomyelitis " in out and not err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("osteofield ")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["rnu"], "there is no verb 'rnu'; did you mean 'run'?"),
        (["run"], "'osteofield run' needs CASE.toml (the case file); see osteofield run --help."),
        (["plot", "-q"], "'osteofield plot' needs DIR (a results folder); see osteofield plot --help."),
        (["run", "a.toml", "--resume", "--overwrite"], "not allowed with"),
        (["run", "a.toml", "--over"], "no option --over; did you mean '--overwrite'?"),
        (["run", "-q", "a.toml"], "no option -q; did you mean '--quiet'?"),
        (["check", "none.toml"], "none.toml: there is no such file."),
        (["plot", "nowhere"], "nowhere: there is no such folder; results are in 'results/CASE' by default."),
        (["models", "osteoimune"], "did you mean 'osteoimmune'?"),
        (["models", "none.toml"], "none.toml: there is no such file."),
        (["mesh", "info", "none.xdmf"], "none.xdmf: there is no such file."),
    ],
)
def test_wrong_input_is_exit_status_2(
    argv: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            InputError([Problem("a."), Problem("b."), Problem("a.")]),
            2,
            "a.\nb.\nosteofield: 2 problems; nothing was",
        ),
        (
            ComputationStopped("the step became too short."),
            3,
            "the computation stopped: the step became too short.",
        ),
        (
            PermissionError(13, "Permission denied", "/x/y"),
            3,
            "the computation stopped: Permission denied: /x/y",
        ),
        (KeyboardInterrupt(), 130, "interrupted."),
    ],
)
def test_exit_status_of_errors(
    error: BaseException,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(args: object) -> int:
        raise error

    monkeypatch.setattr(entry.VERBS["models"], "execute", fail)
    assert main(["models"]) == status
    assert message in capsys.readouterr().err


def test_an_error_of_the_program_itself_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(args: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(entry.VERBS["models"], "execute", fail)
    with pytest.raises(ZeroDivisionError):
        main(["models"])


def test_of_several_ranks_only_the_first_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PMI_RANK", "1")
    assert main(["check", "none.toml"]) == 2
    assert main(["--help"]) == 0
    assert main(["run"]) == 2
    assert main(["models"]) == 0
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("PMI_RANK", "0")
    assert main(["check", "none.toml"]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verbs", "light"),
    [
        ([["--help"], ["models"], ["new"], ["new", "komarova2003"]], True),
        ([["check", "komarova2003.toml"], ["run", "komarova2003.toml", "--quiet"]], False),
    ],
)
def test_what_a_verb_does_not_need_is_not_imported(
    verbs: list[list[str]], light: bool, tmp_path: Path, repository: Path
) -> None:
    if not light:
        shutil.copy(repository / "cases" / "komarova2003.toml", tmp_path)
    heavy = {"dolfinx", "pyvista", "matplotlib", "SimpleITK", "scipy.ndimage", "scipy.spatial"}
    if light:
        heavy |= {"petsc4py", "mpi4py", "scipy", "sympy", "pint"}
    code = (
        "import sys\n"
        "from osteofield.cli import main\n"
        f"for verb in {verbs}:\n"
        "    assert main(verb) == 0, verb\n"
        f"found = {heavy} & set(sys.modules)\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["osteofield", "osteofield.cli"])
def test_the_command_is_a_module_too(module: str, tmp_path: Path) -> None:
    run = [sys.executable, "-m", module, "check", "none.toml"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("none.toml: there is no such file.\n")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m osteofield models osteoimmune | head -n 1"
    run = ["bash", "-o", "pipefail", "-c", command]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_every_verb_is_a_module_of_its_own() -> None:
    for verb in VERBS:
        module = importlib.import_module(f"osteofield.cli.{verb}")
        assert module.HELP and module.DESCRIPTION and module.EXAMPLES


def test_advice_is_no_problem_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    complain([Problem("this is wrong."), Problem("do that.", advice=True)])
    assert capsys.readouterr().err.splitlines() == [
        "this is wrong.", "do that.", "osteofield: 1 problem; nothing was started.",
    ]  # fmt: skip
