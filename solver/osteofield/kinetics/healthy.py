# SPDX-License-Identifier: LGPL-3.0-or-later
"""The healthy well-mixed state: where every rate of the uninfected, untreated model is zero."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from .evaluation import Evaluation
from .modelfile import ModelFile
from .rest import find_rest

_STEP = 1e-30  # complex step: derivatives exact to round-off


def solve_healthy(
    model: ModelFile, numbers: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Solve for the healthy state of a model that has a ``[steady]`` table.

    Starred quantities and fields taken at homeostasis stand for their definitions meanwhile, so
    that they are part of the state that is sought. Newton from the guess; where that fails, implicit
    Euler steps of growing length (pseudo-transient continuation) first.

    Args:
        model: A checked model.
        numbers: Values of parameters, switches, inputs, sigma0 and d0.

    Returns:
        The state, and the values of starred quantities and fields there.

    Raises:
        InputError: No such state is found, or it has a negative population.
    """
    assert model.steady is not None
    steady, names = model.steady, list(model.populations)
    at_home = {n: f.at_homeostasis for n, f in model.fields.items() if f.at_homeostasis}
    definitions = {n: q.expression for n, q in model.quantities.items()} | dict(steady.values) | at_home
    definitions |= {n: f.default for n, f in model.fields.items() if f.default}
    held = {n: v.number for n, v in steady.fixed.items()}
    free = [n for n in names if n not in held]
    scale = np.array([model.populations[n].scale.number for n in free])
    base = {**numbers, "t": 0.0, "x": 0.0, "y": 0.0, "z": 0.0, **held}

    def rates(u: np.ndarray) -> np.ndarray:
        values = Evaluation(definitions, base | {n: u[k] * scale[k] for k, n in enumerate(free)})
        out = np.zeros_like(u)
        for k, n in enumerate(free):
            for term in model.populations[n].terms:
                out[k] += values.of(term.expression) / scale[k]
        return out

    def jacobian(u: np.ndarray) -> np.ndarray:
        return rates(u[:, None] + 1j * _STEP * np.eye(len(u))).imag / _STEP

    start = np.array([steady.guess[n].number if n in steady.guess else 0.0 for n in free]) / scale
    u = find_rest(rates, jacobian, start)
    if u is None:
        raise InputError(
            model.source.problem(
                ("steady",),
                "no healthy state was found: the rates do not come to rest from the values "
                "in [steady.guess]. Give a better guess, or hold populations without a set point in "
                "[steady.fixed].",
            )  # fmt: skip
        )
    if (u < -1e-9).any():
        n = free[int(np.argmin(u))]
        raise InputError(
            model.source.problem(
                ("steady",), f"in the healthy state found, '{n}' is negative ({u.min():.3g})."
            )
        )
    u = np.where(np.abs(u) < 1e-14, 0.0, u)  # round-off of populations that are absent in health
    state = {n: held[n] if n in held else float(u[free.index(n)] * scale[free.index(n)]) for n in names}
    values = Evaluation(definitions, base | state)
    return state, {n: float(values(n)) for n in (*steady.values, *model.fields)}
