# SPDX-License-Identifier: LGPL-3.0-or-later
"""What happens at an instant: ``[event]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..tomlsource import Key
from .expression import Expression
from .modelreader import ModelReader


@dataclass(frozen=True)
class Event:
    """Something that happens at the instant at which a condition turns from false to true.

    Attributes:
        when: The condition; populations stand for their mean over the sample.
        set: New value of populations (formula at each point) and inputs (formula for the sample).
    """

    name: str
    when: Expression
    set: Mapping[str, Expression]
    meaning: str


def read_event(r: ModelReader, name: str, raw: dict[str, Any], at: Key) -> Event:
    """Read ``[event.NAME]``."""
    r.known(raw, at, ("when", "set", "meaning"), ("when", "set"))
    when = r.expression(raw.get("when", "t > 0"), (*at, "when"), condition=True)
    changes = r.table(raw, "set", at)
    if not changes and "set" in raw:
        r.say((*at, "set"), "an event must set at least one population or input.")
    return Event(
        name,
        when,
        {k: r.expression(v, (*at, "set", k)) for k, v in changes.items()},
        r.text(raw, "meaning", at),
    )
