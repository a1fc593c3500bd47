# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a case says, typed and in internal units (um, day, pM): the nouns the other rooms take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import Problem
from ..tomlsource import Key, TomlSource
from .drug import Drug

CENTER: Literal["center"] = "center"
RECUT = 0.2  # cells of displacement after which a moving surface is cut anew


@dataclass(frozen=True)
class LabelSpec:
    """What the numbers of a label map stand for.

    Attributes:
        bone: Labels of bone.
        marrow: Labels of marrow; None: all that are neither bone nor implant.
        implant: Labels of an implant.
    """

    bone: tuple[int, ...]
    marrow: tuple[int, ...] | None
    implant: tuple[int, ...] = ()


@dataclass(frozen=True)
class ImageSpec:
    """A grey-value image of bone, or a label map.

    Attributes:
        path: NRRD, MHA/MHD, NIfTI file, a TIFF stack (file or folder of slices), or a folder with
            one DICOM series.
        threshold: Grey value above which a voxel is bone, or ``"otsu"``.
        smoothing: Standard deviation of the Gaussian filter, in voxels (0: none).
        voxel: Voxel size in um where the file format does not carry one (TIFF), else None.
        crop: Physical lower and upper corner in um, or None for the whole image.
        labels: The image is a label map; its threshold is then 0.5 of the smoothed share of bone.
    """

    path: Path
    threshold: float | Literal["otsu"]
    smoothing: float = 1.0
    voxel: float | None = None
    crop: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    labels: LabelSpec | None = None


@dataclass(frozen=True)
class FoamSpec:
    """Synthetic trabecular foam (seeded, periodic Voronoi-edge rods).

    Attributes:
        size: Side lengths of the box in um, three of them.
        bvtv: Bone volume fraction BV/TV.
        spacing: Mean distance of pore centres in um.
        seed: Seed of the random pore centres.
        voxel: Size of the voxels the foam is drawn with, in um.
        smoothing: Standard deviation of the Gaussian filter, in voxels.
    """

    size: tuple[float, float, float]
    bvtv: float = 0.23
    spacing: float = 936.0
    seed: int = 0
    voxel: float = 19.5
    smoothing: float = 2.0


@dataclass(frozen=True)
class ShapeSpec:
    """An analytic test shape in a box; lengths in um.

    Attributes:
        kind: ``plate`` (bone slab, normal along the first axis), ``sphere`` (bone ball), ``rod``
            (bone cylinder along the last axis), ``box pore`` (a box of marrow in bone),
            ``round pore`` (a ball of marrow in bone), or ``marrow`` (no bone at all: the plain box).
        size: Side lengths of the sample box (2 or 3).
        thickness: Plate thickness.
        radius: Radius of sphere, rod or round pore.
        pore: Side lengths of the box pore.
        center: Centre of the shape, or None for the centre of the box.
    """

    kind: Literal["plate", "sphere", "rod", "box pore", "round pore", "marrow"]
    size: tuple[float, ...]
    thickness: float | None = None
    radius: float | None = None
    pore: tuple[float, ...] | None = None
    center: tuple[float, ...] | None = None


@dataclass(frozen=True)
class SliceSpec:
    """A 2-D slice of a 3-D sample: the plane normal to `axis` at `at` um (or the centre)."""

    axis: Literal["x", "y", "z"] = "z"
    at: float | Literal["center"] = CENTER


@dataclass(frozen=True)
class ImplantSpec:
    """A solid body that replaces what bone and marrow are where it lies; lengths in um.

    Positions are those of the sample before it is sliced. In a sample of two dimensions bodies are cut
    at z = 0.

    Attributes:
        shape: ``cylinder`` (a pin, rod or screw), ``box`` (a plate) or ``sphere`` (a bead).
        center: None for the centre of the sample.
        axis: Direction of a cylinder, of any length.
        diameter: Of a cylinder or sphere.
        length: Of a cylinder; None: through the whole sample.
        size: Side lengths of a box.
    """

    shape: Literal["cylinder", "box", "sphere"]
    center: tuple[float, ...] | None = None
    axis: tuple[float, ...] = (0.0, 0.0, 1.0)
    diameter: float | None = None
    length: float | None = None
    size: tuple[float, ...] | None = None


@dataclass(frozen=True)
class TagSpec:
    """How to read a mesh from elsewhere: numbers, or names of groups where the file has them.

    Attributes:
        unit: um per unit of length of the file.
        bone: Tag of bone cells.
        marrow: Tag of marrow cells.
        implant: Tag of implant cells, if there are any.
        surface: Tag of the bone surface, to be checked; None: it is not.
        array: Name of the array of tags; None: Gmsh's physical groups, or the only one.
    """

    unit: float
    bone: int | str
    marrow: int | str
    implant: int | str | None = None
    surface: int | str | None = None
    array: str | None = None


@dataclass(frozen=True)
class SampleSpec:
    """The piece of bone: exactly one of `image`, `foam`, `shape`, `mesh`, `well_mixed` is set.

    Attributes:
        cell_size: Wanted edge length of the background grid in um; None for a mesh or well mixed.
        slice: Take a 2-D slice of an image or foam.
        implant: A body put into an image, foam or shape.
        mesh: A sample file written by ``osteofield mesh``, or with `tags` any other mesh.
        tags: How to read the other mesh.
        well_mixed: No space at all: one point of marrow in contact with bone surface.
        bone_surface_density: sigma0 = bone surface per marrow volume, 1/um (well mixed only).
        bone_thickness: d0 = bone volume per bone surface, um (well mixed only).
    """

    image: ImageSpec | None = None
    foam: FoamSpec | None = None
    shape: ShapeSpec | None = None
    mesh: Path | None = None
    tags: TagSpec | None = None
    well_mixed: bool = False
    cell_size: float | None = None
    slice: SliceSpec | None = None
    implant: ImplantSpec | None = None
    bone_surface_density: float = 0.00486
    bone_thickness: float = 100.9

    @property
    def kind(self) -> Literal["image", "foam", "shape", "mesh", "well mixed"]:
        for name in ("image", "foam", "shape", "mesh"):
            if getattr(self, name) is not None:
                return name  # type: ignore[return-value]
        return "well mixed"

    @property
    def holds_implant(self) -> bool | None:
        """Whether there is an implant; None where only the file tells."""
        if self.image is not None and self.image.labels is not None and self.image.labels.implant:
            return True
        if self.mesh is not None:
            return None if self.tags is None else self.tags.implant is not None
        return self.implant is not None


@dataclass(frozen=True)
class FocusSpec:
    """A ball of infected marrow at the start.

    Attributes:
        center: Position in the image's physical frame, um, or ``"center"`` of the sample box.
        radius: um; ignored when the sample is well mixed.
        load: Added to the population inside, in internal units of that population.
        population: Which population; None for the one the model names as its inoculum.
        load_text: The load as written, so that its unit can be held against the population's.
    """

    center: tuple[float, ...] | Literal["center"]
    radius: float
    load: float
    population: str | None = None
    load_text: str = ""


@dataclass(frozen=True)
class FaceSpec:
    """What a disease does at one face of the sample box, or at an implant, from day 0 on.

    Attributes:
        side: ``x-``, ``x+``, ``y-``, ..., or ``implant``.
        source: Population or drug to its flux into marrow through the face, internal units (pM um/day).
        source_text: The fluxes as written.
        start, stop: When the source flows, day.
        layer: Depth of the marrow at the face that `load` is put into at day 0, um; 0 for none.
        load: Marrow population to what is added there, internal units; `load_text` as written.
        releases: The drug files among the names of `source`.
    """

    side: str
    source: Mapping[str, float] = field(default_factory=dict)
    source_text: Mapping[str, str] = field(default_factory=dict)
    start: float = 0.0
    stop: float = math.inf
    layer: float = 0.0
    load: Mapping[str, float] = field(default_factory=dict)
    load_text: Mapping[str, str] = field(default_factory=dict)
    releases: Mapping[str, Drug] = field(default_factory=dict)


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


@dataclass(frozen=True)
class ModelSpec:
    """Which kinetics, and what this case changes in them.

    Attributes:
        name: A model of the library, or the stem of the model file.
        file: Absolute path of the model file when the model is not from the library.
        parameters: Parameter name to ``"value unit"``, plain number or named option.
        switches: Switch name to on or off.
    """

    name: str
    file: Path | None = None
    parameters: Mapping[str, str | float] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class ProbeSpec:
    """A point of the marrow with a history of its own.

    Attributes:
        name: Heads its columns.
        at: Position in the image's physical frame, um, or ``"center"`` of the sample box.
        populations: Which ones; None for all of the marrow.
    """

    name: str
    at: tuple[float, ...] | str
    populations: tuple[str, ...] | None = None


@dataclass(frozen=True)
class RegionSpec:
    """A ball or box with a history of its own.

    Attributes:
        name: Heads its columns.
        center, radius: Of the ball, um; None for a box.
        corners: Lower and upper corner of the box, um; None for a ball.
        populations: Which ones; None for all.
    """

    name: str
    center: tuple[float, ...] | str | None
    radius: float | None
    corners: tuple[tuple[float, ...], tuple[float, ...]] | None
    populations: tuple[str, ...] | None = None


@dataclass(frozen=True)
class TimeSpec:
    """How long and how accurately; times in day.

    Attributes:
        end: Last time.
        tolerance: Relative error per step and population.
        first_step: First step tried.
        shortest_step: A step shorter than this stops the run.
        longest_step: None for no limit.
        linear_tolerance: Linear solves are stopped at this fraction of the step's tolerance.
        method: "bdf" (one solve per step, remembers earlier steps), "rodas" (six, remembers nothing), or
            "auto": "rodas" in a well-mixed volume, where solves cost nothing.
    """

    end: float
    tolerance: float = 1e-3
    first_step: float = 1e-4
    shortest_step: float = 1e-9
    longest_step: float | None = None
    linear_tolerance: float = 1e-2
    method: str = "auto"


@dataclass(frozen=True)
class OutputSpec:
    """What is written and when.

    Attributes:
        times: Output times in day, ascending, from 0 to the end.
        fields: Populations written as fields; None for all.
        eroded_above: Depth in um beyond which surface counts as eroded.
        infected_above: Bacterial density (1/mm^3) beyond which marrow counts as infected.
    """

    times: tuple[float, ...]
    fields: tuple[str, ...] | None = None
    eroded_above: float = 2.0
    infected_above: float = 50.0


@dataclass(frozen=True)
class CheckpointSpec:
    """When the state of a run is stored, besides at its begin and end; times in day.

    Attributes:
        every: Simulated time between checkpoints, or None.
        every_wall: The same in time of the clock on the wall.
        keep: How many of the newest are kept.
    """

    every: float | None = None
    every_wall: float = 30.0 / 1440.0
    keep: int = 2


@dataclass(frozen=True)
class Case:
    """A whole case: frozen, typed, in internal units.

    Attributes:
        name: By default the file name without ``.toml``; names the default results folder.
        path: The case file. Path and source do not take part in comparisons: two cases are equal
            if they run the same.
        source: Its text with line numbers, so that later checks can point into it.
        resolved: The case as TOML text with every default written out; runs again as it is.
        outer: ``closed`` (no flux) or ``open`` (an infinite healthy surrounding).
        surface: ``records depth`` (fixed surface) or ``moves``.
        recut: Displacement in cells after which a surface that moves is cut anew.
        stop: Reasons to end early: ``cleared``, ``steady``.
        faces: What a disease does at the faces of the sample box.
        probes, regions: Places with histories of their own.
        arms: Cases to run instead of this one and to compare; each is this one with changes.
        checkpoint: When the state is stored.
        start: Results folder whose end state is the begin, where `initial` is ``results``.
    """

    name: str
    path: Path = field(compare=False)
    source: TomlSource = field(compare=False, repr=False)
    resolved: str = field(repr=False)
    title: str
    surface: Literal["records depth", "moves"]
    recut: float
    sample: SampleSpec
    initial: Literal["homeostasis", "model", "results"]
    model: ModelSpec
    foci: tuple[FocusSpec, ...]
    therapies: tuple[TherapySpec, ...]
    outer: Literal["closed", "open"]
    time: TimeSpec
    output: OutputSpec
    stop: tuple[Literal["cleared", "steady"], ...]
    arms: tuple[Case, ...] = ()
    checkpoint: CheckpointSpec = CheckpointSpec()
    start: Path | None = None
    faces: tuple[FaceSpec, ...] = ()
    probes: tuple[ProbeSpec, ...] = ()
    regions: tuple[RegionSpec, ...] = ()

    def problem(self, key: Key, message: str) -> Problem:
        """A `Problem` at a key of the case file."""
        return self.source.problem(key, message)
