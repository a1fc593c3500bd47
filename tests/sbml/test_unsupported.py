# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every element that is not supported is named, with its line and what to do; all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from osteofield.errors import InputError, Problem
from osteofield.sbml import import_sbml

MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
DELAYED = (
    """<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay"> delay </csymbol>"""
)
RATE_OF = (
    """<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/rateOf"> rateOf </csymbol>"""
)

MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version{version}/core" level="3" version="{version}"{packages}>
  <model id="m"{attributes}>
    <listOfCompartments>
      <compartment id="c" spatialDimensions="3" size="1" constant="{constant}"/>
    </listOfCompartments>
    <listOfSpecies>
      <species id="S" compartment="c" initialConcentration="1" hasOnlySubstanceUnits="false"
        boundaryCondition="{boundary}" constant="false"{species}/>
    </listOfSpecies>
    <listOfParameters>
      <parameter id="k" value="2" constant="false"/>
    </listOfParameters>
    {rules}
    {constraints}
    <listOfReactions>
      <reaction id="J" reversible="false"{fast}>
        <listOfReactants>
          <speciesReference id="r" species="S" stoichiometry="1" constant="false"/>
        </listOfReactants>
        {law}
      </reaction>
    </listOfReactions>
    {events}
  </model>
</sbml>
"""


def law(math: str) -> str:
    return f"<kineticLaw>\n<math {MATH}>{math}</math>\n</kineticLaw>"


def rule(kind: str, variable: str, math: str) -> str:
    about = f' variable="{variable}"' if variable else ""
    return f"<listOfRules>\n<{kind}{about}><math {MATH}>{math}</math></{kind}>\n</listOfRules>"


def event(more: str, variable: str = "k") -> str:
    return f"""<listOfEvents>
<event id="e1" useValuesFromTriggerTime="true">
<trigger initialValue="true" persistent="true">
<math {MATH}><apply><lt/><ci>S</ci><cn>0.5</cn></apply></math>
</trigger>
{more}
<listOfEventAssignments>
<eventAssignment variable="{variable}"><math {MATH}><cn>3</cn></math></eventAssignment>
</listOfEventAssignments>
</event>
</listOfEvents>"""


PLAIN = {
    "version": "1", "packages": "", "attributes": "", "constant": "false", "boundary": "false", "species": "",
    "rules": "", "constraints": "", "fast": ' fast="false"', "events": "",
    "law": law("<apply><times/><ci>k</ci><ci>S</ci></apply>"),
}  # fmt: skip

V2 = {"version": "2", "fast": ""}

CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "algebraic rule": (
        {"boundary": "true", "rules": rule("algebraicRule", "", "<apply><plus/><ci>S</ci></apply>")},
        "<algebraicRule>",
        "<algebraicRule> is not supported. Solve it for one of its variables and write that as an",
    ),
    "delay of an event": (
        {"events": event(f"<delay><math {MATH}><cn>2</cn></math></delay>")},
        "<delay>",
        "<delay> of event 'e1' is not supported: events happen when their trigger turns true. Put the delay",
    ),
    "priority": (
        {"events": event(f"<priority><math {MATH}><cn>2</cn></math></priority>")},
        "<priority>",
        "<priority> of event 'e1' is not supported: events that happen together all see the values before.",
    ),
    "delay in a formula": (
        {"law": law(f"<apply>{DELAYED}<ci>S</ci><cn>3</cn></apply>")},
        "<kineticLaw>",
        "<csymbol> delay in the <kineticLaw> of reaction 'J' is not supported: rates depend on the present",
    ),
    "rateOf": (
        {
            **V2,
            "law": law("<ci>S</ci>"),
            "rules": rule("assignmentRule", "k", f"<apply>{RATE_OF}<ci>S</ci></apply>"),
        },
        "<assignmentRule",
        "<csymbol> rateOf in the <assignmentRule> for 'k' is not supported. Write out the rate",
    ),
    "compartment with a rule": (
        {"rules": rule("rateRule", "c", "<cn>0.1</cn>")},
        "<rateRule",
        "<rateRule> changes the compartment 'c', which is not supported: compartments have a constant size.",
    ),
    "compartment set by an event": (
        {"events": event("", "c")},
        "<eventAssignment",
        "<eventAssignment> of event 'e1' changes the compartment 'c', which is not supported",
    ),
    "stoichiometry with a rule": (
        {"rules": rule("assignmentRule", "r", "<ci>k</ci>")},
        "<assignmentRule",
        "<assignmentRule> changes the stoichiometry 'r', which is not supported: stoichiometries must be",
    ),
    "conversion factor of the model": (
        {"attributes": ' conversionFactor="f"', "rules": ""},
        "<model",
        "conversionFactor of model is not supported. Write the factor into the stoichiometries or the",
    ),
    "conversion factor of a species": (
        {"species": ' conversionFactor="f"'},
        "<species ",
        "conversionFactor of species 'S' is not supported. Write the factor into the stoichiometries",
    ),
    "fast reaction": (
        {"fast": ' fast="true"'},
        "<reaction ",
        "fast=\"true\" of reaction 'J' is not supported. Give the reaction a fast rate",
    ),
    "reaction without rate": (
        {"law": ""},
        "<reaction ",
        "reaction 'J' has no <kineticLaw>, so its rate is not known. Add one, or remove the reaction.",
    ),
    "function that model files do not have": (
        {"law": law("<apply><times/><ci>k</ci><apply><arctan/><ci>S</ci></apply></apply>")},
        "<kineticLaw>",
        "<arctan> in the <kineticLaw> of reaction 'J' is not supported: formulas of a model file have no",
    ),
    "piecewise without otherwise": (
        {"law": law("<piecewise><piece><ci>S</ci><true/></piece></piecewise>")},
        "<kineticLaw>",
        "<piecewise> in the <kineticLaw> of reaction 'J' has no <otherwise>, so it may have no value.",
    ),
    "formula that is empty": (
        {**V2, "law": "<kineticLaw/>"},
        "<kineticLaw/>",
        "the <kineticLaw> of reaction 'J' has no <math>, so there is nothing to compute; add it.",
    ),
    "required package": (
        {
            "packages": ' xmlns:distrib="http://www.sbml.org/sbml/level3/version1/distrib/version1" '
            'distrib:required="true"'
        },
        "<sbml",
        "the package 'distrib' changes what the model means and is not supported. Replace distributions",
    ),
    "required package that nobody knows": (
        {
            "packages": ' xmlns:magic="http://www.sbml.org/sbml/level3/version1/magic/version1" '
            'magic:required="true"'
        },
        "<sbml",
        "the package 'magic' changes what the model means and is not supported. Export the model without it.",
    ),
}  # fmt: skip


def problems(file: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as e:
        import_sbml(file)
    return e.value.problems


def text_of(changes: dict[str, str]) -> str:
    text = MODEL.format(**{**PLAIN, **changes})
    if "conversionFactor" in text:
        constant = '<parameter id="f" value="3" constant="true"/>'
        text = text.replace('<parameter id="k"', f'{constant}\n<parameter id="k"')
    return text


def test_without_them_the_model_is_imported(sbml_file: Callable[..., Path]) -> None:
    for changes in ({}, V2, {"events": event("")}):
        made = import_sbml(sbml_file(sbml=text_of(changes)))
        assert (made.populations, made.rates) == (1, 1)


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(sbml_file: Callable[..., Path], name: str) -> None:
    changes, element, said = CASES[name]
    text = text_of(changes)
    file = sbml_file(sbml=text)
    (problem,) = problems(file)
    assert problem.file == file
    assert said in problem.message
    assert problem.message.endswith(".")
    assert element in text.splitlines()[problem.line - 1]


def test_stoichiometry_math_of_level_2(sbml_file: Callable[..., Path]) -> None:
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4">
<model id="m">
<listOfCompartments><compartment id="c" size="1"/></listOfCompartments>
<listOfSpecies><species id="S" compartment="c" initialConcentration="1"/></listOfSpecies>
<listOfReactions>
<reaction id="J" reversible="false">
<listOfReactants>
<speciesReference species="S">
<stoichiometryMath><math {MATH}><cn>2</cn></math></stoichiometryMath>
</speciesReference>
</listOfReactants>
<kineticLaw><math {MATH}><ci>S</ci></math></kineticLaw>
</reaction>
</listOfReactions>
</model>
</sbml>
"""
    (problem,) = problems(sbml_file(sbml=text))
    assert problem.line == 9
    assert "<stoichiometryMath> in the <speciesReference> of 'S' in reaction 'J' is not" in problem.message


def test_everything_is_named_at_once(sbml_file: Callable[..., Path]) -> None:
    changes = {
        "events": event(f"<delay><math {MATH}><cn>2</cn></math></delay>", "c"),
        "fast": ' fast="true"',
        "law": law(f"<apply><arcsin/><apply>{DELAYED}<ci>S</ci><cn>3</cn></apply></apply>"),
        "rules": rule("assignmentRule", "r", "<ci>k</ci>"),
        "packages": ' xmlns:magic="http://www.sbml.org/sbml/level3/version1/magic/version1" '
        'magic:required="true"',
    }
    found = problems(sbml_file(sbml=text_of(changes)))
    assert len(found) == 7
    lines = [p.line for p in found]
    assert lines == sorted(lines)
    for words in ("<delay>", "compartment 'c'", "fast=", "csymbol", "<arcsin>", "stoichiometry 'r'", "magic"):
        assert sum(words in p.message for p in found) == 1


def test_what_plays_no_part_is_a_note(sbml_file: Callable[..., Path]) -> None:
    changes = {
        "constraints": f"<listOfConstraints><constraint><math {MATH}><apply><gt/><ci>S</ci><cn>0</cn></apply>"
        "</math></constraint></listOfConstraints>",
        "packages": ' xmlns:layout="http://www.sbml.org/sbml/level3/version1/layout/version1" '
        'layout:required="false" xmlns:magic="http://www.sbml.org/sbml/level3/version1/magic/version1" '
        'magic:required="false" xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" '
        'comp:required="true"',
    }
    notes = import_sbml(sbml_file(sbml=text_of(changes))).notes
    assert "1 constraint, which only reports on a simulation: left out" in notes
    assert "what the package 'layout' adds plays no part in a simulation: left out" in notes
    assert "what the package 'magic' adds plays no part in a simulation: left out" in notes
    assert not any("comp" in n for n in notes)  # declared, but there are no submodels


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("this is no XML", 1, "this is not well-formed XML"),
        ("<?xml version='1.0'?>\n<sbml>\n<model>\n</sbml>\n", 4, "this is not well-formed XML"),
        ("<?xml version='1.0'?>\n<html><p>x</p></html>\n", None, "its first element is not <sbml>"),
        (MODEL.format(**PLAIN).replace('value="2"', 'value="two"'), 12, "attribute type mismatch"),
        (MODEL.format(**PLAIN).replace('compartment="c"', 'compartment="d"'), 8, "this is not valid SBML: "),
        (MODEL.format(**PLAIN).replace("<ci>k</ci>", "<ci>q</ci>"), 21, "uses 'q' that is not"),
        (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            "<sbml xmlns='http://www.sbml.org/sbml/level1' level='1' version='2'><model>"
            "<listOfCompartments><compartment name='c'/></listOfCompartments></model></sbml>",
            None, "this is SBML Level 1, but Levels 2 and 3 are read.",
        ),
    ],
)  # fmt: skip
def test_invalid_files(sbml_file: Callable[..., Path], text: str, line: int | None, said: str) -> None:
    file = sbml_file(sbml=text)
    found = problems(file)
    assert all(p.file == file for p in found)
    assert any(said in p.message and p.line == line for p in found), [str(p) for p in found]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (missing,) = problems(tmp_path / "none.xml")
    assert missing.message == "there is no such file."
    (folder,) = problems(tmp_path)
    assert folder.message == "this is a folder, but an SBML file is needed."


def test_nothing_to_import(sbml_file: Callable[..., Path]) -> None:
    (problem,) = problems(sbml_file("model m\n k = 3\nend"))
    assert "nothing in this model changes over time" in problem.message


def test_values_that_are_missing_or_impossible(sbml_file: Callable[..., Path]) -> None:
    text = "model m\n compartment c = 1\n species S in c\n S = 1; b = 0; {}\n J: S -> ; k*S\nend"
    (missing,) = problems(sbml_file(text.format("k = k2; var k2")))
    assert "parameter 'k2' has no value. Give it one" in missing.message
    (impossible,) = problems(sbml_file(text.format("k = 1/b")))
    assert "the initial value of parameter 'k' is nan, which is no number" in impossible.message


def test_a_division_by_zero_at_the_start_is_a_problem_of_the_sbml_file(
    sbml_file: Callable[..., Path],
) -> None:
    file = sbml_file(
        "model m\n compartment c = 1\n species S in c, P in c\n S = 0; P = 0; J: S -> P; S/(S + P)\nend"
    )
    (problem,) = problems(file)
    assert problem.file == file
    assert problem.key == "reaction J"
    assert "which is 0 in the initial state" in problem.message
