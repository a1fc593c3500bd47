# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a case is run with: its model, its sample, and hashes of all that decides what is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from .case import Case, check_names
from .errors import InputError
from .kinetics import Held, Network, Solute, load_network

if TYPE_CHECKING:
    from mpi4py import MPI

    from .geometry import Piece
    from .tissue import WellMixed


def case_network(case: Case) -> Network:
    """The model of a case with its parameters; names in the case are checked against it.

    Raises:
        InputError: With every problem found.
    """
    m = case.model
    network = load_network(
        m.name, file=m.file, parameters=m.parameters, switches=m.switches, origin=case.source,
        solutes=solutes(case),
        held=[Held(h.name, h.concentration, h.in_new_bone, h.instead_of) for h in case.held],
    )  # fmt: skip
    problems = check_names(case, network)
    if problems:
        raise InputError(problems)
    return network


def solutes(case: Case) -> list[Solute]:
    """The drugs of a case that diffuse in marrow: those that arrive so, that a face or bone sets free."""
    agents = {t.agent.name: t.agent for t in case.therapies if t.agent and t.arrives == "by diffusion"}
    agents |= {name: drug for face in case.faces for name, drug in face.releases.items()}
    agents |= {h.drug.name: h.drug for h in case.held if h.drug}
    return [
        Solute(n, a.acts_on, a["half_effect"], a["diffusivity"], a["exchange"]) for n, a in agents.items()
    ]


def case_sample(
    case: Case, log: Callable[[str], None] = lambda line: None, comm: MPI.Comm | None = None
) -> Piece | WellMixed:
    """Collective: this rank's piece of the sample of a case, with the foci checked.

    Args:
        case: What it is a sample for.
        log: Hears, on every rank, what was done to make it.
        comm: Ranks that share it; by default this process has it alone.

    Raises:
        InputError: With every problem found.
    """
    from .geometry import build_piece
    from .simulation import check_faces, check_foci, check_places
    from .tissue import WellMixed

    spec = case.sample
    if spec.well_mixed:
        return WellMixed(spec.bone_surface_density, spec.bone_thickness)
    piece = build_piece(spec, comm, origin=case.surface == "moves", log=log)
    problems = [*check_foci(case, piece), *check_faces(case, piece), *check_places(case, piece)]
    if problems:
        raise InputError(problems)
    return piece


def case_hash(case: Case, network: Network) -> str:
    """Hash of everything that decides what a run computes: case, model, drug files."""
    text = f"{case.resolved}\0{network.source_hash}\0{drugs_hash(case)}"
    return hashlib.sha256(text.encode()).hexdigest()


def drugs_hash(case: Case) -> str:
    """Hash of the drug files of a case."""
    agents = [
        (t.agent.name, sorted((k, n.value) for k, n in t.agent.numbers.items()))
        for t in case.therapies
        if t.agent
    ]
    return hashlib.sha256(str(agents).encode()).hexdigest()
