# SPDX-License-Identifier: LGPL-3.0-or-later
"""The user's cluster profile: how osteofield is brought to a compute node, and Slurm's usual options.

It is read from ``$XDG_CONFIG_HOME/osteofield/profile.toml`` (``~/.config/...``). Without one, jobs
use the environment that ``osteofield submit`` itself runs in.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..case.table import Table
from ..errors import InputError, Problem, in_order
from ..tomlsource import TomlSource


@dataclass(frozen=True)
class Profile:
    """What all jobs of a user on one cluster share.

    Attributes:
        activation: Shell lines that put ``osteofield`` on the PATH.
        prefix: Command in front of ``osteofield``, for example ``apptainer exec image.sif``.
        partition, account, memory: Used where the command line gives none.
        launch: Command that starts the ranks, ``{ranks}`` standing for their number; None for what
            this environment's MPI needs.
        notice: Seconds before the time limit at which a job is told; None for the default.
        options: Further sbatch options, one each.
    """

    activation: tuple[str, ...] = ()
    prefix: str = ""
    partition: str | None = None
    account: str | None = None
    memory: str | None = None
    launch: str | None = None
    notice: float | None = None
    options: tuple[str, ...] = ()


def profile_path() -> Path:
    """Where the profile is looked for."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "osteofield" / "profile.toml"


def read_profile(path: Path | None = None) -> Profile:
    """The profile of this user, or of a file named on the command line.

    Raises:
        InputError: With every problem found; also when a file that was named is missing.
    """
    file = profile_path() if path is None else path
    if path is None and not file.exists():
        return Profile(activation=this_environment())
    source = TomlSource.load(file)
    problems: list[Problem] = []
    top = Table(source, (), source.data, problems)
    activation, prefix = _environment(top.table("environment"))
    slurm = top.table("slurm")
    profile = Profile(
        activation=activation,
        prefix=prefix,
        partition=_optional(slurm, "partition"),
        account=_optional(slurm, "account"),
        memory=_optional(slurm, "memory"),
        launch=_optional(slurm, "launch"),
        notice=86400 * slurm.quantity("notice", "day") if slurm.has("notice") else None,
        options=slurm.words("options"),
    )
    for i, option in enumerate(profile.options):
        if not option.startswith("-") or "\n" in option:
            slurm.problem("options", 'an option of sbatch is needed, for example "--qos=long".', i)
    slurm.close()
    top.close()
    if problems:
        raise InputError(in_order(problems))
    return profile


def _environment(table: Table) -> tuple[tuple[str, ...], str]:
    """Activation lines and prefix."""
    lines: list[str] = []
    modules = table.words("modules")
    if modules:
        lines += ["module purge", "module load " + " ".join(map(shlex.quote, modules))]
    given = [name for name in ("venv", "conda", "container") if table.has(name)]
    venv, conda, container = (_optional(table, name) for name in ("venv", "conda", "container"))
    if len(given) > 1:
        table.problem(
            given[1], f"give one of venv, conda and container; this profile has {' and '.join(given)}."
        )
    if venv:
        folder = Path(venv).expanduser()
        if not (folder / "bin" / "activate").exists():
            table.problem("venv", f"there is no virtual environment in '{venv}' (no bin/activate).")
        lines.append(f". {shlex.quote(str(folder / 'bin' / 'activate'))}")
    if conda:
        lines += _conda(conda)
    prefix = ""
    if container:
        image = Path(container).expanduser()
        if not image.exists():
            table.problem("container", f"there is no container image '{container}'.")
        prefix = f"apptainer exec {shlex.quote(str(image))}"
    if not given:
        lines += this_environment()
    lines += table.words("commands")
    table.close()
    return tuple(lines), prefix


def this_environment() -> tuple[str, ...]:
    """Shell lines that bring back the environment of this very process."""
    if os.environ.get("CONDA_PREFIX") == sys.prefix:
        return tuple(_conda(sys.prefix))
    activate = Path(sys.prefix) / "bin" / "activate"
    if sys.prefix != sys.base_prefix and activate.exists():
        return (f". {shlex.quote(str(activate))}",)
    return (f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH",)


def _conda(name: str) -> Sequence[str]:
    command = shlex.quote(os.environ.get("CONDA_EXE", "conda"))
    return (f'eval "$({command} shell.bash hook)"', f"conda activate {shlex.quote(name)}")


def _optional(table: Table, name: str) -> str | None:
    return table.text(name) or None if table.has(name) else None
