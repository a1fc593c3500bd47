# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.problem_w --n 32 --against cvode --pairs 3``, or ``--ranks 2`` instead of a peer."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .. import process, ranks
from ..pairs import check_reference, compare, one_run
from ..registry import METHODS, PEERS
from ..tuning import Meshes
from ..worker import Report

COARSE = {"ufl": 12}  # mesh on which all settings are searched; 16 for the others
WHOLE = 16  # largest mesh on which plain UFL runs to the end unless it is asked to
STEPS = 10  # of plain UFL that are measured where it does not


def main(argv: list[str] | None = None) -> int:
    """Compare and print; see `benchmarks.pairs.compare` for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.problem_w", description=__doc__)
    parser.add_argument("--n", type=int, default=32, help="cells along an edge: 16, 32, 64 or 128")
    parser.add_argument("--against", choices=PEERS)
    parser.add_argument("--pairs", type=int, default=3, help="0: only make reference and settings ready")
    parser.add_argument("--search", action="store_true", help="search the settings again")
    parser.add_argument("--settings-from", type=int, metavar="N", help="take all settings but the tolerance "
                        "from the search at a smaller N, on both sides")  # fmt: skip
    parser.add_argument("--ranks", type=int, help="instead of a peer: the wall clock on one rank beside that "
                        "on so many")  # fmt: skip
    parser.add_argument("--full", action="store_true", help="run plain UFL to the end on any mesh")
    parser.add_argument("--reference", action="store_true", help="say how exact the reference is")
    a = parser.parse_args(argv)
    if a.n < 4 or a.pairs < 0:
        parser.error("--n is at least 4 and --pairs not negative")
    if a.settings_from is not None and not 4 <= a.settings_from < a.n:
        parser.error(f"--settings-from is at least 4 and less than --n, which is {a.n}")
    request = {"kind": "w", "n": a.n}
    if a.reference:
        return check_reference(request, say)
    if (a.against is None) == (a.ranks is None):
        parser.error("one of --against, --ranks and --reference is needed, and only one")
    source = None if a.settings_from is None else {"kind": "w", "n": a.settings_from}
    if a.ranks is not None:
        if a.ranks < 2 or not a.pairs:
            parser.error("--ranks is at least 2 and --pairs at least 1")
        return ranks.compare(Meshes(request, source or request, source), a.ranks, a.pairs, say)
    coarse = {"kind": "w", "n": min(a.settings_from or a.n, COARSE.get(a.against, 16))}
    extrapolated = a.against == "ufl" and a.n > WHOLE and not a.full
    return compare(
        Meshes(request, coarse, source),
        METHODS[a.against],
        a.pairs,
        say,
        renew=a.search,
        run_peer=_extrapolated if extrapolated else None,
    )


def say(line: str) -> None:
    """Print at once: a run may take long."""
    print(line, flush=True)


def _extrapolated(request: dict[str, Any], reference: str, settings: dict[str, Any]) -> Report:
    """Plain UFL for some steps; how many there would be, and the error, from the matrix made by hand.

    The two solve the same equations with the same method. The first steps are short and need fewer
    iterations than later ones, so that the result is rather too low.
    """
    same = {"pattern": "dense", "krylov": "gmres", "relative": 0.0, **settings}
    whole = one_run(METHODS["petsc-rosw"])(request, reference, same)
    asked = {
        "workload": request,
        "path": reference,
        "method": "ufl",
        "settings": {**settings, "steps": STEPS},
    }
    part = process.start(asked)
    if whole.failed is not None or part.failed is not None or not whole.facts or not part.facts:
        return Report(failed=whole.failed or part.failed)
    steps = whole.facts["steps"] + whole.facts["rejected"]
    per_step = (part.cpu - part.setup) / part.facts["steps"]
    facts = {"EXTRAPOLATED from steps": part.facts["steps"], "s per step": round(per_step, 2), "to": steps}
    return Report(None, whole.error, part.setup + steps * per_step, part.setup, facts, part.memory)


if __name__ == "__main__":
    sys.exit(main())
