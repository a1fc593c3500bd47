# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a case says, typed and in internal units (um, day, pM): what other rooms and scripts take."""

from __future__ import annotations

from .case import Case
from .face import FaceSpec
from .focus import FocusSpec
from .held import HeldSpec
from .implant import ImplantSpec
from .model import ModelSpec
from .output import OutputSpec
from .place import ProbeSpec, RegionSpec
from .sample import CENTER, FoamSpec, ImageSpec, LabelSpec, SampleSpec, ShapeSpec, SliceSpec
from .tags import TagSpec
from .therapy import Doses, TherapySpec
from .timing import CheckpointSpec, TimeSpec

__all__ = [
    "CENTER", "Case", "CheckpointSpec", "Doses", "FaceSpec", "FoamSpec", "FocusSpec", "HeldSpec", "ImageSpec",
    "ImplantSpec", "LabelSpec", "ModelSpec", "OutputSpec", "ProbeSpec", "RegionSpec", "SampleSpec",
    "ShapeSpec", "SliceSpec", "TagSpec", "TherapySpec", "TimeSpec",
]  # fmt: skip
