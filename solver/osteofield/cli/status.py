# SPDX-License-Identifier: LGPL-3.0-or-later
"""Exit status of the command; scripts and schedulers rely on these numbers."""

DONE = 0
WRONG_INPUT = 2
STOPPED = 3
REQUEUE = 85
