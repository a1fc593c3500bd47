# SPDX-License-Identifier: LGPL-3.0-or-later
"""The library that reads SBML: an extra that not everyone has."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

from ..errors import InputError, Problem


@lru_cache(1)
def libsbml() -> Any:
    """The module of python-libsbml, which has no types.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module("libsbml")
    except ImportError:
        raise InputError(
            Problem('reading SBML needs python-libsbml; install it with: pip install "osteofield[sbml]"')
        ) from None
