# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pages of the documentation that are made from what the code reads: models, and keys of a case.

A hook of MkDocs (``mkdocs.yml``); nothing of it is committed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

SCHEMA = "case.schema.json"
OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")  # links to files of the repository that are no pages


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put generated and verification pages into the navigation."""
    from osteofield.kinetics.library import library

    docs = Path(config.docs_dir)
    verification = sorted(p.stem for p in (docs / "verification").glob("*.md") if p.stem != "README")
    assert config.nav is not None
    models = [{name: f"reference/models/{name}.md"} for name, _ in library()]
    config.nav.append({"Model library": [{"Overview": "reference/models.md"}, *models]})
    published = [{name: f"verification/{name}.md"} for name in verification]
    config.nav.append({"Published models": [{"Overview": "verification/README.md"}, *published]})
    if (docs / SCHEMA).exists():
        for part in config.nav:
            for pages in part.values():
                if {"Case files": "cases.md"} in pages:
                    at = pages.index({"Case files": "cases.md"})
                    pages.insert(at + 1, {"Every key of a case": "reference/case.md"})
    listed = set(_targets(config.nav))
    more = next(part["How it works"] for part in config.nav if "How it works" in part)
    for page in sorted(docs.glob("*.md")):
        if page.name not in listed:
            title = page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ").partition(":")[0]
            more.append({title: page.name})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    from osteofield.kinetics.library import library, load_network
    from osteofield.verification.model_tables import equations, numbers

    rows = []
    for name, title in library():
        network = load_network(name)
        text = f"# {name}: {title}\n\n{equations(network)}\n\n{numbers(network)}\n\n{_sources(network)}"
        files.append(File.generated(config, f"reference/models/{name}.md", content=text))
        rows.append(f"| [{name}](models/{name}.md) | {title} | {len(network.populations)} |")
    head = (
        "# Model library\n\nMade from the model files; `osteofield models NAME` prints the same. How they "
        "are written: [Model files](../models.md).\n\n| model | | populations |\n|---|---|---|\n"
    )
    files.append(File.generated(config, "reference/models.md", content=head + "\n".join(rows) + "\n"))
    schema = Path(config.docs_dir) / SCHEMA
    if schema.exists():
        text = _case_reference(json.loads(schema.read_text(encoding="utf-8")))
        files.append(File.generated(config, "reference/case.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Files of the repository that are no pages are named, not linked."""
    here = Path(config.docs_dir) / Path(page.file.src_uri).parent

    def name(match: re.Match[str]) -> str:
        target = (here / match[2].partition("#")[0]).resolve()
        docs = Path(config.docs_dir).resolve()
        if target.is_relative_to(docs) or not target.exists():
            return match[0]  # MkDocs checks it
        return f"{match[1]} (`{target.relative_to(docs.parent)}`)"

    return OUTSIDE.sub(name, markdown)


def _targets(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [t for part in parts for t in _targets(part)]


def _sources(network: Any) -> str:
    sources = getattr(network.model, "sources", None) or {}
    lines = [f"- {key}: {getattr(text, 'text', text)}" for key, text in sources.items()]
    return "## Sources\n\n" + "\n".join(lines) + "\n" if lines else ""


def _case_reference(schema: dict[str, Any]) -> str:
    """One table of keys for every table of a case."""
    parts = [
        "# Every key of a case\n\nMade from the JSON schema that editors complete cases with; explained with "
        "examples in [Case files](../cases.md).\n"
    ]
    parts += _table("top of the file", schema, top=True)
    return "\n".join(parts)


def _table(title: str, schema: dict[str, Any], *, top: bool = False) -> list[str]:
    rows, inner = [], []
    required = set(schema.get("required", ()))
    for key, about in schema.get("properties", {}).items():
        many = about.get("type") == "array" and "properties" in about.get("items", {})
        table = about.get("items", {}) if many else about
        if "properties" in table:
            name = f"[[{key}]]" if many else f"[{key}]"
            name = name if top else f"{title.strip('`')}.{key}"
            inner += _table(f"`{name}`", table)
            rows.append(f"| `{key}` | {'tables' if many else 'table'} | | {_text(about)} |")
            continue
        default = json.dumps(about["default"], ensure_ascii=False) if "default" in about else ""
        default = f"`{default}`" if default else ("required" if key in required else "")
        rows.append(f"| `{key}` | {_kind(about)} | {default} | {_text(about)} |")
    head = [f"\n## {title[0].upper() + title[1:]}\n"]
    if schema.get("description") and not top:
        head.append(_text(schema) + "\n")
    return [*head, "| key | value | default | meaning |\n|---|---|---|---|", *rows, *inner]


def _kind(about: dict[str, Any]) -> str:
    if "enum" in about:
        return ", ".join(f"`{json.dumps(v)}`" for v in about["enum"])
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(_kind(a) for a in about["anyOf"]))
    if about.get("type") == "array":
        return f"list of {_kind(about.get('items', {}))}"
    if about.get("examples"):
        return f"such as `{json.dumps(about['examples'][0], ensure_ascii=False)}`"
    return {"number": "number", "integer": "whole number", "boolean": "true or false", "string": "text"}.get(
        str(about.get("type")), "any"
    )


def _text(about: dict[str, Any]) -> str:
    return str(about.get("description", "")).replace("|", "\\|").replace("\n", " ")
