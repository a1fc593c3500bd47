# SPDX-License-Identifier: LGPL-3.0-or-later
"""The state that a run begins with: healthy homeostasis, or the model's initial values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from ..errors import ComputationStopped
from ..integrator import System, steady_state
from ..kinetics import Network
from ..tissue import Tissue


def initial_values(tissue: Tissue, system: System, network: Network) -> np.ndarray:
    """The initial values of the model with the parameters of `network`; they may vary in space."""
    place, y = tissue.layout.position, system.vector()
    for k, p in enumerate(network.marrow):
        system.marrow(y)[:, k] = network.initial_at(p.name, place)
    at_bone = place[system.problem.surface.node]
    for k, p in enumerate(network.surface):
        system.surface(y)[:, k] = network.initial_at(p.name, at_bone)
    return y


def homeostasis(
    tissue: Tissue, system: System, healthy: Network, held: np.ndarray, log: Callable[[str], None]
) -> np.ndarray:
    """Collective: the steady state without infection; sets the fields that are frozen there.

    Args:
        tissue, system: Where; with healthy parameters.
        healthy: Gives the values to start from.
        held: Populations without a set point of their own, left where they start.
        log: Hears how it was found.

    Raises:
        ComputationStopped: There is none.
    """
    y = system.vector()
    system.marrow(y)[:] = [healthy.healthy[p.name] for p in healthy.marrow]
    system.surface(y)[:] = [healthy.healthy[p.name] for p in healthy.surface]
    # without a [steady] table the well-mixed model need not be at rest in its initial values
    far = healthy.model.steady is None
    try:
        found = steady_state(system, y, held, far=far)
    except ComputationStopped as e:
        raise ComputationStopped(f"homeostasis: {with_names(str(e), tissue.names)}") from e
    _freeze(tissue.network, system, found.y)
    marched = f"{found.steps} steps ({found.days:.3g} days), " if found.steps else ""
    log(
        f"homeostasis: {marched}{found.newton} Newton iterations, "
        f"largest relative rate left {found.rate:.1e} per day"
    )
    return found.y


def with_names(text: str, names: Sequence[str]) -> str:
    """What the integrator says of "population 3", with its name."""
    return re.sub(r"population (\d+)", lambda m: names[int(m[1])], text)


def _freeze(network: Network, system: System, y: np.ndarray) -> None:
    """Evaluate point by point the fields that keep their value at homeostasis."""
    surface = system.problem.surface
    for k, f in enumerate(network.fields):
        if f.at_homeostasis and len(surface.node):
            surface.g[:, k] = surface.kernel.quantity(
                f.at_homeostasis, 0.0, surface.node, system.marrow(y), system.surface(y), surface.a,
                surface.g, system.problem.position,
            )  # fmt: skip
