# SPDX-License-Identifier: LGPL-3.0-or-later
"""What bone holds, made part of a model: solutes that resorption sets free from the matrix.

With r and f the bone that is resorbed and formed per surface and time (um/day), c what bone holds of a
solute (pM of bone), the flux into the marrow is ``c r``; on the scale of a well-mixed volume ``c sigma0 r``.
What new bone holds as well comes so for ever. What was in the bone of day 0 only runs out: under every point
of the surface there is bone of day 0, o, and new bone, n (um), of which osteoclasts take what they find on
average::

    do/dt = -r o/(o + n)      dn/dt = f - r n/(o + n)      flux = c r o/(o + n)

so that ``c`` times the change of o is what is set free, whatever the geometry.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import did_you_mean
from ..tomlsource import TomlSource
from ..units import unit
from .checks import diffuses
from .composing import ExtendedSource
from .modelfile import ModelFile

OLD, NEW = "old_bone", "new_bone"
RELEASE = "release from bone"
THINNEST = "1 um"  # bone thinner than this is emptied at the rate of this
_RESORBED, _FORMED, _LEFT, _THINNEST = "bone_resorbed", "bone_formed", "bone_left", "thinnest_bone"


@dataclass(frozen=True)
class Held:
    """A solute in the matrix of bone.

    Attributes:
        name: The population that it is once it is free.
        concentration: pM of bone.
        in_new_bone: Whether new bone holds as much (without drawing on the solute), or none.
        instead_of: The term of the population that the release takes the place of.
    """

    name: str
    concentration: float
    in_new_bone: bool
    instead_of: str | None = None


def check_held(model: ModelFile, held: Sequence[Held], say: Callable[[int, str, str], None]) -> None:
    """Whether a model can set free what bone is to hold.

    Args:
        model: As it was read, with the drugs that diffuse.
        held: What bone is to hold.
        say: Hears of problems: which one, the key it is about, and what is wrong.
    """
    roles = model.roles
    solutes = [n for n, p in model.populations.items() if p.domain == "marrow" and diffuses(p.diffusivity)]
    for k, h in enumerate(held):
        if roles.depth is None or roles.resorption is None:
            missing = "depth" if roles.depth is None else "resorption"
            what = f"its [roles] name no {missing}, so nothing can be set free from bone"
            say(k, "population", f"model '{model.name}' does not say how much bone is resorbed: {what}.")
            continue
        if h.name not in model.populations:
            hint = did_you_mean(h.name, solutes, otherwise="of those that diffuse it has")
            say(k, "population", f"model '{model.name}' has no population '{h.name}'{hint}")
            continue
        p = model.populations[h.name]
        if h.name not in solutes:
            what = f"'{h.name}' does not diffuse, so it cannot be set free at the bone surface"
            say(k, "population", f"{what}{did_you_mean('', solutes, otherwise='those that do are')}")
        elif not p.unit.same_dimension(unit("pM")):
            say(k, "population", f"'{h.name}' is in {p.unit}; bone holds only what is in pM.")
        if h.name in [x.name for x in held[:k]]:
            say(k, "population", f"what bone holds of '{h.name}' stands here already.")
        terms = [t.name for t in p.terms if t.kind == "surface"]
        if h.instead_of is not None and h.instead_of not in terms:
            hint = did_you_mean(h.instead_of, terms, otherwise="it has")
            say(k, "instead_of", f"at the bone surface '{h.name}' has no term '{h.instead_of}'{hint}")


def with_held(source: TomlSource, held: Sequence[Held]) -> TomlSource:
    """A model file in which bone holds something; `check_held` found nothing wrong.

    Where something is held by bone of day 0 only, there are two populations more on the surface, `OLD` and
    `NEW`. They are 0 in health; what bone there is under each point is set at day 0.
    """
    if not held:
        return source
    data = copy.deepcopy(source.data)
    depth, taking = data["roles"]["depth"], data["roles"]["resorption"]
    terms = data["population"][depth]["surface"]
    quantities = data.setdefault("quantity", {})
    quantities[_RESORBED] = str(terms[taking])
    share = ""
    if not all(h.in_new_bone for h in held):
        giving = [f"({v})" for name, v in terms.items() if name != taking]
        quantities[_LEFT] = f"max({OLD} + {NEW}, {_THINNEST})"
        _parameter(
            data, _THINNEST, THINNEST, "bone that is emptied at the rate of this if it is thinner", True
        )
        renewed = {"resorption": f"-{_RESORBED}*{NEW}/{_LEFT}"}
        if giving:
            quantities[_FORMED] = f"-({' + '.join(giving)})"
            renewed["formation"] = _FORMED
        _thickness(
            data, OLD, "bone of day 0 under the surface", {"resorption": f"-{_RESORBED}*{OLD}/{_LEFT}"}
        )
        _thickness(data, NEW, "bone formed since day 0", renewed)
        share = f"*{OLD}/{_LEFT}"
    for h in held:
        c = f"{h.name}_in_bone"
        _parameter(data, c, f"{h.concentration!r} pM", f"{h.name} in bone matrix", h.in_new_bone)
        surface = data["population"][h.name].setdefault("surface", {})
        if h.instead_of is not None:
            surface[h.instead_of] = f"0*({surface[h.instead_of]})"
        surface[RELEASE] = f"{c}*sigma0*{_RESORBED}{'' if h.in_new_bone else share}"
    return ExtendedSource(source.file, data, {}, source)


def _parameter(data: dict[str, Any], name: str, value: str, meaning: str, in_health: bool) -> None:
    data.setdefault("parameter", {})[name] = {
        "value": value, "meaning": meaning, "source": "assumed: of the case", "in_health": in_health,
    }  # fmt: skip


def _thickness(data: dict[str, Any], name: str, label: str, surface: dict[str, str]) -> None:
    data["population"][name] = {
        "label": label, "domain": "surface", "unit": "um", "initial": "0 um", "scale": "100 um",
        "surface": surface,
    }  # fmt: skip
    if "steady" in data:
        data["steady"].setdefault("fixed", {})[name] = "0 um"
