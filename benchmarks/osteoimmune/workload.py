# SPDX-License-Identifier: LGPL-3.0-or-later
"""An infection of cut bone as a workload; its healthy start is computed once and kept."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from osteofield.api import case_network
from osteofield.case import Case, load_case
from osteofield.cbuild import cache_folder
from osteofield.errors import InputError
from osteofield.geometry import Sample, build_sample
from osteofield.geometry.sample_file import load_sample, save_sample
from osteofield.parallel import world
from osteofield.simulation import Simulation
from osteofield.tissue import Tissue

from .. import identity
from ..workload import Start, Workload

CASE = Path(__file__).with_name("case.toml")
VOXEL = 19.5  # um
EXACTNESS = 1e-7  # of the reference
FLOOR = 0.01  # populations that are almost gone at an output time are measured against their peak


def osteoimmune(
    voxels: float, image: str | None = None, threshold: float = 63.0, crop: str | None = None
) -> Workload:
    """Four weeks of osteomyelitis on cells of so many voxels.

    Args:
        voxels: Edge of a background cell in voxels of 19.5 um.
        image: Grey-value image of bone instead of the synthetic foam.
        threshold: Grey value above which its voxels are bone.
        crop: ``sample.crop`` of a case file, for a part of the image.
    """
    cell = f'cell_size="{voxels * VOXEL:g} um"'
    settings = [f"sample.{cell}"]
    if image is not None:
        part = f", crop={crop}" if crop else ""
        path = Path(image).resolve()
        settings = [f'sample={{image="{path}", threshold={threshold}, smoothing=1.0{part}, {cell}}}']
    case = load_case(CASE, settings)
    network = case_network(case)
    content = "" if image is None else hashlib.sha256(Path(image).read_bytes()).hexdigest()
    sample = _sample(f"{voxels:g} {content} {threshold:g} {crop}", case)
    bone = "synthetic bone" if image is None else Path(image).name
    title = f"osteoimmune model, {bone}, cells of {voxels:g} voxels, {len(sample.points)} points"
    return Workload(title, case, network, sample, _start, FLOOR, EXACTNESS)


def _sample(about: str, case: Case) -> Sample:
    """The mesh, from the cache where it is there: the same for all that is compared."""
    key = hashlib.sha256(about.encode()).hexdigest()[:16]
    file = cache_folder() / "benchmarks" / f"bone-{key}.xdmf"
    with suppress(InputError):  # of an older format
        if file.exists():
            return load_sample(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_sample(build_sample(case.sample), file)
    return load_sample(file)


def _start(workload: Workload, tissue: Tissue) -> Start:
    """The infected state at day 0 with homeostasis behind it, from the cache where it is there."""
    path = identity.path_of("start", workload)
    signature = identity.signature(tissue)
    if not _is_there(path, signature):
        simulation = Simulation(
            workload.case, workload.network, workload.network.in_health(), workload.sample, world()
        )
        y = simulation.start_state()
        s, layout = simulation.system, simulation.tissue.layout
        g = s.problem.surface.g
        marrow, surface = np.zeros_like(s.marrow(y)), np.zeros_like(s.surface(y))
        fields = np.zeros_like(g)
        marrow[layout.owned] = s.marrow(y)
        surface[layout.owned_surface] = s.surface(y)
        fields[layout.owned_surface] = g
        part = path.with_name(f"{path.stem}.{os.getpid()}.npz")
        np.savez(part, marrow=marrow, surface=surface, fields=fields, signature=signature)
        os.replace(part, path)
    with np.load(path) as f:
        return Start(f["marrow"], f["surface"], f["fields"])


def _is_there(path: Path, signature: np.ndarray) -> bool:
    if not path.exists():
        return False
    with np.load(path) as kept:
        return identity.same(kept["signature"], signature)
