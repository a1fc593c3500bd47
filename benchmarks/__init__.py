# SPDX-License-Identifier: LGPL-3.0-or-later
"""Speed of osteofield, paired with other integrators on the same mesh and right-hand side: README.md."""
