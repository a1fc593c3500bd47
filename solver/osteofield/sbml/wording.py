# SPDX-License-Identifier: LGPL-3.0-or-later
"""Words for messages and notes."""

from __future__ import annotations

from collections.abc import Iterable


def listed(words: Iterable[str], most: int = 3) -> str:
    """``a, b, c and 4 more``: each word once, the first ones in full."""
    words = list(dict.fromkeys(words))
    rest = len(words) - most
    if rest > 0:
        return f"{', '.join(words[:most])} and {rest} more"
    return ", ".join(words)
