# SPDX-License-Identifier: LGPL-3.0-or-later
"""Results as other groups take them: virtual micro-CT, surfaces, tables of points and of lesions."""

from .bone import Bone, bone_at, bone_of
from .lesions import Lesion, lesions_of
from .scan import Scan, scan, write_scan
from .surface import Skin, implant_skin, skin_of, write_skin
from .tables import write_lesions, write_points

__all__ = [
    "Bone",
    "Lesion",
    "Scan",
    "Skin",
    "bone_at",
    "bone_of",
    "implant_skin",
    "lesions_of",
    "scan",
    "skin_of",
    "write_lesions",
    "write_points",
    "write_scan",
    "write_skin",
]
