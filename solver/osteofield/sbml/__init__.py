# SPDX-License-Identifier: LGPL-3.0-or-later
"""SBML: models of other tools as model files."""

from __future__ import annotations

from .importing import Imported, import_sbml

__all__ = ["Imported", "import_sbml"]
