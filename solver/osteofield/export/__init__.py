# SPDX-License-Identifier: LGPL-3.0-or-later
"""Results as other groups take them: virtual micro-CT, surfaces, tables of points and of lesions."""

from .bone import Bone, bone_at
from .scan import Scan, scan, write_scan

__all__ = ["Bone", "Scan", "bone_at", "scan", "write_scan"]
