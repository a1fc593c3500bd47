# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs with space: a cosine on a uniform state, and uniform data against the run without space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..kinetics import Network
from ..results import Result
from ..tissue import lumped
from .course import Course
from .line import Line, failed
from .measure import unit_of
from .point import Point, in_order, paired
from .targets import Mode, Space

SNAPSHOTS = 41


def mode_lines(target: Mode, course: Course, network: Network) -> list[Line]:
    """Rates of a cosine from its amplitudes at equally spaced times.

    The amplitudes a_n of the populations (projected on cos(waves pi x/L) with the lumped volumes)
    obey a_{n+1} = P a_n with P = exp((J - D k^2) dt) as long as they are small. P is the least-squares
    solution over all times; the rates found are the logarithms of its eigenvalues over dt. The target
    is computed from `network`: eigenvalues of J - D k^2 at the uniform state, k = waves pi/L.
    """
    what = "rate of the cosine"
    x, weights = marrow_nodes(course.result)
    k = target.waves * np.pi / float(np.ptp(x))
    wave = np.cos(k * (x - x.min()))
    wave -= float(weights @ wave / weights.sum())
    fields = {p.name: course.result.marrow[p.name][:] * p.factor for p in course.network.marrow}
    amplitudes = {n: f @ (weights * wave) / (weights @ wave**2) for n, f in fields.items()}
    point = Point(network)
    root = point.rest({n: float(weights @ f[0] / weights.sum()) for n, f in fields.items()})
    if root is None:
        return [failed(target, what, "-", "no uniform steady state found")]
    of = [point.names.index(n) for n in target.of]
    jacobian = point.jacobian(root)
    for j in point.free:
        name = point.names[j]
        acts = j not in of and np.any(jacobian[of, j])
        if acts and np.abs(amplitudes.get(name, np.zeros(1))).max() > 1e-9 * point.scale[j]:
            return [failed(target, what, "-", f"{name} acts on it and has a wave, but is not in 'of'")]
    diffusivity = {p.name: p.diffusivity for p in network.populations}
    loss = np.diag([diffusivity[n] * k**2 for n in target.of])
    size = point.scale[of]
    wanted = in_order(np.linalg.eigvals((jacobian[np.ix_(of, of)] - loss) * size / size[:, None]))
    carried = np.array([amplitudes[n] for n in target.of])
    got = paired(list(wanted), propagator_rates(course.times, carried))
    share = target.share or 0.0
    lines = []
    for n, (w, g) in enumerate(zip(wanted, got, strict=True)):
        text = what if len(of) == 1 else f"{what}, eigenvalue {n + 1}"
        error = abs(g - w) / abs(w)
        lines.append(Line(target, text, f"{_rate(w)} 1/day", _rate(g), float(error), share))
    return lines


def propagator_rates(times: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Rates (1/day) of a linear system from ``(populations, times)`` amplitudes at equal distances."""
    scaled = amplitudes / np.abs(amplitudes).max(axis=1, keepdims=True)
    size = np.linalg.norm(scaled[:, :-1], axis=0)  # every pair of times counts alike
    before, after = scaled[:, :-1] / size, scaled[:, 1:] / size
    propagator = np.linalg.lstsq(before.T, after.T, rcond=None)[0].T
    return np.log(np.linalg.eigvals(propagator).astype(complex)) / float(times[1] - times[0])


def space_lines(target: Space, spatial: Course, well_mixed: Course) -> list[Line]:
    """Largest deviation of any point at any time from the run without space, over the largest value."""
    lines = []
    for p in spatial.network.populations:
        domain = spatial.result.marrow if p.name in spatial.result.marrow else spatial.result.surface
        if p.name not in domain:
            continue
        wanted = np.array([well_mixed.at(p.name, t) for t in spatial.times])
        off = float(np.abs(domain[p.name][:] * p.factor - wanted[:, None]).max())
        largest = float(np.abs(wanted).max()) or 1.0
        factor, unit = unit_of(p.name, spatial.network)
        what = f"{p.name} in space, largest deviation"
        shown = f"{largest / factor:.6g} {unit}".strip()
        lines.append(
            Line(target, what, f"0 of {shown}", f"{off / factor:.1e}", off / largest, target.share or 0.0)
        )
    return lines or [failed(target, "the run in space", "fields", "there are none")]


def marrow_nodes(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """x (um) and lumped volume of every marrow node."""
    points, cells = result.marrow.points, result.marrow.cells
    dimension = int(result.record["dimension"])
    return points[:, 0], lumped(points[:, :dimension], cells, len(points))


def snapshots(end: float) -> Sequence[float]:
    """Output times of a wave, day."""
    return np.linspace(0.0, end, SNAPSHOTS).tolist()


def _rate(x: complex) -> str:
    return f"{x.real:.6g}" if abs(x.imag) < 1e-12 * abs(x) else f"{x.real:.6g}{x.imag:+.6g}i"
