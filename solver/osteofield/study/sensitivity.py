# SPDX-License-Identifier: LGPL-3.0-or-later
"""How much a result changes when one number of the model is 20 % larger or smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..api import case_network, case_sample
from ..case import Case
from ..errors import ComputationStopped
from ..kinetics import Network
from ..parallel import world
from ..simulation import MemoryWriter, Simulation

STEP = 0.2


@dataclass(frozen=True)
class Response:
    """What one parameter does.

    Attributes:
        parameter: Its name.
        meaning: In words.
        less, more: Relative change of every result when it is 20 % smaller, and larger; nan where the run
            could not be finished.
    """

    parameter: str
    meaning: str
    less: tuple[float, ...]
    more: tuple[float, ...]

    @property
    def size(self) -> float:
        """The largest change of the first result."""
        return float(np.nanmax(np.abs([self.less[0], self.more[0], 0.0])))


def assumed(network: Network) -> list[str]:
    """Parameters whose source is an assumption and that are not 0."""
    return [
        p.name
        for p in network.model.parameters.values()
        if p.source.startswith("assumed") and p.value.number != 0.0
    ]


def sensitivities(
    case: Case,
    results: Sequence[str],
    parameters: Iterable[str] | None = None,
    said: Callable[[str], None] = lambda line: None,
) -> list[Response]:
    """Change each parameter alone, and see what the last output time says.

    Args:
        case: To run; its own changes of the model stay.
        results: Columns of the history by their beginning, such as ``"bone_loss [%]"`` or ``"OCa.mean"``.
        parameters: Names; by default all that are assumed.
        said: Hears of every run.

    Returns:
        The most important for the first result first.
    """
    network, sample = case_network(case), case_sample(case)
    names = list(parameters) if parameters is not None else assumed(network)

    def run(changed: str, factor: float) -> np.ndarray:
        changes = dict(case.model.parameters)
        if changed:
            p = network.model.parameters[changed].value
            changes[changed] = f"{network.numbers[changed] * factor / p.unit.factor!r} {p.unit}".strip()
        model = replace(case.model, parameters=changes)
        own = case_network(replace(case, model=model))
        writer = MemoryWriter()
        simulation = Simulation(case, own, own.in_health(), sample, world())
        try:
            if simulation.run(writer).status != "done":
                return np.full(len(results), np.nan)
        except ComputationStopped:
            return np.full(len(results), np.nan)
        history = writer.history
        found = [next(c for c in history if c.startswith(r)) for r in results]
        return np.array([history[c][-1] for c in found])

    usual = run("", 1.0)
    out = []
    for name in names:
        less, more = (run(name, 1.0 + s) / usual - 1.0 for s in (-STEP, STEP))
        said(f"{name}: {100 * less[0]:+.1f} %, {100 * more[0]:+.1f} %")
        out.append(
            Response(name, network.model.parameters[name].meaning, tuple(less.tolist()), tuple(more.tolist()))
        )
    return sorted(out, key=lambda r: (-r.size, r.parameter))


def table(responses: Iterable[Response], results: Sequence[str], least: float = 0.0) -> str:
    """As Markdown: change in per cent at -20 % and +20 %; rows below `least` of the first are left out."""
    heads = " | ".join(f"{r.split('.')[0].split(' [')[0].replace('_', ' ')} -20 %, +20 %" for r in results)
    lines = [f"| parameter | meaning | {heads} |", "|---|---|" + "---|" * len(results)]
    for r in responses:
        if r.size >= least:
            cells = " | ".join(f"{_percent(a)}, {_percent(b)}" for a, b in zip(r.less, r.more, strict=True))
            lines.append(f"| `{r.parameter}` | {r.meaning} | {cells} |")
    return "\n".join(lines)


def _percent(value: float) -> str:
    return "stopped" if np.isnan(value) else f"{round(100 * value, 1) + 0.0:+.1f}"
