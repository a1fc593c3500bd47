# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whether this machine can draw in 3-D, with or without a screen."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

from ..errors import InputError, Problem

ADVICE = (
    "this machine cannot draw 3-D pictures (no OpenGL). On Debian or Ubuntu install "
    "'apt-get install libegl1 libgl1 libgl1-mesa-dri', which needs no screen, or 'apt-get install xvfb' and "
    "run 'xvfb-run -a osteofield plot DIR'. The results are complete and can be plotted elsewhere."
)
_PROBE = """
import pyvista
p = pyvista.Plotter(off_screen=True, window_size=(16, 16))
p.background_color = "black"
p.add_mesh(pyvista.Plane(), color="white", lighting=False)
p.camera_position = "xy"
raise SystemExit(0 if p.screenshot(None, return_img=True).max() > 200 else 1)
"""


@lru_cache(1)
def require_opengl() -> None:
    """Draw a test picture in another process: without OpenGL, VTK may abort instead of raising.

    Raises:
        InputError: It failed; the message says what to install.
    """
    try:
        works = (
            subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=120).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        works = False
    if not works:
        raise InputError(Problem(ADVICE))
