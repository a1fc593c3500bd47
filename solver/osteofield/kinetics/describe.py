# SPDX-License-Identifier: LGPL-3.0-or-later
"""A model as text for people."""

from __future__ import annotations

from .network import Network


def describe(network: Network) -> str:
    return network.title
