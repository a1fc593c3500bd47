# SPDX-License-Identifier: LGPL-3.0-or-later
"""Build hook: ship the example cases and their schema inside the wheel as ``osteofield/_cases``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CasesHook(BuildHookInterface):
    """An editable install reads ``cases/`` from the source tree and gets no copy."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            for case in sorted(Path(self.root, "cases").glob("*.toml")):
                build_data["force_include"][str(case)] = f"osteofield/_cases/{case.name}"
            schema = Path(self.root, "docs", "case.schema.json")
            build_data["force_include"][str(schema)] = f"osteofield/_cases/{schema.name}"
