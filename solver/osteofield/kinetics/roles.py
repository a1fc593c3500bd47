# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which populations mean what to a run: ``[roles]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import did_you_mean
from ..units import unit
from .modelreader import ModelReader
from .populations import PopulationEntry, near


@dataclass(frozen=True)
class Roles:
    """Which populations mean what to a simulation.

    Attributes:
        resorption: The term of the depth that takes bone away; what its other terms do is formation.
    """

    depth: str | None = None
    inoculum: str | None = None
    bacteria: tuple[str, ...] = ()
    cleared_below: float | None = None
    show: tuple[str, ...] = ()
    resorption: str | None = None


def read_roles(r: ModelReader, populations: Mapping[str, PopulationEntry]) -> Roles:
    """Read ``[roles]``."""
    raw = r.table(r.source.data, "roles")
    r.known(raw, ("roles",), ("depth", "resorption", "inoculum", "bacteria", "cleared_below", "show"))

    def one(key: str, domain: str | None = None) -> str | None:
        if key not in raw:
            return None
        name = r.text(raw, key, ("roles",))
        if name not in populations:
            r.say(("roles", key), f"there is no population '{name}'{near(name, populations)}")
            return None
        if domain and populations[name].domain != domain:
            r.say(
                ("roles", key),
                f"'{name}' lives in the {populations[name].domain}, but a {domain} population is needed.",
            )
        return name

    def many(key: str) -> tuple[str, ...]:
        names = raw.get(key, [])
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            r.say(("roles", key), "a list of population names is needed here.")
            return ()
        for i, n in enumerate(names):
            if n not in populations:
                r.say(("roles", key, i), f"there is no population '{n}'{near(n, populations)}")
        return tuple(names)

    depth = one("depth", "surface")
    if depth and not populations[depth].unit.same_dimension(unit("um")):
        r.say(("roles", "depth"), f"'{depth}' must be a length.")
    resorption = r.text(raw, "resorption", ("roles",)) or None
    terms = [t.name for t in populations[depth].terms] if depth else []
    if resorption and resorption not in terms:
        hint = did_you_mean(resorption, terms, otherwise="it has")
        r.say(("roles", "resorption"), f"the depth has no term '{resorption}'{hint}")
        resorption = None
    cleared = None
    if "cleared_below" in raw:
        cleared = r.value(raw["cleared_below"], ("roles", "cleared_below"), unit("CFU")).number
    return Roles(depth, one("inoculum", "marrow"), many("bacteria"), cleared, many("show"), resorption)
