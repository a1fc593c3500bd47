# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run needs, tried out: compiler, DOLFINx, MPI launch, cache; and what else is useful."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from . import cbuild
from .batch import find_launcher, profile_path, read_profile
from .errors import InputError

PACKAGES = ("cffi", "h5py", "meshio", "numpy", "pint", "scipy", "SimpleITK", "sympy")
PICTURES = ("imageio", "matplotlib", "pyvista")
_ROOM = 64  # MB of shared memory that the ranks of a small run want
_LIMIT = 90  # seconds that one trial may take


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Two or three words.
        state: ``ok``, ``fails``, or ``absent`` (not there, and nothing that a run needs).
        found: What was seen.
        remedy: What to do about it; empty if nothing.
    """

    what: str
    state: str
    found: str
    remedy: str = ""


class _Fault(Exception):
    """A check that failed: what was seen, and a remedy."""

    def __init__(self, found: str, remedy: str):
        super().__init__(found)
        self.found, self.remedy = found, remedy


def needed() -> Iterator[Finding]:
    """Everything without which ``osteofield run`` cannot work, one finding after the other."""
    yield _tried("packages", _packages)
    yield _tried("C compiler", _compiler)
    yield _tried("code cache", _cache)
    yield _tried("DOLFINx, PETSc", _fem)
    yield _tried("MPI launch", _mpi)


def useful() -> Iterator[Finding]:
    """What other verbs need: pictures, jobs, imports."""
    yield _tried("pictures", _pictures, "absent")
    yield _tried("OpenGL", _opengl, "absent")
    yield _tried("SBML import", lambda: f"libsbml {_version('python-libsbml')}", "absent")
    yield _tried("Slurm", _slurm, "absent")
    yield _tried("job profile", _profile)
    yield _tried("shared memory", _shared_memory)


def _tried(what: str, check: Callable[[], str], otherwise: str = "fails") -> Finding:
    """Run one check; whatever it raises becomes a finding."""
    try:
        return Finding(what, "ok", check())
    except _Fault as e:
        return Finding(what, otherwise, e.found, e.remedy)
    except InputError as e:
        return Finding(what, otherwise, e.problems[0].message, "")
    except metadata.PackageNotFoundError as e:
        extra = "sbml" if "sbml" in str(e) else "view"
        return Finding(what, otherwise, f"{e.name} is not installed", f"pip install 'osteofield[{extra}]'")
    except Exception as e:
        return Finding(what, otherwise, f"{type(e).__name__}: {e}")


def _version(distribution: str) -> str:
    return metadata.version(distribution)


def _packages() -> str:
    versions, missing = [], []
    for name in PACKAGES:
        try:
            importlib.import_module(name)
            versions.append(f"{name} {_version(name)}")
        except ImportError as e:
            missing.append(f"{name} ({e})")
    if missing:
        raise _Fault(
            "cannot be imported: " + "; ".join(missing), "install osteofield anew: pip install osteofield"
        )
    return ", ".join(versions)


def _compiler() -> str:
    with tempfile.TemporaryDirectory() as work:
        library = cbuild.build("double twice(double x) { return 2.0 * x; }\n", folder=Path(work))
        twice = ctypes.CDLL(str(library)).twice
        twice.argtypes, twice.restype = [ctypes.c_double], ctypes.c_double
        if twice(21.0) != 42.0:
            raise _Fault("a compiled function gives a wrong answer", "name another compiler with CC=...")
    said = _output([*cbuild.compiler(), "--version"]).stdout
    return f"{' '.join(cbuild.compiler())}: {said.splitlines()[0] if said else 'no version'}"


def _cache() -> str:
    folder = cbuild.cache_folder()
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise _Fault(
            f"{folder} cannot be written",
            "set XDG_CACHE_HOME to a folder of your own, best local to the node",
        )
    free = shutil.disk_usage(there).free / 1e6
    if free < 100:
        raise _Fault(f"{folder}: {free:.0f} MB are free", "make room, or set XDG_CACHE_HOME to another disk")
    libraries = len(list(folder.glob("*.so"))) if folder.is_dir() else 0
    return f"{folder}: {libraries} compiled libraries, {free / 1e3:.0f} GB free"


_FEM = """
import json
from osteofield.parallel import load_fem
load_fem()
import dolfinx
import numpy
from petsc4py import PETSc

def has(kind):
    try:
        PETSc.PC().create(PETSc.COMM_SELF).setType(kind)
    except PETSc.Error:
        return False
    return True

print(json.dumps({
    "dolfinx": dolfinx.__version__,
    "petsc": ".".join(map(str, PETSc.Sys.getVersion())),
    "real": not numpy.issubdtype(PETSc.ScalarType, numpy.complexfloating),
    "bits": 8 * numpy.dtype(PETSc.IntType).itemsize,
    "preconditioners": [kind for kind in ("gamg", "hypre", "ml") if has(kind)],
    "solvers": [name for name in ("mumps", "superlu_dist") if PETSc.Sys.hasExternalPackage(name)],
}))
"""


def _fem() -> str:
    remedy = "pip install 'osteofield[fem]' on Linux x86-64; elsewhere conda, with environment.yml"
    done = _python(_FEM)
    if done.returncode:
        raise _Fault(_last_line(done.stderr) or f"exit status {done.returncode}", remedy)
    facts = json.loads(done.stdout.splitlines()[-1])
    numbers = "real" if facts["real"] else "complex"
    text = (
        f"DOLFINx {facts['dolfinx']}, PETSc {facts['petsc']}, {numbers} numbers, "
        f"{facts['bits']}-bit indices; preconditioners {', '.join(facts['preconditioners']) or 'none'}; "
        f"direct solvers {', '.join(facts['solvers']) or 'none'}"
    )
    if not facts["real"]:
        raise _Fault(text, "osteofield needs PETSc with real numbers: conda's 'petsc * real_*'")
    if "gamg" not in facts["preconditioners"]:
        raise _Fault(text, "osteofield needs PETSc's own multigrid (gamg), which this build lacks")
    return text


_RANKS = """
from osteofield.parallel import world
import numpy
comm = world()
numbers = numpy.full(500_000, comm.rank, float)
comm.Allreduce(numbers.copy(), numbers)
assert (numbers == comm.size * (comm.size - 1) / 2).all()
if comm.rank == 0:
    print("ranks", comm.size)
"""


def _mpi() -> str:
    launcher = find_launcher()
    if launcher is None:
        raise _Fault(
            "there is no mpiexec in this environment or on the PATH",
            "activate the environment of osteofield; one rank works without, and 'srun' may under Slurm",
        )
    done = _python(_RANKS, str(launcher.path), "-n", "2")
    name = f"{launcher.path} ({launcher.family})"
    if done.returncode or "ranks 2" not in done.stdout:
        raise _Fault(
            f"{name} cannot start two ranks: {_last_line(done.stderr) or f'exit status {done.returncode}'}",
            "use the mpiexec of the environment that DOLFINx is in; on a login node where MPI is forbidden, "
            "run 'osteofield doctor' in a job",
        )
    text = f"{name} started two ranks, which exchanged 4 MB"
    typed = shutil.which("mpiexec")
    if typed != str(launcher.path):
        text += f"; but 'mpiexec' alone is {typed or 'not on the PATH'} here: activate the environment first"
    return text


def _pictures() -> str:
    return ", ".join(f"{name} {_version(name)}" for name in PICTURES)


def _opengl() -> str:
    try:
        from .view.opengl import ADVICE, require_opengl
    except ImportError as e:
        raise _Fault(f"cannot be tried: {e}", "pip install 'osteofield[view]'") from None
    os.environ.setdefault("MESA_SHADER_CACHE_DISABLE", "true")  # it would be written to the home
    try:
        require_opengl()
    except InputError:
        raise _Fault("a test picture could not be drawn", ADVICE.partition(". ")[2]) from None
    return "a test picture was drawn off screen"


def _slurm() -> str:
    if shutil.which("sbatch") is None:
        raise _Fault(
            "there is no sbatch here", "'osteofield submit' writes scripts, which can be sent elsewhere"
        )
    asked = _output(["sbatch", "--version"])
    version = asked.stdout.strip()
    if asked.returncode or not version:
        said = _last_line(asked.stderr) or f"exit status {asked.returncode}"
        raise _Fault(
            f"sbatch is installed but cannot be used: {said}",
            "Slurm wants a slurm.conf; 'osteofield submit' writes scripts all the same",
        )
    launcher = find_launcher()
    if launcher is None or shutil.which("srun") is None:
        return version
    wanted = "pmix" if launcher.family == "Open MPI" else "pmi2"
    listed = _output(["srun", "--mpi=list"])
    if wanted not in (listed.stdout + listed.stderr).split():
        raise _Fault(
            f"{version}, but its srun cannot start ranks of {launcher.family} (no --mpi={wanted})",
            'write launch = "mpiexec -n {ranks}" into the [slurm] table of the profile',
        )
    return f"{version}; ranks are started with {launcher.srun}"


def _profile() -> str:
    path = profile_path()
    if not path.exists():
        return f"none ({path}); jobs use this environment and Slurm's defaults"
    try:
        read_profile()
    except InputError as e:
        raise _Fault("; ".join(map(str, e.problems)), "mend it; see docs/cluster.md") from None
    return str(path)


def _shared_memory() -> str:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return "not used on this system"
    free = shutil.disk_usage(folder).free / 1e6
    stale = _abandoned(folder)
    if free < _ROOM:
        remedy = "in a container: --shm-size=1g; elsewhere remove what other programs left in /dev/shm"
        if stale:
            remedy = (
                f"remove what ended runs left behind: rm {' '.join(stale[:3])}{' ...' * (len(stale) > 3)}"
            )
        raise _Fault(f"{free:.0f} MB are free in {folder}; MPI ranks want {_ROOM} MB", remedy)
    left = f"; {len(stale)} segments ({folder}/mpich_shm_*) of ended runs can be removed" if stale else ""
    return f"{free:.0f} MB free{left}"


def _abandoned(folder: Path) -> list[str]:
    """Own segments of MPICH that no process has open: left by ranks that were killed."""
    mine = {str(p) for p in folder.glob("mpich_shm_*") if p.stat().st_uid == os.getuid()}
    for maps in Path("/proc").glob("[0-9]*/maps") if mine else ():
        try:
            text = maps.read_text()
        except OSError:
            continue
        mine -= {line.split()[-1] for line in text.splitlines() if "/mpich_shm_" in line}
    return sorted(mine)


def _python(code: str, *launcher: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, outside of any MPI job around this one."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "PMIX_", "OMPI_"))}
    env["OMP_NUM_THREADS"] = "1"
    return _output([*launcher, sys.executable, "-c", code], env)


def _output(command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; what it says is read as UTF-8, whatever the locale."""
    try:
        return subprocess.run(
            command, env=env, capture_output=True, encoding="utf-8", errors="replace", timeout=_LIMIT,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _Fault(f"no answer within {_LIMIT} s", "") from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
