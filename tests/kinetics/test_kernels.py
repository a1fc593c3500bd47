# SPDX-License-Identifier: LGPL-3.0-or-later
"""Compiled rates, Jacobian and term totals against an independent evaluation of the formulas."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.kinetics import Kernels, kernels, load_network
from osteofield.kinetics.evaluation import Evaluation

GENERAL = """\
format = 1
name = "general"
title = "Everything a formula may hold"

[parameter.k]
value = "2 1/day"
meaning = "rate"
source = "assumed"

[parameter.n]
value = 1.5
meaning = "exponent"
source = "assumed"

[parameter.t0]
value = "3 day"
meaning = "start"
source = "assumed"

[parameter.L]
value = "100 um"
meaning = "length"
source = "assumed"

[quantity]
late = "step(t - t0)*exp(-k*(t - t0)/10)"
shape = "A^(n*(1 + 0.1*B))*B^-0.5 + sqrt(A) + C^3/(1 + C^2)"
sides = "min(A, B, 1)*max(A - B, 0) + abs(A - 2*B)*(2 + sin(A)*cos(B))"
place = "tanh(x/L) + (y/L)^2 - z/L"
sum = "shape + sides*late + log(1 + C)"

[population.A]
domain = "marrow"
unit = "1"
diffusivity = "1 um^2/s"
initial = 1
scale = 1
volume = { a = "k*sides", b = "-k*A*place*late" }
surface = { c = "k*sum*S" }

[population.C]
domain = "marrow"
unit = "1"
initial = 1
scale = 1
volume = { a = "k*(A*B - C)*pow(t/t0, 2)" }

[population.B]
domain = "marrow"
unit = "1"
diffusivity = "1 um^2/s"
initial = 1
scale = 1
volume = { a = "k*B^n - k*B*late" }

[population.S]
domain = "surface"
unit = "1"
initial = 1
scale = 1
surface = { a = "k*sum*f - k*S^2", b = "k*place" }

[field.f]
unit = "1"
default = "n"
"""


class Points:
    """Random points of a network, some marrow rows not used, rows out of order."""

    def __init__(self, network, kind, n=13, seed=1):
        rng = np.random.default_rng(seed)
        self.network, self.kind, self.n = network, kind, n
        self.kernel = getattr(Kernels(network), kind)
        rows = n + 5
        self.node = rng.permutation(rows)[:n].astype(np.int32)
        scale = lambda ps: np.array([p.scale for p in ps])  # noqa: E731
        self.ym = rng.uniform(0.05, 3.0, (rows, len(network.marrow))) * scale(network.marrow)
        self.ys = rng.uniform(0.05, 3.0, (n, len(network.surface))) * scale(network.surface)
        self.a = rng.uniform(0.1, 4.0, n)
        self.g = rng.uniform(0.5, 2.0, (n, len(network.fields)))
        self.x = rng.uniform(-200.0, 200.0, (rows, 3))
        self.t = 5.0

    @property
    def arguments(self):
        surface = self.kind == "surface"
        return (
            self.t, self.node, self.ym, self.ys if surface else None, self.a if surface else None,
            self.g if surface else None, self.x,
        )  # fmt: skip

    def reference(self, h=None, t=None):
        """Terms of every population from the formulas; h: complex step added to the states."""
        n, m = self.network, self.network.model
        y = [self.ym[self.node, k].astype(complex) for k in range(len(n.marrow))]
        y += [self.ys[:, k].astype(complex) for k in range(len(n.surface))]
        if h is not None:
            y[h] = y[h] + 1e-30j
        known = {
            **n.numbers,
            **{i.name: i.default for i in n.inputs},
            **n.stars,
            "sigma0": n.sigma0,
            "d0": n.d0,
        }
        known |= {p.name: v for p, v in zip(n.populations, y, strict=True)}
        known |= {f.name: self.g[:, k] for k, f in enumerate(n.fields)} | {"t": self.t if t is None else t}
        known |= {c: self.x[self.node, k] for k, c in enumerate("xyz")}
        values = Evaluation(n.definitions, known)
        return {
            (p, term.kind, term.name): values.of(term.expression) * np.ones(self.n)
            for p, e in m.populations.items() for term in e.terms
            if self.kind == "surface" or (term.kind == "volume")
        }  # fmt: skip

    def rates_of(self, terms):
        out = np.zeros((self.n, len(self.kernel.names)), complex)
        marrow = {p.name for p in self.network.marrow}
        for (p, kind, _), v in terms.items():
            out[:, self.kernel.names.index(p)] += v * (self.a if kind == "surface" and p in marrow else 1.0)
        return out

    def buffers(self, fill=np.nan):
        return np.full((len(self.ym), len(self.network.marrow)), fill), np.full(
            (self.n, len(self.network.surface)), fill
        )


@pytest.fixture(scope="module", params=["general", "osteoimmune"])
def network(request, tmp_path_factory):
    if request.param == "osteoimmune":
        return load_network(
            "osteoimmune", parameters={"phi_m": 0.3}, switches={"neutrophil_exhaustion": True}
        )
    file = tmp_path_factory.mktemp("model") / "general.toml"
    file.write_text(GENERAL)
    return load_network("general", file=file)


@pytest.fixture(scope="module", params=["marrow", "surface"])
def points(request, network):
    return Points(network, request.param)


def test_rates(points):
    fm, fs = points.buffers()
    points.kernel.rates(*points.arguments, fm, fs)
    want = points.rates_of(points.reference()).real
    nm = fm.shape[1]
    np.testing.assert_allclose(
        fm[points.node], want[:, :nm], rtol=1e-12, atol=1e-12 * np.abs(want).max(0)[:nm].max()
    )
    others = np.setdiff1d(np.arange(len(fm)), points.node)
    assert np.isnan(fm[others]).all()
    if points.kind == "surface":
        np.testing.assert_allclose(fs, want[:, nm:], rtol=1e-11, atol=1e-13)
    else:
        assert np.isnan(fs).all()


def test_jacobian_is_the_exact_derivative(points):
    k = points.kernel
    J = np.full((points.n, len(k.jac_rows)), np.nan)
    k.jacobian(*points.arguments, J)
    assert list(zip(k.jac_rows, k.jac_cols, strict=True)) == sorted(
        set(zip(k.jac_rows, k.jac_cols, strict=True))
    )
    assert {(i, i) for i in range(len(k.names))} <= set(zip(k.jac_rows, k.jac_cols, strict=True))
    got = np.zeros((points.n, len(k.names), len(k.names)))
    got[:, k.jac_rows, k.jac_cols] = J
    for column in range(len(k.names)):
        want = points.rates_of(points.reference(h=column)).imag / 1e-30
        np.testing.assert_allclose(got[:, :, column], want, rtol=1e-9, atol=1e-13 * (1 + np.abs(want).max()))


def test_time_derivative(points):
    fm, fs = points.buffers(0.0)
    points.kernel.dfdt(*points.arguments, fm, fs)
    want = points.rates_of(points.reference(t=points.t + 1e-30j)).imag / 1e-30
    got = np.hstack([fm[points.node], fs]) if points.kind == "surface" else fm[points.node]
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    assert want.any() == points.network.explicit_time


def test_term_totals_add_up_with_weights(points):
    k, rng = points.kernel, np.random.default_rng(2)
    m, ms = rng.uniform(0.5, 2.0, len(points.ym)), rng.uniform(0.5, 2.0, points.n)
    m[points.node[:3]] = 0.0
    out = np.ones(len(k.term_names))
    k.terms(*points.arguments, m, ms if points.kind == "surface" else None, out)
    reference = points.reference()
    marrow = {p.name for p in points.network.marrow}
    assert set(k.term_names) == set(reference)
    for got, (p, kind, name) in zip(out, k.term_names, strict=True):
        factor = points.a if kind == "surface" and p in marrow else 1.0
        weight = m[points.node] if p in marrow else ms
        want = 1.0 + (reference[p, kind, name].real * factor * weight).sum()
        assert got == pytest.approx(want, rel=1e-11)


def test_quantity_and_formula_at_points(points):
    name = points.network.populations[0].name
    got = points.kernel.quantity(f"2*{name} + 1*{name}", *points.arguments)
    assert got == pytest.approx(3 * points.ym[points.node, 0])
    with pytest.raises(KeyError):
        points.kernel.quantity("no_such_name", *points.arguments)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9])
def test_any_number_of_points(network, n):
    p = Points(network, "surface", n)
    fm, fs = p.buffers()
    p.kernel.rates(*p.arguments, fm, fs)
    assert np.isfinite(fm[p.node]).all() and np.isfinite(fs).all()
    np.testing.assert_allclose(fs, p.rates_of(p.reference()).real[:, fm.shape[1] :], rtol=1e-11, atol=1e-13)


def test_inputs_and_geometry_change_rates_without_compiling(load_text, small, monkeypatch):
    network = load_text(small)
    kernels = Kernels(network)
    monkeypatch.setattr("osteofield.cbuild.build", None)
    node, ym, fm = np.zeros(1, np.int32), np.array([[5.0]]), np.empty((1, 1))

    def loss():
        kernels.marrow.rates(0.0, node, ym, None, None, None, None, fm, None)
        return fm[0, 0]

    assert loss() == pytest.approx(-10.0)
    kernels.set_inputs({"drug": 2.0})
    assert loss() == pytest.approx(-30.0)
    kernels.set_geometry(sigma0=0.01, d0=50.0)
    assert loss() == pytest.approx(-30.0)
    with pytest.raises(KeyError, match="no input 'drugg'"):
        kernels.set_inputs({"drugg": 1.0})


def test_cached_library_is_reused_whatever_the_numbers(load_text, small, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    Kernels(load_text(small), cache)
    files = sorted(cache.iterdir())
    assert {f.suffix for f in files} == {".json", ".so"}
    monkeypatch.setattr("osteofield.kinetics.derive.derive", None)
    Kernels(load_text(small, parameters={"d": "7 1/day"}, switches={"feedback": False}), cache)
    assert sorted(cache.iterdir()) == files


def test_cached_library_is_opened_without_sympy(load_text, small, tmp_path, monkeypatch):
    """Importing it takes a second, which every rank of every run would spend."""
    network = load_text(small)
    Kernels(network, tmp_path)
    kernels._open.cache_clear()
    for name in ("sympy", *(f"osteofield.kinetics.{m}" for m in ("codegen", "derive"))):
        monkeypatch.setitem(sys.modules, name, None)
    assert Kernels(network, tmp_path).marrow.names


def test_damaged_cache_entry_is_written_again(load_text, small, tmp_path):
    cache = tmp_path / "cache"
    Kernels(load_text(small), cache)
    (entry,) = cache.glob("*.json")
    entry.write_text("{")
    Kernels(load_text(small), cache)
    assert len(entry.read_text("utf-8")) > 100


def test_cache_folder_that_cannot_be_written(load_text, small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Kernels(load_text(small), tmp_path / "file")


def test_wrong_array_is_refused(load_text, small):
    kernel = Kernels(load_text(small)).marrow
    with pytest.raises(TypeError, match="float64"):
        kernel.rates(
            0.0,
            np.zeros(1, np.int32),
            np.ones((1, 1), np.float32),
            None,
            None,
            None,
            None,
            np.ones((1, 1)),
            None,
        )
    with pytest.raises(TypeError, match="int32"):
        kernel.rates(
            0.0, np.zeros(1, np.int64), np.ones((1, 1)), None, None, None, None, np.ones((1, 1)), None
        )


def test_model_of_surface_populations_only(load_text, at_one_point):
    """Komarova et al. 2003, single event: the steady state is 0.75 sqrt(2), 150 sqrt(2)."""
    text = """
format = 1
name = "cells"
title = "Power laws"
[parameter]
g11 = { value = 0.5, meaning = "g11", source = "assumed" }
g21 = { value = -0.5, meaning = "g21", source = "assumed" }
day = { value = "1 day", meaning = "a day", source = "assumed" }
[population.OC]
domain = "surface"
unit = "1"
scale = 1
initial = 11.0606601717798212
surface = { formation = "3*OC^g11*OB^g21/day", removal = "-0.2*OC/day" }
[population.OB]
domain = "surface"
unit = "1"
scale = 100
initial = 212.13203435596427
surface = { formation = "4*OC/day", removal = "-0.02*OB/day" }
"""
    m = at_one_point(load_text(text))
    y = np.array([m.network.initial[n] for n in m.names])
    assert m.run(y, 10.0) == pytest.approx([3.026919, 389.044875], rel=1e-6)
    assert m.run(y, 1000.0) == pytest.approx([0.75 * 2**0.5, 150 * 2**0.5], rel=1e-4)


def test_inputs_that_follow_time_are_seen_with_their_exact_derivative():
    """Rates at t use the level at t; d(rates)/dt is that of a central difference."""
    network = load_network("osteoimmune")
    kernels = Kernels(network)
    k = kernels.surface
    ym = np.array([[network.healthy[p.name] + 0.3 * p.scale for p in network.marrow]])
    ys = np.array([[network.healthy[p.name] + 0.3 * p.scale for p in network.surface]])
    g = np.array([[f.initial for f in network.fields]])
    node, a = np.zeros(1, np.int32), np.ones(1)

    def course(t):
        levels = {"antibiotic": np.exp(-t), "anti_TNF": 2.0 * np.exp(-3.0 * t), "bisphosphonate": t}
        return levels, {"antibiotic": -np.exp(-t), "anti_TNF": -6.0 * np.exp(-3.0 * t), "bisphosphonate": 1.0}

    def rates(t):
        fm, fs = np.empty_like(ym), np.empty_like(ys)
        k.rates(t, node, ym, ys, a, g, None, fm, fs)
        return np.concatenate([fm[0], fs[0]])

    kernels.follow(course)
    moving = rates(0.7)
    fm, fs = np.empty_like(ym), np.empty_like(ys)
    k.dfdt(0.7, node, ym, ys, a, g, None, fm, fs)
    slope = np.concatenate([fm[0], fs[0]])
    want = (rates(0.7 + 1e-5) - rates(0.7 - 1e-5)) / 2e-5
    assert slope == pytest.approx(want, rel=1e-6, abs=1e-8 * np.abs(want).max())
    assert np.count_nonzero(slope) > 4
    kernels.set_inputs(course(0.7)[0])
    assert (rates(0.7) == moving).all() and (rates(5.0) == moving).all()
    k.dfdt(0.7, node, ym, ys, a, g, None, fm, fs)
    assert not fm.any() and not fs.any()
