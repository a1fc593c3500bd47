# SPDX-License-Identifier: LGPL-3.0-or-later
"""Case files: read, check, and hand out in internal units. No DOLFINx here."""

from .case import Case
from .loader import Reading, load_case, load_sample_spec, read_case
from .names import check_names

__all__ = ["Case", "Reading", "check_names", "load_case", "load_sample_spec", "read_case"]
