# SPDX-License-Identifier: LGPL-3.0-or-later
"""One output time on its way into the files of its series."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .extents import Extents
from .names import SERIES
from .xdmf import CELLS, POINTS, StepSink


class FrameSink:
    """The fields of one output time on their way into their series."""

    def __init__(self, steps: Mapping[str, StepSink], then: Callable[[], None]):
        self._steps, self._then = steps, then
        places = {
            f"{domain}{name}" if name in (POINTS, CELLS) else f"{domain}/{name}": place
            for domain, step in steps.items()
            for name, place in step.places.items()
        }
        self.extents = Extents(places)

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        domain, mark = next((d, m) for d in SERIES for m in "/." if name.startswith(f"{d}{m}"))
        if domain in self._steps:
            self._steps[domain].block(name[len(domain) + (mark == "/") :], start, rows)

    def commit(self) -> None:
        left = list(self._steps.values())
        try:
            while left:
                left.pop(0).commit()
        except BaseException:
            for step in left:
                step.abandon()
            raise
        self._then()

    def abandon(self) -> None:
        for step in self._steps.values():
            step.abandon()
