# SPDX-License-Identifier: LGPL-3.0-or-later
"""osteofield: maps of bone resorption around infected foci."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import run as run
    from .case import load_case as load_case
    from .errors import ComputationStopped as ComputationStopped
    from .errors import InputError as InputError
    from .results import open_results as open_results

_HOME = {
    "run": "api",
    "load_case": "case",
    "open_results": "results",
    "InputError": "errors",
    "ComputationStopped": "errors",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load the front doors when they are asked for: importing osteofield costs nothing."""
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'osteofield' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
