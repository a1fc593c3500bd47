# SPDX-License-Identifier: LGPL-3.0-or-later
"""Is a written model file the SBML model? It is loaded, and its rates are held against those of the file."""

from __future__ import annotations

import math
import random
import tempfile
from pathlib import Path

import numpy as np

from ..kinetics import Network, load_network
from ..kinetics.evaluation import Evaluation
from ..units import unit
from .content import Moment
from .convert import Converter

_STATES, _SEED = 4, 20
_SAME = 1e-9


def load_text(toml: str) -> Network:
    """Load a model file that is not on disk yet.

    Raises:
        InputError: With the problems that the model file would have.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.toml"
        file.write_text(toml, encoding="utf-8")
        return load_network(file.stem, file=file)


def difference(c: Converter, network: Network) -> str | None:
    """Where the rates of the network are not those of the SBML model; None if they agree.

    Rates, and what events set, are compared at the start and in random states, in internal units.
    """
    generator = random.Random(_SEED)
    per_day = unit("day").factor / (unit(c.formulas.time.text).factor * c.formulas.time.factor)
    size = {id: _size(c, id) for id in (*c.roles.populations, *c.roles.inputs)}
    states = [dict(c.start)] + [c.roles.random_state(generator) for _ in range(_STATES)]
    for k, state in enumerate(states):
        time = k * generator.random()
        known = {id: v for id, v in state.items() if id not in c.content.rules}
        theirs = Moment(c.content, known, time)
        named = {c.book(id): known[id] * size[id] for id in size}
        place = {"t": time / per_day, "x": 0.0, "y": 0.0, "z": 0.0}
        with np.errstate(all="ignore"):
            ours = Evaluation(network.definitions, {**_constants(network, named), **named, **place})
            for id in c.roles.populations:
                terms = network.model.populations[c.book(id)].terms
                parts = [float(np.real(ours.of(t.expression))) for t in terms]
                wanted = theirs.rate(id) * size[id] * per_day if terms else 0.0
                if not _same(sum(parts), wanted, sum(map(abs, parts))):
                    return (
                        f"the rate of '{id}' would be {sum(parts) / size[id] / per_day:.6g} instead of "
                        f"{wanted / size[id] / per_day:.6g}"
                    )
            for e in c.content.events:
                sets = network.model.events[c.book(f"event {e.id}")].set
                for id, node in e.sets.items():
                    got, wanted = float(np.real(ours.of(sets[c.book(id)]))), theirs.of(node) * size[id]
                    if not _same(got, wanted, abs(got)):
                        return (
                            f"event '{e.id}' would set '{id}' to {got / size[id]:.6g} instead of "
                            f"{wanted / size[id]:.6g}"
                        )
    return None


def _size(c: Converter, id: str) -> float:
    """What a value of 1 in the SBML file is in internal units."""
    u = c.formulas.unit(id)
    return unit(u.text).factor * u.factor if u else 1.0


def _constants(network: Network, named: dict[str, float]) -> dict[str, float]:
    """Everything that is one number for the sample, at the input levels among `named`."""
    return network.uniform({i.name: named[i.name] for i in network.inputs})


def _same(a: float, b: float, size: float) -> bool:
    if not math.isfinite(b):
        return True  # the file itself gives no value there
    return abs(a - b) <= _SAME * max(size, abs(b))
