# SPDX-License-Identifier: LGPL-3.0-or-later
"""Compiling, caching and loading C code, and what is said when that cannot be."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from osteofield import cbuild
from osteofield.errors import InputError

from .conftest import PATIENCE

SOURCE = "double twice(double x) { return 2.0 * x; }\n"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "osteofield"


@pytest.fixture
def forget():
    """The compiler is looked for once per process; look again."""
    clear = (cbuild.compiler, cbuild._machine)
    for f in clear:
        f.cache_clear()
    yield
    for f in clear:
        f.cache_clear()


def test_compiled_function_runs(cache):
    _, library = cbuild.load(SOURCE, "double twice(double);")
    assert library.twice(21.0) == 42.0
    assert len(list(cache.glob("*.so"))) == 1
    assert [p.suffix for p in cache.iterdir()] == [".so"]  # nothing is left behind


def test_second_build_compiles_nothing(cache, monkeypatch):
    first = cbuild.build(SOURCE)
    before = first.stat().st_mtime_ns

    def refuse(*args, **kwargs):
        raise AssertionError("compiled again")

    monkeypatch.setattr(cbuild.subprocess, "run", refuse)
    assert cbuild.build(SOURCE) == first
    assert first.stat().st_mtime_ns == before


def test_source_flags_compiler_and_machine_have_their_own_libraries(cache, monkeypatch):
    paths = {cbuild.build(SOURCE), cbuild.build(SOURCE + "\n"), cbuild.build(SOURCE, extra=("-O1",))}
    monkeypatch.setattr(cbuild, "_machine", lambda: "another CPU")
    paths.add(cbuild.build(SOURCE))
    monkeypatch.setattr(cbuild, "compiler", lambda: ("cc", "-DX"))
    paths.add(cbuild.build(SOURCE))
    assert len(paths) == 5


def test_builds_at_the_same_time(cache):
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: cbuild.build(SOURCE), range(4)))
    assert len(paths) == 1
    assert [p.suffix for p in cache.iterdir()] == [".so"]


COUNTED = """
import os, sys, time
from osteofield import cbuild
while not os.path.exists(sys.argv[1]):  # all at once
    time.sleep(0.001)
_, library = cbuild.load("double thrice(double x) { return 3.0 * x; }", "double thrice(double);")
assert library.thrice(2.0) == 6.0
"""


def test_of_many_processes_on_a_cold_cache_one_compiles(cache, tmp_path):
    """As the ranks of a job, or the tasks of an array, that share a home."""
    wrapper = tmp_path / "counted"
    wrapper.write_text(
        f'#!/bin/sh\necho "$*" >>"{tmp_path}/calls"\nsleep 0.2\nexec {cbuild.compiler()[0]} "$@"\n'
    )
    wrapper.chmod(0o755)
    env = {**os.environ, "CC": str(wrapper)}
    processes = [
        subprocess.Popen([sys.executable, "-c", COUNTED, tmp_path / "go"], env=env, stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    (tmp_path / "go").touch()
    for process in processes:
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
    calls = [x for x in (tmp_path / "calls").read_text("utf-8").splitlines() if "--version" not in x]
    assert len(calls) == 1
    assert [p.suffix for p in cache.iterdir()] == [".so"]


def test_a_file_system_without_locks_will_do(cache, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(cbuild.fcntl, "flock", refuse)
    assert cbuild.build(SOURCE).exists()


def test_wrong_source_is_told_and_leaves_nothing(cache):
    with pytest.raises(InputError, match=r"(?s)the C compiler '.*' failed:.*error.*undeclared"):
        cbuild.build("double f(void) { return nowhere; }\n")
    assert list(cache.iterdir()) == []


def test_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(
        InputError, match="the folder for compiled code cannot be written.*set XDG_CACHE_HOME"
    ):
        cbuild.build(SOURCE)


def test_no_compiler(monkeypatch, tmp_path, forget):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no C compiler was found; install one"):
        cbuild.build(SOURCE, folder=tmp_path)


def test_compiler_from_the_environment(monkeypatch, tmp_path, forget):
    real = cbuild.compiler()[0]
    cbuild.compiler.cache_clear()
    wrapper = tmp_path / "my cc"
    wrapper.write_text(f'#!/bin/sh\ntouch "{tmp_path}/used"\nexec {real} "$@"\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", f"'{wrapper}' -DANSWER=42")
    assert cbuild.compiler() == (str(wrapper), "-DANSWER=42")
    cbuild.build("int answer(void) { return ANSWER; }\n", folder=tmp_path)
    assert (tmp_path / "used").exists()


EVERYTHING = """
from osteofield.integrator.blocks import blocks
from osteofield.integrator.sparse import passes
b = blocks(5, 8, 2)
b.record("level", x=None)
assert passes().aggregate and b.cycle
"""


@pytest.mark.skipif(not shutil.which("clang"), reason="clang is not installed")
def test_clang_takes_the_linear_algebra_too(cache):
    """Shuffles and stores past the caches have other names there."""
    environment = {**os.environ, "CC": "clang", "XDG_CACHE_HOME": str(cache)}
    subprocess.run([sys.executable, "-c", EVERYTHING], check=True, timeout=PATIENCE, env=environment)


def test_a_command_in_cc_that_does_not_exist(monkeypatch, tmp_path, forget):
    monkeypatch.setenv("CC", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="nowhere"):
        cbuild.build(SOURCE, folder=tmp_path)


def test_home_folder_is_used_without_xdg(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cbuild.cache_folder() == tmp_path / ".cache" / "osteofield"
    assert os.path.isabs(cbuild.cache_folder())
