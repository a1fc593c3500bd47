# SPDX-License-Identifier: LGPL-3.0-or-later
"""Strong and weak scaling of the whole run over MPI ranks, and a prediction for many."""
