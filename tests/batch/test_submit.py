# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield submit``: the script, the profile, and every wrong request at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from osteofield import batch
from osteofield.batch import Resources, check_resources, duration, read_profile, read_variants
from osteofield.cli import main
from osteofield.errors import InputError

from ..conftest import PATIENCE
from ..infected import point

CASE = point(head='title = "A point of it\'s marrow"', time='end = "2 day"')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my case.toml").write_text(CASE)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1", 60), ("90", 5400), ("2:30", 150), ("12:00:00", 43200), ("2-0", 172800), ("1-06:30", 109800),
     ("1-00:00:10", 86410), ("100:00:00", 360000)],
)  # fmt: skip
def test_time_limits(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "12h", "1:2:3:4", "0:90", "1:60:00", "-5", "2-1:2:3:4", "1.5"])
def test_texts_that_are_no_time_limits(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"time": "12h"}, "this is not a time limit"),
        ({"time": "0"}, "this is not a time limit"),
        ({"time": "5", "notice": 300.0}, "a notice of 300 s leaves nothing"),
        ({"ranks": 0}, "at least 1 is needed"),
        ({"nodes": 4, "ranks": 2}, "2 rank(s) cannot keep 4 nodes busy"),
        ({"memory": "16 GB"}, "memory per node is a whole number with K, M, G or T"),
        ({"partition": "a b"}, "this is no name of a partition"),
        ({"account": ""}, "this is no name of an account"),
    ],
)
def test_wrong_resources(changes: dict, said: str) -> None:
    (problem,) = check_resources(Resources(**{"time": "1:00:00", **changes}))
    assert said in str(problem)


def test_variants_are_all_combinations() -> None:
    made = read_variants(["focus.0.load=1 CFU/mm^3,2 CFU/mm^3", 'a.b=["x,y", 3]'])
    assert [v.settings for v in made] == [
        ("focus.0.load=1 CFU/mm^3", "a.b=x,y"), ("focus.0.load=1 CFU/mm^3", "a.b=3"),
        ("focus.0.load=2 CFU/mm^3", "a.b=x,y"), ("focus.0.load=2 CFU/mm^3", "a.b=3"),
    ]  # fmt: skip
    assert made[0].label == "focus.0.load=1CFU_per_mm_3_a.b=x_y"
    assert read_variants([]) == ()


def test_folders_of_variants_that_look_alike_are_numbered() -> None:
    assert [v.label for v in read_variants(["k=a b,ab,a/b"])] == ["0", "1", "2"]


TOO_MANY = ",".join(map(str, range(1001)))


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ("load", "not of the form"),
        ("k=a,,b", "empty"),
        ("k=a,a", "twice"),
        (f"k={TOO_MANY}", "1000 are the most"),
    ],
)
def test_wrong_variants(axis: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_variants([axis])


PROFILE = """\
[environment]
modules = ["gcc/12.2", "mpich"]
commands = ["export UCX_TLS=all"]
venv = "{folder}/env"
[slurm]
partition = "short"
account = "bone"
memory = "16G"
launch = "mpiexec -n {{ranks}}"
notice = "2 min"
options = ["--mail-type=END,FAIL"]
"""


def with_profile(folder: Path, text: str) -> Path:
    (folder / "env" / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "env" / "bin" / "activate").touch()
    path = folder / "config" / "osteofield" / "profile.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_profile_is_found_and_the_command_line_wins(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_profile(folder, PROFILE.format(folder=folder))
    assert main(["submit", "my case.toml", "--time", "2:00:00", "--ranks", "4", "--partition", "long"]) == 0
    assert "sbatch 'my case.sbatch'" in capsys.readouterr().out
    text = (folder / "my case.sbatch").read_text("utf-8")
    lines = [" ".join(x.split("  #")[0].split()) for x in text.splitlines()]
    for line in (
        "#SBATCH --partition=long", "#SBATCH --account=bone", "#SBATCH --mem=16G", "#SBATCH --ntasks=4",
        "#SBATCH --mail-type=END,FAIL", "#SBATCH --signal=B:USR1@120", "module load gcc/12.2 mpich",
        f". {folder}/env/bin/activate", "export UCX_TLS=all", "input='my case.toml'",
        "results='results/my case'",
        'mpiexec -n 4 osteofield run "$input" -o "$results" "${settings[@]}" "${how[@]}" &',
    ):  # fmt: skip
        assert line in lines, f"{line}\n{text}"
    assert lines.index("module load gcc/12.2 mpich") < lines.index("export UCX_TLS=all")


def test_without_a_profile_the_job_gets_this_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert read_profile().activation == (f". {sys.prefix}/bin/activate",)
    monkeypatch.setenv("CONDA_PREFIX", sys.prefix)
    monkeypatch.setenv("CONDA_EXE", "/opt/conda/bin/conda")
    hook, activate = read_profile().activation
    assert hook == 'eval "$(/opt/conda/bin/conda shell.bash hook)"'
    assert activate == f"conda activate {sys.prefix}"


def test_container(folder: Path) -> None:
    (folder / "bone.sif").touch()
    profile = read_profile(with_profile(folder, f'[environment]\ncontainer = "{folder}/bone.sif"\n'))
    job = batch.Job("a", "A", "a.toml", "results/a")
    text = batch.job_script(job, Resources("60"), profile, "srun --mpi=pmi2", "x", "checkpoints/*.h5")
    assert f'srun --mpi=pmi2 apptainer exec {folder}/bone.sif osteofield run "$input"' in text
    assert "command -v osteofield" not in text


def test_every_fault_of_a_profile_is_told(folder: Path) -> None:
    path = with_profile(
        folder,
        '[environment]\nvenv = "no"\nconda = "x"\nmoduls = []\n[slurm]\npartitoin = "p"\nnotice = "5 um"\n'
        'options = ["qos=1"]\n[slrum]\n',
    )
    with pytest.raises(InputError) as caught:
        read_profile()
    said = str(caught.value)
    assert f"{path}:3: environment.conda: give one of venv, conda and container" in said
    assert "environment.venv: there is no virtual environment in 'no'" in said
    assert "environment.moduls: this key is not known; did you mean 'modules'?" in said
    assert "slurm.partitoin: this key is not known; did you mean 'partition'?" in said
    assert "slurm.notice: '5 um' is a length, but a time is needed" in said
    assert "slurm.options[0]: an option of sbatch is needed" in said
    assert "slrum: this key is not known; did you mean 'slurm'?" in said
    with pytest.raises(InputError, match="there is no such file"):
        read_profile(folder / "none.toml")


def test_all_problems_come_together_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with_profile(folder, "[slurm]\nnone = 1\n")
    before = sorted(folder.rglob("*"))
    wrong = [
        "--time",
        "soon",
        "--array",
        "focus.0.load=1 um,2",
        "--set",
        "tme.end=3",
        "--at-once",
        "0",
        "--now",
    ]
    assert main(["submit", "my case.toml", *wrong]) == 2
    said = capsys.readouterr().err
    for part in (
        "slurm.none: this key is not known", "--array focus.0.load=1 um: '1 um' is a length",
        "--set tme.end=3: this key is not known", "--time soon", "--at-once 0", "no 'sbatch' on this machine",
    ):  # fmt: skip
        assert part in said, said
    assert said.count("--set tme.end=3") == 1
    assert sorted(folder.rglob("*")) == before


def test_another_script_of_that_name_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = folder / "my case.sbatch"
    script.write_text("mine")
    arguments = ["submit", "my case.toml", "--time", "60"]
    assert main(arguments) == 0
    assert (folder / "my case.sbatch.1").read_text("utf-8") == "mine"
    assert "is now my case.sbatch.1" in capsys.readouterr().out
    assert main(arguments) == 0  # the same again is the same script
    assert not (folder / "my case.sbatch.2").exists()


# what stands in for Slurm and for osteofield: the script alone is run
FAKE = {
    "scontrol": 'echo "scontrol $*"',
    "srun": 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"',
    "osteofield": 'printf "<%s>" "$@"; echo; exit ${STATUS:-0}',
}


@pytest.fixture
def run_script(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """``run_script(submit arguments, **environment)``: exit status and output of the script."""
    (folder / "bin").mkdir()
    for name, text in FAKE.items():
        (folder / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    profile = with_profile(folder, f'[environment]\ncommands = ["export PATH={folder}/bin:$PATH"]\n')

    def run(*arguments: str, **env: str) -> tuple[int, list[str]]:
        assert main(["submit", "my case.toml", "--time", "60", "--profile", str(profile), *arguments]) == 0
        done = subprocess.run(
            ["bash", "my case.sbatch"],
            env={"PATH": "/usr/bin:/bin", "SLURM_JOB_ID": "7", **env},
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        return done.returncode, done.stdout.splitlines()

    return run


def test_first_start(run_script) -> None:
    status, said = run_script("--set", "title=It's $HOME")
    assert (status, said) == (0, ["<run><my case.toml><-o><results/my case><--set><title=It's $HOME>"])


def test_a_status_other_than_85_ends_the_job(run_script) -> None:
    status, said = run_script(STATUS="3")
    assert status == 3
    assert len(said) == 1


def test_status_85_queues_the_job_again(run_script) -> None:
    status, said = run_script(STATUS="85")
    assert status == 85
    assert said[1] == "scontrol requeue 7"


def test_started_again_it_resumes_only_where_there_is_a_checkpoint(run_script, folder: Path) -> None:
    assert run_script(SLURM_RESTART_COUNT="1")[1][0].endswith("<results/my case>")
    (folder / "results/my case/checkpoints").mkdir(parents=True)
    assert run_script(SLURM_RESTART_COUNT="1")[1][0].endswith("<results/my case>")
    (folder / "results/my case/checkpoints/checkpoint_000001.h5").touch()
    assert run_script(SLURM_RESTART_COUNT="1")[1][0].endswith("<results/my case><--resume>")
    assert run_script(SLURM_RESTART_COUNT="0")[1][0].endswith("<results/my case>")
    assert run_script("--overwrite")[1][0].endswith("<--overwrite>")
    assert run_script("--resume")[1][0].endswith("<--resume>")


def test_tasks_of_an_array(run_script) -> None:
    array = ("--array", "focus.0.load=1 CFU/mm^3,2 CFU/mm^3", "--set", "time.end=1 day")
    _, said = run_script(*array, SLURM_ARRAY_TASK_ID="1")
    assert said == [
        "<run><my case.toml><-o><results/my case-array/focus.0.load=2CFU_per_mm_3>"
        "<--set><time.end=1 day><--set><focus.0.load=2 CFU/mm^3>"
    ]


LISTENS = """\
#!{python}
import os, pathlib, signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(85))
pathlib.Path("ready" + os.environ["PMI_RANK"]).touch()
time.sleep(600)
"""


@pytest.mark.mpi
def test_another_launcher_hands_the_notice_on(folder: Path) -> None:
    """The script is told, tells mpiexec, and mpiexec its ranks."""
    launcher = Path(sys.executable).with_name("mpiexec")
    if not launcher.exists():
        pytest.skip("this environment has no MPI launcher")
    (folder / "bin").mkdir()
    for name, text in (("scontrol", f"#!/bin/bash\n{FAKE['scontrol']}\n"), ("osteofield", LISTENS)):
        (folder / "bin" / name).write_text(text.replace("{python}", sys.executable))
        (folder / "bin" / name).chmod(0o755)
    environment = f'[environment]\ncommands = ["export PATH={folder}/bin:$PATH"]\n'
    profile = with_profile(folder, f'{environment}[slurm]\nlaunch = "{launcher} -n {{ranks}}"\n')
    assert main(["submit", "my case.toml", "--time", "60", "--ranks", "2", "--profile", str(profile)]) == 0
    env = {**os.environ, "SLURM_JOB_ID": "7"}
    script = subprocess.Popen(["bash", "my case.sbatch"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        while not ((folder / "ready0").exists() and (folder / "ready1").exists()):
            assert script.poll() is None
            time.sleep(0.1)
        script.send_signal(signal.SIGUSR1)
        said, _ = script.communicate(timeout=PATIENCE)
    finally:
        script.kill()
    assert script.returncode == 85
    assert said.splitlines()[-1] == "scontrol requeue 7"


def test_an_environment_without_osteofield_is_told(folder: Path) -> None:
    profile = with_profile(folder, '[environment]\ncommands = ["PATH=/usr/bin:/bin"]\nvenv = "env"\n')
    assert main(["submit", "my case.toml", "--time", "60", "--profile", str(profile)]) == 0
    done = subprocess.run(["bash", "my case.sbatch"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "osteofield is not on the PATH" in done.stderr
