# SPDX-License-Identifier: LGPL-3.0-or-later
"""The Slurm script of a job: what its owner would have written, with the reasons beside the lines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .profile import Profile
from .resources import Resources
from .variants import Variant


@dataclass(frozen=True)
class Job:
    """What shall run.

    Attributes:
        name: Of the job and its log.
        title: One line for the head of the script.
        case: The case file, as the job shall name it.
        results: Results folder; with variants, the folder that holds theirs.
        settings: ``key=value`` changes that all variants share.
        variants: Tasks of an array; empty for a single job.
        at_once: How many tasks of the array may run at a time; None for no limit.
        resume: Go on from a checkpoint already in the first start.
        overwrite: Replace earlier results instead of moving them aside.
    """

    name: str
    title: str
    case: str
    results: str
    settings: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    at_once: int | None = None
    resume: bool = False
    overwrite: bool = False


def job_script(
    job: Job, asked: Resources, profile: Profile, launch: str, command: str, checkpoints: str
) -> str:
    """The text of the script.

    Args:
        launch: What starts the ranks, ``{ranks}`` standing for their number.
        command: The command line that asked for this script, for its head.
        checkpoints: Shell pattern of checkpoints inside a results folder.
    """
    by_srun = launch.split()[0].rpartition("/")[2] == "srun"
    blocks = [
        _head(job, command),
        _options(job, asked, profile, by_srun),
        _environment(profile),
        _what(job),
        _resume(job, checkpoints),
        _launch(job, asked, profile, launch, by_srun),
        _again(),
    ]
    return "\n\n".join("\n".join(block) for block in map(list, blocks)) + "\n"


def _head(job: Job, command: str) -> Iterator[str]:
    yield "#!/bin/bash"
    yield f"# {job.title}"
    yield f"# written by: {command}"


def _options(job: Job, asked: Resources, profile: Profile, by_srun: bool) -> Iterator[str]:
    options = [("--job-name=" + job.name, "")]
    if job.variants:
        limit = f"%{job.at_once}" if job.at_once else ""
        options.append((f"--array=0-{len(job.variants) - 1}{limit}", "one task for every variant below"))
    options += [
        (f"--nodes={asked.nodes}", ""),
        (f"--ntasks={asked.ranks}", "MPI ranks, over all nodes"),
        ("--cpus-per-task=1", ""),
        (f"--time={asked.time}", ""),
    ]
    for name, value in (("mem", asked.memory), ("partition", asked.partition), ("account", asked.account)):
        if value is not None:
            options.append((f"--{name}={value}", "memory per node" if name == "mem" else ""))
    options += [(text, "from the profile") for text in profile.options]
    log = f"{job.name}-%A_%a.log" if job.variants else f"{job.name}-%j.log"
    whom = "" if by_srun else "B:"
    told = "every rank" if by_srun else "this script"
    options += [
        (f"--output={log}", ""),
        ("--open-mode=append", "a job that is started again goes on in the same log"),
        ("--requeue", "also after a lost node or preemption"),
        (f"--signal={whom}USR1@{asked.notice:.0f}", f"{told} is told so many seconds before the limit"),
    ]
    width = max(len(option) for option, _ in options)
    for option, why in options:
        yield f"#SBATCH {option:<{width}}  # {why}" if why else f"#SBATCH {option}"


def _environment(profile: Profile) -> Iterator[str]:
    yield from profile.activation
    yield "export OMP_NUM_THREADS=1  # one thread per rank; more would compete for the same cores"
    if not profile.prefix:
        yield "if ! command -v osteofield >/dev/null; then"
        yield '    echo "osteofield is not on the PATH: the lines above did not bring its environment." >&2'
        yield "    exit 2"
        yield "fi"


def _what(job: Job) -> Iterator[str]:
    yield f"input={shlex.quote(job.case)}"
    if not job.variants:
        yield f"results={shlex.quote(job.results)}"
        yield f"settings=({_settings(job.settings)})"
        return
    yield "case $SLURM_ARRAY_TASK_ID in"
    width = len(str(len(job.variants) - 1))
    for n, variant in enumerate(job.variants):
        results = shlex.quote(f"{job.results}/{variant.label}")
        chosen = _settings((*job.settings, *variant.settings))
        yield f"{n:>{width}}) results={results} settings=({chosen}) ;;"
    yield "esac"


def _settings(settings: Sequence[str]) -> str:
    return " ".join(f"--set {shlex.quote(s)}" for s in settings)


def _resume(job: Job, checkpoints: str) -> Iterator[str]:
    first = "--resume" if job.resume else "--overwrite" if job.overwrite else ""
    yield "# started again after a time limit, a lost node or preemption: go on from the newest checkpoint"
    yield f"how=({first})"
    yield (
        f'if [ "${{SLURM_RESTART_COUNT:-0}}" -gt 0 ] && compgen -G "$results/{checkpoints}" >/dev/null; then'
    )
    yield "    how=(--resume)"
    yield "fi"


def _launch(job: Job, asked: Resources, profile: Profile, launch: str, by_srun: bool) -> Iterator[str]:
    start = launch.replace("{ranks}", str(asked.ranks))
    run = " ".join(filter(None, (start, profile.prefix, "osteofield run")))
    line = f'{run} "$input" -o "$results" "${{settings[@]}}" "${{how[@]}}"'
    if by_srun:
        yield "# MPICH names shared memory after job and step, and what a killed rank leaves behind is in"
        yield "# the way of the next one on that node: a job that was started again takes another step"
        yield "for ((n = 0; n < ${SLURM_RESTART_COUNT:-0}; n++)); do"
        yield "    srun --nodes=1 --ntasks=1 --mpi=none true"
        yield "done"
        yield line
        yield "status=$?"
        return
    yield "# the signal comes to this script: hand it on to the launcher, and wait for that to end"
    yield f"{line} &"
    yield "launcher=$!"
    yield "trap 'kill -USR1 \"$launcher\"' USR1"
    yield 'wait "$launcher"'
    yield "status=$?"
    yield 'while kill -0 "$launcher" 2>/dev/null; do wait "$launcher"; status=$?; done'


def _again() -> Iterator[str]:
    yield "# 85: the time was nearly over, a checkpoint is written and the rest is for another turn"
    yield 'if [ "$status" -eq 85 ]; then'
    yield '    scontrol requeue "$SLURM_JOB_ID" || exit 3'
    yield "fi"
    yield 'exit "$status"'
