# SPDX-License-Identifier: LGPL-3.0-or-later
"""A network on a sample: measures, sources at the surface, the open boundary, the well-mixed point."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.kinetics import load_network
from osteofield.tissue import WellMixed, lumped

WITH_BONE = ["sphere", "pore", "plate", "disc"]


def lumped_whole(s, simplices):
    """Lumped measure of all points of a sample that occur in simplices."""
    return lumped(s.points, simplices, len(s.points))[np.unique(simplices)]


@pytest.mark.parametrize("name", WITH_BONE)
def test_measures_are_those_of_the_sample(sample, tissue, name):
    s, t = sample(name), tissue(name)
    p, where = t.problem, t.layout
    assert p.volumes.sum() == pytest.approx(s.morphometry.marrow_volume, rel=1e-12)
    assert p.surface.weight.sum() == pytest.approx(s.morphometry.bone_surface, rel=1e-12)
    assert (p.volumes > 0).all() and (p.surface.weight > 0).all()
    assert (where.marrow_count, where.surface_count) == (len(p.volumes), len(p.surface.weight))
    assert p.volumes == pytest.approx(lumped_whole(s, s.marrow)[where.owned], rel=1e-12)
    assert p.surface.weight == pytest.approx(lumped_whole(s, s.surface)[where.owned_surface], rel=1e-12)


@pytest.mark.parametrize("name", WITH_BONE)
def test_surface_sources_mean_the_same_as_well_mixed(tissue, name):
    """sum m_i a_i = |marrow|: a uniform production P at the surface is P per marrow volume on average."""
    p = tissue(name).problem
    total = p.volumes[p.surface.node] @ p.surface.a
    assert total == pytest.approx(p.volumes.sum(), rel=1e-12)


@pytest.mark.parametrize("name", WITH_BONE)
def test_points_cover_every_row_once(tissue, name):
    p = tissue(name).problem
    rows = np.concatenate([p.inside.node, p.surface.node])
    assert np.array_equal(np.sort(rows), np.arange(len(p.volumes)))
    assert not p.inside.a.any() and not p.inside.weight.any()


@pytest.mark.parametrize("name", WITH_BONE)
def test_rows_are_points_of_the_sample_in_its_order(sample, tissue, name):
    s, t = sample(name), tissue(name)
    p, where = t.problem, t.layout
    in_marrow, at_bone = np.unique(s.marrow), np.unique(s.surface)
    assert np.array_equal(p.position[:, : s.dimension], s.points[in_marrow[where.owned]])
    assert np.array_equal(where.points, s.points[in_marrow[where.values]])
    assert np.array_equal(in_marrow[where.owned[where.on_surface]], at_bone[where.owned_surface])
    assert np.array_equal(in_marrow[where.values[where.cells]], s.marrow)
    assert np.array_equal(in_marrow[where.values[where.facets]], s.surface)
    assert np.array_equal(at_bone[where.surface_values[where.facets]], s.surface)
    assert where.facet_sizes.sum() == pytest.approx(s.morphometry.bone_surface, rel=1e-12)


def test_surface_fields(sample, tissue):
    s, t = sample("sphere"), tissue("sphere")
    names = [f.name for f in t.network.fields]
    g = t.problem.surface.g
    half = g[:, names.index("half_thickness")]
    assert np.array_equal(half, s.half_thickness[np.unique(s.surface)[t.layout.owned_surface]])
    assert half == pytest.approx(np.full(len(half), 150.0), rel=0.1)
    rho = next(f.initial for f in t.network.fields if f.name == "rho")
    assert (g[:, names.index("rho")] == rho).all() and rho > 0


def test_populations(tissue):
    t = tissue("plate")
    network, p = t.network, t.problem
    assert t.names == tuple(x.name for x in network.populations)
    assert (p.diffusing, p.marrow_width, p.surface_width) == (9, len(network.marrow), len(network.surface))
    assert [n for n, s in zip(t.names, p.signed, strict=True) if s] == ["depth"]
    assert np.array_equal(p.scale, [x.scale for x in network.populations])
    assert np.array_equal(p.diffusivity, [x.diffusivity for x in network.marrow[:9]])


def test_closed_box_has_no_open_rows(tissue):
    p = tissue("sphere").problem
    assert len(p.open_rows) == len(p.open_area) == 0


@pytest.mark.parametrize("name", ["sphere", "plate", "marrow"])
def test_open_box(sample, tissue, name):
    """Open area is the marrow part of the faces; kappa = sqrt(D d) with the model's own loss rates."""
    s, t = sample(name), tissue(name, open_faces=True)
    p, n = t.problem, t.network.n_diffusing
    sides = np.array(s.box[1]) - np.array(s.box[0])
    wanted = {"sphere": 2 * (0.3 + 0.24 + 0.2) * 1e6, "plate": 2 * 550.0 + 2 * 500.0, "marrow": 0.32e6}[name]
    assert p.open_area.sum() == pytest.approx(wanted, rel=1e-3 if name != "sphere" else 1e-9)
    at = p.position[p.open_rows][:, : s.dimension]
    on_face = (np.isclose(at, s.box[0]) | np.isclose(at, s.box[1])).any(axis=1)
    assert on_face.all() and len(sides) == s.dimension
    loss = {"TNF": 39.6, "MCSF": 4.8, "OPG": 0.35, "TGFb": 1.0}
    for k, population in enumerate(t.network.marrow[:n]):
        if population.name in loss:
            kappa = np.sqrt(population.diffusivity * loss[population.name])
            assert p.exchange[k] == pytest.approx(kappa, rel=1e-9)
        assert p.far[k] == pytest.approx(t.network.healthy[population.name])
    assert t.problem.far[t.names.index("MCSF")] == pytest.approx(10.0)


def test_sample_without_bone(sample, tissue):
    t = tissue("marrow")
    assert t.layout.surface_count == len(t.problem.surface.node) == 0
    assert len(t.problem.inside.node) == len(np.unique(sample("marrow").marrow))


def test_well_mixed_is_one_surface_point_with_a_equal_one(tissue):
    t = tissue(WellMixed(0.005, 80.0))
    p = t.problem
    assert np.array_equal(p.volumes, [1e9])
    assert len(p.inside.node) == 0
    assert p.surface.a == pytest.approx([1.0])
    assert p.surface.weight == pytest.approx([5e6])
    assert p.surface.g[0, [f.name for f in t.network.fields].index("half_thickness")] == 80.0
    assert t.gather_marrow(np.ones((1, 2))).shape == (1, 2)


def test_healthy_state_of_the_model_is_at_rest_when_well_mixed(tissue):
    """With the network's own sigma0 and d0, its healthy state has no rates."""
    from osteofield.integrator import System

    network = load_network("osteoimmune")
    t = tissue(WellMixed(network.sigma0, network.d0))
    s = System(t.problem)
    y, f = s.vector(), s.vector()
    y[:] = [network.healthy[n] for n in t.names]
    s.rate(0.0, y, f)
    assert np.abs(f / t.problem.scale).max() < 1e-10
