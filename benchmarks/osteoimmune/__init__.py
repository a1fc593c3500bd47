# SPDX-License-Identifier: LGPL-3.0-or-later
"""The osteoimmune model on bone cut out of a background grid."""

from .workload import osteoimmune

__all__ = ["osteoimmune"]
