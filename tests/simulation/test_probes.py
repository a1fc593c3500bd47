# SPDX-License-Identifier: LGPL-3.0-or-later
"""Histories at points and in regions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import osteofield as of
from osteofield.api import case_network, case_sample, plan
from osteofield.errors import InputError
from osteofield.integrator import System
from osteofield.kinetics import Kernels
from osteofield.parallel import world
from osteofield.simulation.probes import Probes
from osteofield.tissue import build_tissue

from .conftest import PLATE

PLACES = """
[[probe]]
name = "tip"
at = ["153 um", "211 um"]
populations = ["TNF", "RANKL"]
[[probe]]
name = "corner"
at = ["800 um", "0 um"]
populations = ["TNF"]
[[region]]
name = "left"
from = ["0 um", "0 um"]
to = ["300 um", "400 um"]
populations = ["TNF", "OCa"]
[[region]]
name = "pit"
center = ["300 um", "200 um"]
radius = "90 um"
populations = ["TNF", "OCa"]
"""


def columns(case, marrow, surface) -> dict[str, float]:
    """Columns for fields that are functions of place, in the units of the populations."""
    network = case_network(case)
    tissue = build_tissue(case_sample(case), network, Kernels(network), world())
    system = System(tissue.problem)
    y = system.vector()
    x = tissue.layout.position
    for k, p in enumerate(network.marrow):
        system.marrow(y)[:, k] = marrow(x) * p.factor
    for k, p in enumerate(network.surface):
        system.surface(y)[:, k] = surface(x[system.problem.surface.node]) * p.factor
    return Probes(case, tissue, system).columns(y)


def test_linear_fields_are_read_exactly(case) -> None:
    got = columns(case(text=PLATE + PLACES), lambda x: 2 + x[:, 0] + 3 * x[:, 1], lambda x: x[:, 1])
    assert list(got) == [
        "tip:RANKL [pM]", "tip:TNF [pM]", "corner:TNF [pM]", "left:TNF.mean [pM]", "pit:TNF.mean [pM]",
        "left:OCa.mean [pM]", "pit:OCa.mean [pM]",
    ]  # fmt: skip
    assert got["tip:TNF [pM]"] == got["tip:RANKL [pM]"] == pytest.approx(2 + 153 + 3 * 211)
    assert got["corner:TNF [pM]"] == pytest.approx(802)
    # lumped means of linear fields over the slab of marrow are those of the slab, whose end is bone surface
    assert got["left:TNF.mean [pM]"] == pytest.approx(2 + 150 + 3 * 200)
    assert got["left:OCa.mean [pM]"] == pytest.approx(200)
    assert got["pit:OCa.mean [pM]"] == pytest.approx(200, abs=20)


def test_a_region_without_bone_surface_has_none_to_report(case) -> None:
    far = case('region.1.center=["100 um", "200 um"]', text=PLATE + PLACES)
    got = columns(far, lambda x: 1.0, lambda x: 1.0)
    assert np.isnan(got["pit:OCa.mean [pM]"]) and got["pit:TNF.mean [pM]"] == pytest.approx(1)


def test_columns_of_a_run_follow_the_others(case, simulate) -> None:
    run: SimpleNamespace = simulate(case("time.end=1 day", text=PLATE + PLACES))
    rows = run.writer.rows if hasattr(run.writer, "rows") else [f.row for f in run.writer.frames]
    names = list(rows[-1])
    assert names[-7:] == list(columns(case(text=PLATE + PLACES), lambda x: 1.0, lambda x: 1.0))
    last = rows[-1]
    assert 0 <= last["corner:TNF [pM]"] < last["left:TNF.mean [pM]"] < last["tip:TNF [pM]"]


@pytest.mark.mpi
def test_the_same_on_any_number_of_ranks(run_mpi, tmp_path: Path) -> None:
    file = tmp_path / "case.toml"
    file.write_text(PLATE + PLACES)
    tables = []
    for n in (1, 3):
        options = ["--set", "time.end=0.5 day", "--set", "time.linear_tolerance=1e-8"]
        run_mpi(n, ["-m", "osteofield", "run", file, "-o", tmp_path / str(n), *options])
        tables.append(of.open_results(tmp_path / str(n)).history)
    probes = [name for name in tables[0] if ":" in name]
    assert len(probes) == 7
    for name in probes:
        np.testing.assert_allclose(tables[1][name], tables[0][name], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            'probe.0.at=["400 um", "200 um"]',
            r"\(400, 200\) um lies in bone.* is 104 um away, at \(",
        ),
        ('probe.0.at=["-1 um", "200 um"]', "is outside the sample, which spans 0..800 um x 0..400 um"),
        ("region.1.radius=1 um", "holds no node of the marrow"),
        ('probe.0.populations=["OCa"]', "'OCa' lives on the bone surface, but a probe reads the marrow"),
        ('region.0.populations=["TNG"]', "no population 'TNG'; did you mean 'TNF'"),
        ("probe.0.name=left", "another probe or region is called 'left' already"),
        ("probe.0.name=a b", "heads columns of the history: use letters"),
        ('region.0.to=["0 um", "400 um"]', "must be larger than that of 'from'"),
        ('region.1.from=["0 um", "400 um"]', "either a ball .* or a box"),
        ('probe.0.at=["1 um"]', "2 values are needed here, but there are 1"),
    ],
)
def test_places_that_cannot_be(case, change: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan(case(change, text=PLATE + PLACES))


def test_a_point_has_no_places(case) -> None:
    text = 'format = 1\n[sample]\nwell_mixed = true\n[model]\nname = "osteoimmune"\n[time]\nend = "1 day"\n'
    with pytest.raises(InputError, match="no places in it"):
        case(text=text + '[[probe]]\nname = "a"\nat = "center"\n')
