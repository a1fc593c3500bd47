# SPDX-License-Identifier: LGPL-3.0-or-later
"""Opening an SBML file: what libsbml says about it, its level, and the packages it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from .package import libsbml

_KNOWN = "l3v2extendedmath"
"""Package of functions that this reader knows anyway."""

_WHAT_TO_DO = {
    "comp": "Flatten the model first, for example with the flattening converter of libsbml",
    "spatial": "Give diffusivities in the model file instead",
    "distrib": "Replace distributions by numbers",
    "multi": "Write out the species and reactions that its rules stand for",
    "qual": "Logical models have no rates",
    "arrays": "Write out the elements of its arrays",
}

_XML_ERRORS = 10000
"""Numbers of libsbml below this are about XML."""


@dataclass
class Source:
    """An SBML file that could be read.

    Attributes:
        document: Of libsbml.
        notes: On packages that play no part.
        problems: Packages that change what the model means.
    """

    file: Path
    document: Any
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def open_source(file: Path) -> Source:
    """Read and validate an SBML file.

    Raises:
        InputError: No such file, no SBML, invalid SBML, or SBML of Level 1.
    """
    try:
        file.open("rb").close()
    except FileNotFoundError:
        raise InputError(Problem("there is no such file.", file)) from None
    except IsADirectoryError:
        raise InputError(Problem("this is a folder, but an SBML file is needed.", file)) from None
    except OSError as e:
        raise InputError(Problem(f"the file cannot be read: {e.strerror}.", file)) from None
    sbml = libsbml()
    document = sbml.readSBMLFromFile(str(file))
    _refuse_errors(document, file)
    level = document.getLevel()
    if level == 1:
        raise InputError(
            Problem(
                "this is SBML Level 1, but Levels 2 and 3 are read. Convert the file first, for example by "
                "opening it in COPASI and exporting it again.",
                file,
            )
        )
    source = Source(file, document)
    _packages(source)
    if not source.problems:  # with them, libsbml would complain about the package only
        for category in ("UNITS_CONSISTENCY", "SBO_CONSISTENCY", "MODELING_PRACTICE"):
            document.setConsistencyChecks(getattr(sbml, f"LIBSBML_CAT_{category}"), False)
        document.checkConsistency()
        _refuse_errors(document, file)
    if document.getModel() is None:
        raise InputError(Problem("this SBML file has no <model>.", file))
    return source


def _refuse_errors(document: Any, file: Path) -> None:
    sbml = libsbml()
    errors = [document.getError(k) for k in range(document.getNumErrors())]
    errors = [e for e in errors if e.getSeverity() >= sbml.LIBSBML_SEV_ERROR]
    errors = [e for e in errors if e.getErrorId() != sbml.RequiredPackagePresent]  # named by _packages
    if not errors:
        return
    if any(e.getErrorId() < _XML_ERRORS for e in errors):
        errors = [e for e in errors if e.getErrorId() != sbml.NotSchemaConformant]  # a consequence
    elif document.getLevel() == 0:
        raise InputError(Problem("this is not an SBML file: its first element is not <sbml>.", file))
    raise InputError([_problem(e, file) for e in errors])


def _problem(error: Any, file: Path) -> Problem:
    """An error of libsbml: its short name and the last, most specific sentence of its explanation."""
    lines = [" ".join(line.split()) for line in error.getMessage().splitlines()]
    lines = [line for line in lines if line and not line.startswith("Reference:")]
    short = " ".join(error.getShortMessage().split()).rstrip(".")
    what = "well-formed XML" if error.getErrorId() < _XML_ERRORS else "valid SBML"
    message = f"this is not {what}: {short[:1].lower()}{short[1:]}."
    if lines:
        message += f" {lines[-1].rstrip('.')}."
    return Problem(message, file, error.getLine() or None)


def _packages(source: Source) -> None:
    for name, required in _declared(source.document).items():
        if name == _KNOWN:
            continue
        if not required:
            source.notes.append(f"what the package '{name}' adds plays no part in a simulation: left out")
            continue
        todo = _WHAT_TO_DO.get(name, "Export the model without it")
        message = f"the package '{name}' changes what the model means and is not supported. {todo}."
        source.problems.append(Problem(message, source.file, _line(source.file, name), "sbml"))


def _declared(document: Any) -> dict[str, bool]:
    """Packages of a Level 3 document, and whether the model cannot be understood without them."""
    sbml = libsbml()
    if document.getLevel() < 3:
        return {}
    plugins = [document.getPlugin(k).getPackageName() for k in range(document.getNumPlugins())]
    found = {n: document.isSetPackageRequired(n) and bool(document.getPackageRequired(n)) for n in plugins}
    model = document.getModel()
    if found.get("comp") and model is not None and model.getPlugin("comp").getNumSubmodels() == 0:
        del found["comp"]  # declared by habit: without submodels it adds nothing
    said = [
        document.getError(k).getMessage()
        for k in range(document.getNumErrors())
        if document.getError(k).getErrorId() == sbml.RequiredPackagePresent
    ]
    for k in range(document.getNumUnknownPackages()):
        name = document.getUnknownPackagePrefix(k)
        found[name] = any(f"'{name}'" in message for message in said)
    return found


def _line(file: Path, package: str) -> int | None:
    """Line on which a package is declared."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((n for n, line in enumerate(lines, 1) if f"xmlns:{package}=" in line), None)
