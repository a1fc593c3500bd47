# SPDX-License-Identifier: LGPL-3.0-or-later
"""A verification as a page of documentation: what is asked, what was found, and the model in full."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import writing
from ..kinetics import Network
from .figure import draw
from .line import Line, shown
from .markdown import table
from .model_tables import equations, numbers
from .runner import LINEAR_TOLERANCE, Prepared
from .targets import Space

INDEX = "README.md"


def make_folder(folder: Path) -> None:
    """Make the folder for pages.

    Raises:
        InputError: It cannot be made.
    """
    with writing("the pages", folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_page(folder: Path, prepared: Prepared, lines: Sequence[Line]) -> Path:
    """Write ``NAME.md`` and ``NAME.png``.

    Raises:
        InputError: matplotlib is not installed.
    """
    file = prepared.file
    drawn = draw(folder / f"{file.name}.png", prepared, lines)
    network = next(iter(prepared.networks.values()))
    parts = [
        f"# {file.title}",
        f"**Requirement.** {file.requirement}",
        file.text.strip(),
        f"![courses of the runs and the targets on them]({file.name}.png)" if drawn else "",
        _result(prepared, lines),
        _how(prepared),
        equations(network),
        numbers(network),
        _sources(network),
    ]
    path = folder / f"{file.name}.md"
    path.write_text("\n\n".join(p for p in parts if p) + "\n", encoding="utf-8")
    return path


def write_index(folder: Path, done: Sequence[tuple[Prepared, Sequence[Line]]]) -> Path:
    """Write the table of all pages; returns its path."""
    rows = []
    for prepared, lines in done:
        file = prepared.file
        held = sum(line.holds for line in lines)
        worst = max((line.share for line in lines), default=0.0)
        rows.append(
            (
                f"[{file.title}]({file.name}.md)", f"`{prepared.file.name}`", str(len(file.runs)),
                f"{held} of {len(lines)}", f"{worst:.2f}",
            )
        )  # fmt: skip
    text = "\n\n".join(
        (
            "# Published models",
            "Models of the library against numbers that were printed with them, or computed independently "
            "from the printed equations. Every page is written by `osteofield verify -o DIR` from the runs "
            "it shows; `osteofield verify NAME` repeats them. A target holds if the error is at most one "
            "unit in the last digit given, unless its page says otherwise; the last column is the largest "
            "error as a share of that.",
            table(("model", "name", "runs", "targets that hold", "largest error"), rows),
        )
    )
    path = folder / INDEX
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _result(prepared: Prepared, lines: Sequence[Line]) -> str:
    held = sum(line.holds for line in lines)
    text = f"## Targets\n\n{held} of {len(lines)} hold. Errors are relative."
    if any(line.target.share is None for line in lines):
        text += " Allowed is one unit in the last digit of the target, where nothing else is said."
    sources = list(dict.fromkeys(line.target.source for line in lines))
    rows = []
    for line in lines:
        rows.append(
            (
                prepared.file.runs[line.target.run].name if not isinstance(line.target, Space) else "space",
                line.what, line.wanted, line.got, shown(line.error), shown(line.allowed),
                "ok" if line.holds else "**FAILS**", f"({sources.index(line.target.source) + 1})",
            )
        )  # fmt: skip
    head: tuple[str, ...] = ("run", "", "target", "got", "error", "allowed", "", "source")
    if len(sources) == 1:
        return f"{text} Targets: {sources[0]}.\n\n{table(head[:-1], [row[:-1] for row in rows])}"
    listed = "\n".join(f"- ({k}) {source}" for k, source in enumerate(sources, 1))
    return f"{text}\n\n{table(head, rows)}\n\nTargets from:\n\n{listed}"


def _how(prepared: Prepared) -> str:
    file = prepared.file
    rows = [
        (f"`{r.name}`", r.title, "<br>".join(f"`{s}`" for s in r.settings) or "the case as it is")
        for r in file.runs.values()
    ]
    for target in file.targets:
        if isinstance(target, Space):
            settings = "<br>".join(f"`{s}`" for s in target.settings)
            rows.append(("space", f"`{target.run}` again on a sample with space", settings))
    new = "" if file.case_name.endswith(".toml") else f" (`osteofield new {file.case_name}` writes it)"
    return (
        f"## How to run it\n\n```sh\nosteofield verify {file.name}\n```\n\n"
        f"The case is `{file.case_name}`{new}; the runs change it as with `--set`, at "
        f"`time.tolerance={file.tolerance:g}` and `time.linear_tolerance={LINEAR_TOLERANCE:g}`.\n\n"
        + table(("run", "", "settings"), rows)
    )


def _sources(network: Network) -> str:
    listed = [f"- {name}: {text}" for name, text in network.model.sources.items()]
    return "## Sources of the model\n\n" + "\n".join(listed) if listed else ""
