# SPDX-License-Identifier: LGPL-3.0-or-later
"""States of rest of a small system of rates: Newton's method, and steps that lead into its reach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Map = Callable[[np.ndarray], np.ndarray]


def find_rest(rates: Map, jacobian: Map, start: np.ndarray) -> np.ndarray | None:
    """A root of the rates to round-off, near `start`, or None.

    Newton from the start; where that fails or leads below zero, implicit Euler steps of growing
    length (pseudo-transient continuation) first. Unknowns are in units of their typical size.

    Args:
        rates: (n,) to (n,).
        jacobian: (n,) to (n, n).
        start: (n,).
    """
    with np.errstate(all="ignore"):
        u = newton(rates, jacobian, start)
        if u is None or (u < -1e-9).any():
            u = newton(rates, jacobian, _relax(rates, jacobian, start))
    return u


def newton(rates: Map, jacobian: Map, u: np.ndarray | None) -> np.ndarray | None:
    """Newton's method to round-off, or None where it does not converge."""
    last = np.inf
    for _ in range(40):
        if u is None:
            return None
        try:
            step = np.linalg.solve(jacobian(u), -rates(u))
        except np.linalg.LinAlgError:
            return None
        size = float(np.max(np.abs(step)))
        if not np.isfinite(size):
            return None
        u = u + step
        if size < 1e-9 and (size < 1e-15 or size >= 0.5 * last):
            return u
        last = size
    return u if last < 1e-9 else None


def _relax(rates: Map, jacobian: Map, u: np.ndarray) -> np.ndarray | None:
    """Linearly implicit Euler with steps from 1e-3 to 1e9 days; None where it blows up."""
    dt = 1e-3
    for _ in range(400):
        try:
            step = np.linalg.solve(np.eye(len(u)) / dt - jacobian(u), rates(u))
        except np.linalg.LinAlgError:
            return None
        size = float(np.max(np.abs(step) / (1.0 + np.abs(u))))
        if not np.isfinite(size):
            return None
        if size > 1.0:
            dt *= 0.25
            if dt < 1e-12:
                return None
            continue
        u = u + step
        dt *= 2.0 if size < 0.3 else 1.0
        if dt > 1e9:
            break
    return u
