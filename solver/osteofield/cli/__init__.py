# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``osteofield`` command: arguments in, exit status and a few lines of text out."""

from .entry import main

__all__ = ["main"]
