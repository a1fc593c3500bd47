# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m osteofield`` is the ``osteofield`` command."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
