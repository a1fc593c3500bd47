# SPDX-License-Identifier: LGPL-3.0-or-later
"""Who hears of the keys that a table is asked for: the schema of case files is made that way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import signature
from typing import Any, Concatenate

# called with a table, a key, and the method that asks for it with its arguments: see schema.py
Watcher = Callable[[Any, str, str, Mapping[str, Any]], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(by: Watcher) -> Iterator[None]:
    """Let `by` hear of every key that is asked for meanwhile, and as what."""
    token = _watcher.set(by)
    try:
        yield
    finally:
        _watcher.reset(token)


def asks[T, **P, R](method: Callable[Concatenate[T, str, P], R]) -> Callable[Concatenate[T, str, P], R]:
    """Mark a method that reads a key, so that it can be watched."""
    shape = signature(method)

    @wraps(method)
    def asking(self: T, name: str, *args: P.args, **kwargs: P.kwargs) -> R:
        watcher = _watcher.get()
        if watcher is None:
            return method(self, name, *args, **kwargs)
        bound = shape.bind(self, name, *args, **kwargs)
        bound.apply_defaults()
        facts = {k: v for k, v in bound.arguments.items() if k not in ("self", "name")}
        watcher(self, name, method.__name__, facts)
        token = _watcher.set(None)  # one method may use another
        try:
            return method(self, name, *args, **kwargs)
        finally:
            _watcher.reset(token)

    return asking
