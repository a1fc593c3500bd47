# SPDX-License-Identifier: LGPL-3.0-or-later
"""`benchmarks` belongs to the repository and not to the package: the root has to be on the path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory):
    """An empty cache folder for references and settings; compiled code is still shared."""
    from benchmarks import identity, tuning

    folder = tmp_path_factory.mktemp("benchmarks")
    patch = pytest.MonkeyPatch()
    patch.setattr(identity, "cache_folder", lambda: folder)
    patch.setattr(tuning, "cache_folder", lambda: folder)
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def sundae():
    """CVODE, which also makes the references."""
    return pytest.importorskip("sksundae", reason="scikit-sundae is not installed (extra 'bench')")
