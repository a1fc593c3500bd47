# SPDX-License-Identifier: LGPL-3.0-or-later
"""The report without a browser: well-formed, offline, and its numbers are those of history.csv."""

from __future__ import annotations

import base64
import csv
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.report import write_report
from osteofield.report.html import plain_number
from osteofield.report.lesion3d import lesion_data
from osteofield.report.numbers import key_numbers
from osteofield.report.sections import source_kind
from osteofield.results import open_results, prepare
from osteofield.results.arms import ArmsFolder
from osteofield.view import plot

from .conftest import FOCUS, RADIUS, SIZE, write_ball

CENTRE = np.full(3, SIZE / 2)
VOID = {"meta", "img", "link", "input", "circle", "polyline", "br"}


class Page(HTMLParser):
    """Checks nesting; collects addresses, text, and what the numbers claim."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self.claims: list[tuple[str, float, float]] = []
        self._of: dict[str, str | None] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "action", "poster")]
        if tag == "span" and given.get("data-column"):
            self._of = given
        if tag == "data" and self._of:
            value = float(given["value"] or "nan")
            self.claims.append((str(self._of["data-column"]), float(self._of["data-at"] or "nan"), value))
            self._of = {}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)
            if self.open[-1] == "h2":
                self.headings.append(data)


def test_page_is_well_formed_and_has_every_section(page: Path) -> None:
    read = Page(page.read_text(encoding="utf-8"))
    assert not read.open
    assert read.headings == [
        "The case", "Key numbers", "The lesion", "Pictures", "Budgets and balance", "What is assumed",
        "Solver", "Provenance",
    ]  # fmt: skip


def test_page_carries_everything_and_asks_for_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    read = Page(text)
    assert read.addresses and all(a.startswith("data:") for a in read.addresses)
    assert "default-src 'none'" in text  # the browser refuses what this test overlooks
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None and "url(" not in style[1] and "@import" not in style[1]
    assert "://" not in re.sub(r'(?s)<script type="application/json".*?</script>|src="data:[^"]*"', "", text)
    pictures = re.findall(r'src="data:image/webp;base64,([^"]+)"', text)
    assert len(pictures) == 5
    assert all(base64.b64decode(p)[8:12] == b"WEBP" for p in pictures)


def test_numbers_are_those_of_the_history(page: Path, ball: Path) -> None:
    read = Page(page.read_text(encoding="utf-8"))
    with (ball / "history.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    table = {float(r["time [day]"]): r for r in rows}
    assert {c for c, _, _ in read.claims} >= {
        "Oc.S/BS [1]",
        "bone_loss [mm^3]",
        "E.De.max [um]",
        "TNF.max [pM]",
    }
    assert len(read.claims) >= 14
    for column, time, value in read.claims:
        assert value == float(table[time][column]), column


def test_text_of_the_input_is_escaped(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "A ball &amp; its &lt;lesion&gt;" in text
    assert "rifampicin &lt;b&gt; from 4 day until 8 day" in text
    assert "of &lt;something&gt;" in text and "<something>" not in text


def test_case_is_told_in_words(page: Path) -> None:
    words = " ".join("".join(Page(page.read_text(encoding="utf-8")).words).split())
    assert re.search(r"A test shape \(sphere\); 1 × 1 × 1 mm\. BV/TV 0\.1\d*, bone surface 1\.\d+ mm²", words)
    assert "1000 CFU/mm³ of bacteria in the marrow within 150 µm of (0.5, 0.15, 0.5) mm" in words
    assert "Changed by the case: growth = 2 1/day." in words
    assert "Nothing crosses the outer faces of the sample." in words
    assert "Of the 4 parameters and switches of this model 2 are assumptions, 1 stand as recalled" in words
    assert "TNF-α, highest in the sample" in words


def test_budget_is_shown_with_its_shares(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<td>secretion &lt;by&gt; macrophages</td>" in text
    assert 'class="share gain"><span style="width:75.0%">' in text
    assert 'class="share loss"><span style="width:25.0%">' in text
    assert '<data value="-50.0">' in text


def test_key_numbers_against_day_0(ball: Path) -> None:
    found = {n.label: n for n in key_numbers(open_results(ball))}
    loss = found["bone volume fraction BV/TV"]
    assert (loss.start, loss.end) == (0.1131, pytest.approx(0.1121))
    cells = found["active osteoclasts per bone surface"]
    assert (cells.start, cells.end, cells.highest[1]) == (1.0, pytest.approx(1.1), 10.0)
    radius = found["lesion radius"]
    assert radius.start == 0.0
    # depth over 2 um is within 200 ln 5 = 322 um of the focus; the ball begins at 50
    assert 200 < radius.end < 322


def test_lesion_is_packed_to_within_its_resolution(ball: Path) -> None:
    result = open_results(ball)
    data = lesion_data(result)
    assert data is not None
    low, high = np.array(data["box"])
    raw = np.frombuffer(base64.b64decode(data["points"]), "<u2").reshape(-1, 3)
    points = low + raw / 65535 * (high - low)
    np.testing.assert_allclose(points, result.surface.points, atol=0.01)
    triangles = np.frombuffer(base64.b64decode(data["triangles"]), "<u4").reshape(-1, 3)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - CENTRE)
    assert (outward > 0).all()  # normals into the marrow
    depths = np.frombuffer(base64.b64decode(data["depths"]), "u1").reshape(3, -1) / 255 * data["top"]
    np.testing.assert_allclose(depths[2], result.surface["depth"][2], atol=data["top"] / 255)
    assert data["times"] == [0.0, 5.0, 10.0]
    json.dumps(data)


def test_large_surface_is_thinned_out_but_not_moved(ball: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osteofield.report.lesion3d.MOST_TRIANGLES", 300)
    data = lesion_data(open_results(ball))
    assert data is not None
    triangles = np.frombuffer(base64.b64decode(data["triangles"]), "<u4").reshape(-1, 3)
    assert 250 < len(triangles) < 400
    raw = np.frombuffer(base64.b64decode(data["points"]), "<u2").reshape(-1, 3)
    assert data["count"] == len(raw) == triangles.max() + 1
    distance = np.linalg.norm(raw / 65535 * SIZE - CENTRE, axis=1)
    np.testing.assert_allclose(distance, RADIUS, atol=12)
    near = np.linalg.norm(raw / 65535 * SIZE - FOCUS, axis=1)
    depths = np.frombuffer(base64.b64decode(data["depths"]), "u1").reshape(3, -1) / 255 * data["top"]
    np.testing.assert_allclose(depths[2], 10 * np.exp(-near / 200), atol=0.05)


def test_well_mixed_results_have_a_report(well_mixed: Path, tmp_path: Path) -> None:
    file = write_report(well_mixed, tmp_path / "deep" / "r.html")
    read = Page(file.read_text(encoding="utf-8"))
    assert "The lesion" not in read.headings and "Pictures" in read.headings
    assert ("TNF.mean [pM]", 2.0, 3.0) in read.claims


def test_arms_are_set_side_by_side(tmp_path: Path) -> None:
    resolved = (
        'format = 1\ntitle = "Two arms"\n[[arm]]\nname = "untreated"\n'
        '[[arm]]\nname = "one & two"\n[[arm.therapy]]\ndrug = "vancomycin"\nfrom = "4 day"\n'
    )
    names = ("untreated", "one & two")
    with ArmsFolder(
        tmp_path / "arms", {"name": "arms", "hash": "h"}, resolved, names, screen=False
    ) as folder:
        for name in names:
            write_ball(tmp_path / "arms" / name)
        folder.end({})
    read = Page(write_report(tmp_path / "arms").read_text(encoding="utf-8"))
    assert read.headings[:3] == ["The arms", "Key numbers", "Courses"] and not read.open
    words = " ".join(read.words)
    assert "Two arms" in words and "the case as it is" in words and "vancomycin from 4 day on." in words
    assert read.claims.count(("bone_loss [mm^3]", 10.0, 1.23456789e-3)) == 2
    with pytest.raises(InputError, match="holds the arms of a comparison; name one of them: .*untreated"):
        plot(tmp_path / "arms", what="lesion")


def test_nothing_to_report_and_nowhere_to_write(ball: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        write_report(tmp_path / "none")
    with (
        prepare(tmp_path / "empty", "empty", "h", screen=False),
        pytest.raises(InputError, match="not written anything to report yet"),
    ):
        write_report(tmp_path / "empty")
    with pytest.raises(InputError, match=r"this is a folder; the report needs a file, such as report.html"):
        write_report(ball, tmp_path)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0, "0"), (1.23456, "1.235"), (-0.5, "−0.5"), (23580.4, "23\u202f580"),
        (1e-5, "1&#8239;×&#8239;10<sup>−5</sup>"),
        (12345, "12\u202f345"), (3.5e9, "3.5&#8239;×&#8239;10<sup>9</sup>"), (100.0, "100"),
    ],
)  # fmt: skip
def test_numbers_as_printed(value: float, printed: str) -> None:
    assert plain_number(value) == printed


def test_sources_are_sorted_into_assumed_recalled_and_published() -> None:
    sources = {"A": "A 1999, J Bone", "B": "B (recalled, to be verified)"}
    kinds = [source_kind(s, sources) for s in ("assumed", "assumed: because", "", "A", "A: table 1", "B")]
    assert kinds == ["assumed", "assumed", "assumed", "published", "published", "verify"]


def test_no_solver_is_imported() -> None:
    code = "import sys, osteofield.report; print(sorted({'mpi4py', 'dolfinx'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
