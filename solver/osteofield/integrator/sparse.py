# SPDX-License-Identifier: LGPL-3.0-or-later
"""Compiled passes over the rows of a scalar matrix, which know nothing of populations."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from ..compiled import Compiled

WEIGHTS = 4  # coarse rows that a fine row takes its values from; even


@lru_cache(1)
def passes() -> Compiled:
    """The functions of ``sparse.c``, rounded as written, so that hierarchies are the same on any machine."""
    source = resources.files(__package__).joinpath("sparse.c").read_text()
    return Compiled(source, f"#define WEIGHTS {WEIGHTS}\n", contract=False)
