# SPDX-License-Identifier: LGPL-3.0-or-later
"""A case and a cluster make a Slurm job: profile, resources, variants, script, sbatch."""

from .mpi import Launcher, find_launcher
from .profile import Profile, profile_path, read_profile
from .resources import LONGEST_NOTICE, Resources, check_resources, duration
from .script import Job, job_script
from .slurm import check_sbatch, send
from .variants import Variant, read_variants

__all__ = [
    "LONGEST_NOTICE",
    "Job",
    "Launcher",
    "Profile",
    "Resources",
    "Variant",
    "check_resources",
    "check_sbatch",
    "duration",
    "find_launcher",
    "job_script",
    "profile_path",
    "read_profile",
    "read_variants",
    "send",
]
