# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[[therapy]]`` tables: which drug, when, and what a dose is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

from .. import units
from ..errors import InputError
from .drug import Drug, concentration, drug_file, read_drug
from .table import Table

ROUTES = ("bolus", "infusion", "injection")
ARRIVALS = ("evenly", "by diffusion")
MOST_DOSES = 10_000
_SCHEDULED = "'{}' belongs to doses that are given: bolus, infusion or injection."
_ELSEWHERE = {
    "over": "'over' is the length of an infusion; the other doses have none.",
    "every": _SCHEDULED.format("every"),
    "count": _SCHEDULED.format("count"),
    "times": _SCHEDULED.format("times"),
    "weight": _SCHEDULED.format("weight"),
    "half_life": "", "bone_to_serum": "", "level": "", "bolus": "", "infusion": "", "injection": "",
}  # fmt: skip


@dataclass(frozen=True)
class Doses:
    """Doses of a drug, each of which adds to its serum level (one compartment, first order).

    Attributes:
        route: ``bolus`` (at once), ``infusion`` (evenly over `over`) or ``injection`` (absorbed).
        times: When each is given (begins), day.
        rise: What each would add to the serum level if all of it were there at once, pM; bioavailability
            included.
        over: Length of an infusion, day.
        absorption: Rate of absorption of an injection, 1/day.
    """

    route: Literal["bolus", "infusion", "injection"]
    times: tuple[float, ...]
    rise: tuple[float, ...]
    over: float = 0.0
    absorption: float = 0.0


@dataclass(frozen=True)
class TherapySpec:
    """What is given of a drug from `start` until `stop` (day).

    Attributes:
        drug: Name of an input of the model, or of a drug file.
        level: A constant level; of an input in its unit (for the osteoimmune model: multiples of EC50
            or Kd), of a drug in serum, pM. nan where `doses` are given instead.
        level_text: The level as written, so that its unit can be held against the input's.
        agent: The drug file.
        doses: What is given when, of a drug.
        elimination: Of the drug, 1/day.
        share: Level in marrow, in multiples of the half effect, per level in serum (1/pM).
        arrives: ``evenly`` (the level in marrow follows serum everywhere) or ``by diffusion``.
    """

    drug: str
    level: float
    start: float
    stop: float
    level_text: str = ""
    agent: Drug | None = None
    doses: Doses | None = None
    elimination: float = 0.0
    share: float = 1.0
    arrives: Literal["evenly", "by diffusion"] = "evenly"

    @property
    def target(self) -> str:
        """The input of the model that it drives."""
        return self.agent.acts_on if self.agent else self.drug


def read_therapy(table: Table, end: float) -> TherapySpec:
    """Read one therapy; problems are noted in the table.

    Args:
        table: One ``[[therapy]]``.
        end: Last time of the run, day.
    """
    drug = table.text("drug", example='"antibiotic"')
    agent = _agent(table, drug)
    start = table.quantity("from", "day", example="7 day", zero=True)
    until = math.nan
    if table.has("until") or not math.isnan(end):
        until = table.quantity("until", "day", f"{end:.15g} day")
    arrives = table.choice("arrival", ARRIVALS, "evenly") if agent else "evenly"
    dose = table.table("dose")
    if not drug:  # nothing can be said of a dose of nobody knows what
        table.close()
        return TherapySpec(drug, math.nan, start, until)
    if agent is None:
        spec = _of_input(dose, drug, start, until)
        table.close({"arrival": "'arrival' goes with a drug file; an input of the model has one level."})
    else:
        spec = _of_drug(dose, drug, agent, start, until, cast(Any, arrives or "evenly"))
        if arrives == "by diffusion" and not {"diffusivity", "exchange"} <= set(agent.numbers):
            table.problem("arrival", f"the file of {drug} has no diffusivity and exchange, which this needs.")
        table.close()
    dose.close(_ELSEWHERE if agent else None)
    if start >= end:
        table.problem("from", f"the run ends at {end:g} day, so this therapy would never be given.")
    elif until <= start:
        table.problem("until", "a therapy must end after it starts: 'until' is not later than 'from'.")
    return spec


def _agent(table: Table, name: str) -> Drug | None:
    path = drug_file(name) if not name.endswith(".toml") else table.path("drug", what="drug file")
    if path is None or not path.is_file():
        return None
    try:
        return read_drug(path)
    except InputError as e:
        table.problems += e.problems
        return None


def _of_input(dose: Table, drug: str, start: float, until: float) -> TherapySpec:
    level, text = math.nan, ""
    raw = dose.data.get("level")
    if isinstance(raw, str):
        level = _any_quantity(dose, dose.text("level"))
        text = "" if math.isnan(level) else raw
    else:
        level = dose.number("level", example="10")
        text = "" if raw is None else str(raw)
    return TherapySpec(drug, level, start, until, text)


def _of_drug(
    dose: Table,
    drug: str,
    agent: Drug,
    start: float,
    until: float,
    arrives: Literal["evenly", "by diffusion"],
) -> TherapySpec:
    given = [k for k in ("level", *ROUTES) if dose.has(k)]
    if len(given) != 1:
        what = f"this one has {' and '.join(given)}" if given else "this one has none of them"
        dose.problem(
            given[1] if given else None, f"a dose needs exactly one of level, {', '.join(ROUTES)}; {what}."
        )
    half_life = agent["half_life"]
    if dose.has("half_life"):
        half_life = dose.quantity("half_life", "day")
    ratio = dose.number("bone_to_serum", agent["bone_to_serum"], above=0.0)
    level, doses = math.nan, None
    if given == ["level"]:
        text = dose.text("level")
        try:
            level = concentration(text, agent["molar_mass"]) if text else math.nan
        except units.UnitError:
            dose.problem("level", f"'{text}' is no concentration in serum, for example '20 mg/L' or '14 uM'.")
        if level < 0:
            dose.problem("level", f"'{text}' is not allowed; a level is 0 or positive.")
    elif len(given) == 1:
        doses = _doses(dose, cast(Any, given[0]), agent, start, until)
    return TherapySpec(
        drug, level, start, until, agent=agent, doses=doses, elimination=math.log(2) / half_life,
        share=ratio / agent["half_effect"], arrives=arrives,
    )  # fmt: skip


def _doses(
    dose: Table, route: Literal["bolus", "infusion", "injection"], agent: Drug, start: float, until: float
) -> Doses | None:
    times = _times(dose, start, until)
    weight = dose.quantity("weight", "kg") if dose.has("weight") else None
    raw = dose.data[route]
    many = isinstance(raw, list)
    texts = dose.words(route) if many else (dose.text(route),)
    if many and len(raw) != len(times):
        dose.problem(route, f"there are {len(raw)} doses, but {len(times)} times.")
    rise = []
    for i, text in enumerate(raw if many else texts):
        if isinstance(text, str):
            rise.append(_rise(dose, route, text, agent, weight, (i,) if many else ()))
    over = absorption = 0.0
    if route == "infusion":
        over = dose.quantity("over", "day", example="1 hour")
    if route == "injection":
        absorption = math.log(2) / agent["absorption_half_life"]
        if math.isnan(absorption):
            dose.problem(route, f"the file of {agent.name} does not say how an injection is absorbed.")
        rise = [r * agent["bioavailability"] for r in rise]
    if len(rise) != (len(times) if many else 1):
        return None
    return Doses(route, times, tuple(rise) if many else tuple(rise) * len(times), over, absorption)


def _times(dose: Table, start: float, until: float) -> tuple[float, ...]:
    if dose.has("times"):
        times = dose.quantities("times", "day", example='["0 day", "14 day"]', any_sign=True) or ()
        for key in ("every", "count"):
            if dose.has(key):
                dose.problem(key, f"give either 'times' or '{key}', not both.")
                dose.words(key) if isinstance(dose.data[key], list) else dose.text(key)
        for i, t in enumerate(times):
            if i and t <= times[i - 1]:
                dose.problem("times", "the times must ascend, and none may stand twice.", i)
            elif not start <= t < until and not math.isnan(start + until):
                span = f"goes from day {start:g} to {until:g}"
                dose.problem("times", f"day {t:g} is not within the therapy, which {span}.", i)
        return times
    if math.isnan(start) or math.isnan(until):
        return ()
    if not dose.has("every"):
        if dose.has("count"):
            dose.integer("count", 1, at_least=1)
            dose.problem("count", "several doses need 'every', the time from one to the next.")
        return (start,)
    every = dose.quantity("every", "day")
    count = dose.integer("count", MOST_DOSES, at_least=1) if dose.has("count") else None
    if math.isnan(every):
        return ()
    fit = max(1, math.ceil((until - start) / every * (1 - 1e-12)))
    if count is not None and start + (count - 1) * every >= until:
        dose.problem("count", f"only {fit} doses fit between day {start:g} and {until:g}.")
    n = min(fit, count or fit)
    if n > MOST_DOSES:
        dose.problem("every", f"this asks for {n} doses; {MOST_DOSES} are the most.")
        return ()
    return tuple(start + i * every for i in range(n))


def _rise(
    dose: Table, key: str, text: str, agent: Drug, weight: float | None, inner: tuple[int, ...]
) -> float:
    """What a dose adds to the serum level, pM."""
    try:
        amount = units.quantity(text, "mg")
        if weight is None:
            dose.problem(
                key, f"'{text}' is a dose of a whole body; give it per body weight, for example '15 mg/kg', "
                'or say the weight = "70 kg".', *inner,
            )  # fmt: skip
            return math.nan
        amount /= weight
    except units.UnitError:
        try:
            amount = units.quantity(text, "mg/kg")
        except units.UnitError:
            amount = math.nan
        if "/" not in text or math.isnan(amount):
            dose.problem(key, f"'{text}' is not a dose such as '15 mg/kg' or '1 g'.", *inner)
            return math.nan
    if not amount > 0:
        dose.problem(key, f"'{text}' is not allowed; a dose is positive.", *inner)
        return math.nan
    return amount / agent["volume"] / agent["molar_mass"]


def _any_quantity(dose: Table, text: str) -> float:
    """A level in whatever unit; the model knows which one its input takes."""
    number, _, unit_text = text.strip().partition(" ")
    try:
        value = float(number) * units.unit(unit_text or "1").factor
    except (ValueError, units.UnitError) as e:
        said = str(e) if isinstance(e, units.UnitError) else f"'{text}' is not a number with a unit"
        dose.problem("level", f"{said}.")
        return math.nan
    if not math.isfinite(value):
        dose.problem("level", f"'{text}' is not allowed; a dose is finite.")
    return value
