# SPDX-License-Identifier: LGPL-3.0-or-later
"""The example of docs/sbml.md is what the import gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from osteofield.sbml import import_sbml


def test_the_example_is_what_the_import_gives(repository: Path, sbml_file: Callable[..., Path]) -> None:
    text = (repository / "docs" / "sbml.md").read_text(encoding="utf-8")
    (model,) = re.findall(r"```antimony\n(.*?)```", text, re.S)
    made = import_sbml(sbml_file(model))
    shown = next(t for t in re.findall(r"```toml\n(.*?)```", text, re.S) if "[input.made]" in t)
    for block in shown.strip().split("\n\n"):
        header, *lines = block.splitlines()
        _, rest = made.toml.split(f"{header}\n")
        entry = rest.split("\n\n")[0].splitlines()
        assert set(lines) <= set(entry)
