# SPDX-License-Identifier: LGPL-3.0-or-later
"""From a finished run or a network at rest to lines, one function per kind of target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..kinetics import Network
from .course import Course
from .digits import Digits
from .extreme import Peak, interpolate, peaks, prominent
from .line import Line, Mark, compare, failed
from .point import Point, paired
from .targets import At, Drift, Eigenvalues, Extreme, Period, Roots, Steady, Target

Rest = Steady | Eigenvalues | Roots
"""Targets that need no run."""


def unit_of(name: str, network: Network) -> tuple[float, str]:
    """Size and text of the unit a population or quantity is written in; no text for plain numbers."""
    for p in network.populations:
        if p.name == name:
            return p.factor, _plain(p.unit)
    unit = network.model.quantities[name].unit
    return (unit.factor, _plain(str(unit))) if unit is not None else (1.0, "")


def _plain(unit: str) -> str:
    return "" if unit in ("1", "") else unit


def _size(number: Digits, own: float) -> float:
    """The unit a number counts in, internal units: the one written, or the population's own."""
    return number.factor if number.unit is not None else own


def _internal(values: Mapping[str, Digits], network: Network) -> dict[str, float]:
    return {n: d.value.real * _size(d, unit_of(n, network)[0]) for n, d in values.items()}


# ---------------------------------------------------------------- at rest
def at_rest(target: Rest, point: Point) -> Iterator[Line]:
    """Lines of a target that needs no run."""
    if isinstance(target, Roots):
        yield _roots(target, point)
        return
    root = point.rest(_internal(target.guess, point.network))
    if isinstance(target, Steady):
        yield from _steady(target, point, root)
    else:
        yield from _eigenvalues(target, point, root)


def _steady(target: Steady, point: Point, root: np.ndarray | None) -> Iterator[Line]:
    for name, wanted in target.values.items():
        what = f"{name} at rest"
        own, unit = unit_of(name, point.network)
        if root is None:
            yield failed(target, what, wanted.text, "no steady state found")
        else:
            yield compare(target, what, wanted, point.value(name, root) / _size(wanted, own), unit)


def _eigenvalues(target: Eigenvalues, point: Point, root: np.ndarray | None) -> Iterator[Line]:
    many = len(target.values)
    if root is not None:
        got = point.eigenvalues(root)
        found = paired([d.value for d in target.values], got)
    for k, wanted in enumerate(target.values):
        what = "eigenvalue (1/day)" if many == 1 else f"eigenvalue {k + 1} (1/day)"
        if root is None:
            yield failed(target, what, wanted.text, "no steady state found")
        else:
            yield compare(target, what, wanted, found[k])


def _roots(target: Roots, point: Point) -> Line:
    own = {n: unit_of(n, point.network)[0] for n in target.within}
    box = {
        n: (low.value.real * _size(low, own[n]), high.value.real * _size(high, own[n]))
        for n, (low, high) in target.within.items()
    }
    count = len(point.rests(box))
    return Line(
        target, "number of steady states", str(target.count), str(count), abs(count - target.count), 0.0
    )


# ---------------------------------------------------------------- over time
def needed_times(target: Target) -> list[float]:
    """Times (day) that the output must contain."""
    if isinstance(target, At):
        return [target.time]
    if isinstance(target, Extreme | Period | Drift):
        return [t for t in (target.start, target.until) if np.isfinite(t)]
    return []


def needs_fine_output(target: Target) -> bool:
    """Whether the target lies between output times."""
    return isinstance(target, Extreme | Period | Drift)


def over_time(target: Target, course: Course) -> tuple[list[Line], list[tuple[float, float]]]:
    """Lines of a target on a run, and where the output is still too coarse for it: intervals, day."""
    if isinstance(target, At):
        return list(_at(target, course)), []
    if isinstance(target, Extreme):
        return _extreme(target, course)
    if isinstance(target, Period):
        return _period(target, course)
    assert isinstance(target, Drift)
    return _drift(target, course)


def _at(target: At, course: Course) -> Iterator[Line]:
    for name, wanted in target.values.items():
        own, unit = unit_of(name, course.network)
        got, start = course.at(name, target.time), course.at(name, 0.0)
        if target.over_start:
            mark = Mark(name, target.time, wanted.value.real * start)
            what = f"{name} over its start, day {target.time:g}"
            yield compare(target, what, wanted, got / start, mark=mark)
        else:
            size = _size(wanted, own)
            mark = Mark(name, target.time, wanted.value.real * size)
            yield compare(target, f"{name} on day {target.time:g}", wanted, got / size, unit, mark)


def _extreme(target: Extreme, course: Course) -> tuple[list[Line], list[tuple[float, float]]]:
    sign = 1.0 if target.kind == "max" else -1.0
    what = f"{'largest' if sign > 0 else 'least'} {target.of}{_window(target)}"
    rows = _rows(target, course)
    times, values = course.times[rows], sign * course[target.of][rows]
    found = peaks(times, values, course.breaks, jumps=target.of not in course.populations, ends=True)
    if not found:
        return [failed(target, what, "-", "no output times in this window")], []
    best = max(found, key=lambda p: p.value)
    own, unit = unit_of(target.of, course.network)
    value, time = target.value, target.time
    size = _size(value, own) if value is not None else 1.0
    mark = Mark(
        target.of,
        best.time if time is None else time.value.real * time.factor,
        sign * best.value if value is None else value.value.real * size,
    )
    lines, fine = [], True
    if value is not None:
        lines.append(compare(target, what, value, sign * best.value / size, unit, mark))
        fine &= best.value_error < 0.2 * value.allowed(target.share) * (abs(value.value) or 1.0) * size
    if time is not None:
        lines.append(compare(target, f"day of the {what}", time, best.time / time.factor, mark=mark))
        fine &= best.time_error < 0.2 * time.allowed(target.share) * (abs(time.value) or 1.0) * time.factor
    return lines, [] if fine else [best.around]


def _window(target: Extreme) -> str:
    if np.isfinite(target.until):
        return f" in day {target.start:g} to {target.until:g}"
    return f" from day {target.start:g}" if target.start else ""


def _maxima(target: Period | Drift, name: str, course: Course) -> list[Peak]:
    rows = _rows(target, course)
    times, values = course.times[rows], course[name][rows]
    found = peaks(times, values, course.breaks, jumps=name not in course.populations)
    return prominent(found, times, values)


def _period(target: Period, course: Course) -> tuple[list[Line], list[tuple[float, float]]]:
    found = _maxima(target, target.of, course)
    what, wanted = f"period of {target.of}", target.value
    if len(found) < 2:
        return [failed(target, what, wanted.text, f"{len(found)} maxima found")], []
    got = (found[-1].time - found[0].time) / (len(found) - 1)
    allowed = wanted.allowed(target.share) * abs(wanted.value) * wanted.factor
    coarse = [p.around for p in (found[0], found[-1]) if p.time_error > 0.1 * allowed]
    return [compare(target, f"{what} ({len(found)} maxima)", wanted, got / wanted.factor)], coarse


def _drift(target: Drift, course: Course) -> tuple[list[Line], list[tuple[float, float]]]:
    found = _maxima(target, target.per, course)
    what, wanted = f"drift of {target.of} per cycle of {target.per}", target.value
    if len(found) < 2:
        return [failed(target, what, wanted.text, f"{len(found)} maxima found")], []
    own, unit = unit_of(target.of, course.network)
    values = course[target.of]
    first, last = (interpolate(course.times, values, p.time, course.breaks) for p in (found[0], found[-1]))
    got = (last - first) / (len(found) - 1)
    slope = float(np.abs(np.gradient(values, course.times)).max())
    allowed = wanted.allowed(target.share) * abs(wanted.value) * _size(wanted, own)
    coarse = [p.around for p in (found[0], found[-1]) if p.time_error * slope > 0.1 * allowed]
    return [compare(target, what, wanted, got / _size(wanted, own), unit)], coarse


def _rows(target: Extreme | Period | Drift, course: Course) -> slice:
    """The output times within the window of a target."""
    small = 1e-12 * float(course.times[-1])
    first = int(np.searchsorted(course.times, target.start - small))
    end = int(np.searchsorted(course.times, target.until + small, "right"))
    return slice(first, end)
