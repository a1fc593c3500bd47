# SPDX-License-Identifier: LGPL-3.0-or-later
"""Many runs of one case: which numbers of a model its results depend on."""

from .sensitivity import Response, assumed, sensitivities, table

__all__ = ["Response", "assumed", "sensitivities", "table"]
