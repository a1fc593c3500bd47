# SPDX-License-Identifier: LGPL-3.0-or-later
"""The settings of an integrator: the cheapest ones whose error is small enough, found by trying."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .error import LIMIT
from .method import Method
from .worker import Report

RUNG = 10 ** (1 / 6)  # of the ladder of tolerances
CLOSE = 0.6  # an error between this share of the limit and the limit is not improved upon
TRIES = 6  # runs to settle one tolerance
SLACK = 1.3  # a candidate may take so many times the best time so far, and 2 s, before it is given up

AGAIN = 2  # more runs of a candidate that may be the cheapest: the least of its times counts
PATIENCE = 10.0  # processor seconds: dearer runs are not repeated
UNLUCKY = 4.6  # processor seconds: a candidate given up before them gets another try
NEAR = 1.6  # a candidate may be so many times dearer than the best and still have been unlucky
TIE = 0.1  # times that differ by less are not told apart: the counts of work decide

Trial = Callable[[dict[str, Any], float], Report]
"""``trial(settings, limit)``: a run that may take `limit` processor seconds."""


class NoSettings(Exception):
    """No settings of a method are accurate enough."""


@dataclass
class Search:
    """Coordinate descent over the settings of a method, each with the loosest tolerance that will do.

    Args:
        method: What is tuned.
        trial: Runs it.
        log: Receives a line per run.

    Attributes:
        best: Settings, or None before anything was accurate enough.
        cpu: Their processor seconds.
    """

    method: Method
    trial: Trial
    log: Callable[[str], None] = print
    best: dict[str, Any] | None = None
    cpu: float = math.inf
    _work: float = math.inf
    _seen: dict[str, Report] = field(default_factory=dict)

    def run(self, first: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
        """Tune the tolerance and `keys`, in that order.

        Raises:
            NoSettings: None were accurate enough.
        """
        self._tolerance(first)
        for key in keys:
            base = self.best or first
            for value in self.method.space[key]:
                if value != base[key]:
                    self._tolerance({**base, "tolerance": (self.best or base)["tolerance"], key: value})
        if self.best is None:
            raise NoSettings(f"no settings of {self.method.title} reach an error of {LIMIT:g}")
        return self.best

    def _tolerance(self, settings: dict[str, Any]) -> None:
        """Walk on the ladder of tolerances to the loosest one that is accurate enough."""
        rung = round(math.log(settings["tolerance"], RUNG))
        good, bad = -math.inf, math.inf
        for _ in range(TRIES):
            now = {**settings, "tolerance": float(f"{RUNG**rung:.3g}")}
            report = self._try(now)
            if report.failed is not None or report.error is None:
                if math.isfinite(good) or report.failed is None or "given up" in report.failed:
                    return
                rung -= 3  # it may be the tolerance that is too loose
                continue
            if report.error <= LIMIT:
                self._compare(now, report)
                if report.error > CLOSE * LIMIT:
                    return
                good = max(good, rung)
            else:
                if report.cpu > self.cpu:
                    return  # tighter would cost even more
                bad = min(bad, rung)
            if bad - good <= 1:
                return
            step = round(math.log(0.85 * LIMIT / max(report.error, 1e-9), RUNG))
            step = min(max(step, -6), 6) or (1 if report.error <= LIMIT else -1)
            rung = int(min(max(rung + step, good + 1), bad - 1))

    def _compare(self, settings: dict[str, Any], report: Report) -> None:
        """Keep what is cheaper: by counts where only the tolerance differs or times are near, or by time."""
        work, cpu = self._work_of(report), report.cpu
        if self.best is not None and {**settings, "tolerance": self.best["tolerance"]} == self.best:
            better, cpu = work < self._work, min(cpu, self.cpu)  # fewer counts cannot take longer
        elif abs(cpu - self.cpu) < TIE * self.cpu:
            better = work < self._work
        else:
            better = cpu < self.cpu
        if better:
            self.best, self.cpu, self._work = settings, cpu, work

    def _work_of(self, report: Report) -> float:
        return float((report.facts or {}).get(self.method.work, report.cpu))

    def _try(self, settings: dict[str, Any]) -> Report:
        key = text(settings)
        if key not in self._seen:
            limit = SLACK * self.cpu + 2.0
            report = self.trial(settings, limit)
            if "given up" in (report.failed or "") and limit < UNLUCKY:
                report = self.trial(settings, limit)  # it may have been the machine
            if report.error is not None and report.error <= LIMIT:
                for _ in range(AGAIN if report.cpu < min(NEAR * self.cpu, PATIENCE) else 0):
                    other = self.trial(settings, limit)
                    if other.failed is None and other.cpu < report.cpu:
                        report = other
            self._seen[key] = report
            self.log(f"  {key}: {self._outcome(report)}")
        return self._seen[key]

    def _outcome(self, report: Report) -> str:
        if report.failed is not None:
            return report.failed
        work = (report.facts or {}).get(self.method.work)
        counted = "" if work is None else f", {work} {self.method.work}"
        return f"error {report.error:.2e}, {report.cpu:.2f} CPU s{counted}"


def text(settings: dict[str, Any]) -> str:
    """Settings on one line."""
    return ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in settings.items())
