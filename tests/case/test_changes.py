# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which changes of a case hinder a run from going on, and what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.case import Case, load_case
from osteofield.case.changes import changes

from ..infected import plate

THERAPY = """\
[[therapy]]
drug = "anti_TNF"
from = "1 day"
dose = { level = 2.0 }
"""
TEXT = plate(THERAPY, head='title = "A plate"', time='end = "3 day"')


@pytest.fixture
def case(tmp_path: Path):
    file = tmp_path / "plate.toml"
    file.write_text(TEXT)

    def load(*settings: str, text: str = TEXT) -> Case:
        file.write_text(text)
        return load_case(file, settings)

    return load


def hinders(case, *settings: str, now: float = 2.0, text: str = TEXT) -> list[tuple[str, str]]:
    """Where, and what."""
    stored = case().resolved
    problems = changes(stored, case(*settings, text=text), now)
    return [(p.key or str(p.file), p.message) for p in problems]


@pytest.mark.parametrize(
    "settings",
    [
        (), ("title=other",), ("time.end=72 h",), ("time.end=9 day",), ("time.shortest_step=1e-12 day",),
        ("output.every=0.5 day",), ("output.fields=['TNF']",), ("stop.when=['cleared']",),
        ("checkpoint.every=1 day", "checkpoint.keep=5"), ("focus.0.radius=0.12 mm",),
        ("focus.0.center=['0.15 mm', '200 um']",), ("therapy.0.from=24 h",), ("time.tolerance=0.001",),
        ("therapy.0.dose.level=2",),
    ],
)  # fmt: skip
def test_what_acts_from_now_on_or_means_the_same_is_free(case, settings):
    assert hinders(case, *settings) == []


@pytest.mark.parametrize(
    ("setting", "was", "now"),
    [
        ("time.tolerance=1e-4", "0.001", "0.0001"),
        ("time.first_step=1e-5 day", '"1e-4 day"', '"1e-5 day"'),
        ("sample.cell_size=50 um", '"60 um"', '"50 um"'),
        ("boundary.outer=open", '"closed"', '"open"'),
        ("focus.0.radius=100 um", '"120 um"', '"100 um"'),
        ("therapy.0.from=2.5 day", '"1 day"', '"2.5 day"'),
        ("therapy.0.until=2.9 day", '"3 day"', '"2.9 day"'),
        ("model.parameters.beta_OPG=8e7 1/day", "not set", '"8e7 1/day"'),
        ("model.switches.OPG_drop=false", "not set", "false"),
        ("output.eroded_above=3 um", '"2 um"', '"3 um"'),
    ],
)
def test_what_matters_is_named_with_both_values(case, setting, was, now):
    found = hinders(case, setting)
    message = (
        f"this was {was} when the checkpoint was written and is {now} now; a run can only go on as it was "
        "begun."
    )
    assert found == [(f"--set {setting}", message)]


def test_a_table_that_was_taken_out(case):
    found = dict(hinders(case, text=TEXT.replace(THERAPY, "")))
    assert set(found) == {"therapy[0].drug", "therapy[0].from", "therapy[0].until", "therapy[0].dose.level"}
    assert 'this was "anti_TNF"' in found["therapy[0].drug"] and "is not set now" in found["therapy[0].drug"]


def test_an_end_before_the_checkpoint(case):
    assert hinders(case, text=TEXT.replace('end = "3 day"', 'end = "1.5 day"')) == [
        ("time.end", "the checkpoint is at day 2, which is later than the end of this case.")
    ]


def test_a_file_counts_by_its_content(case, tmp_path):
    """Where it lies does not matter here; the hashes of sample and model are compared elsewhere."""
    texts = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("bone.xdmf", "bone.h5", "model.toml"):
            (tmp_path / folder / name).write_text("")
        text = TEXT[TEXT.index("[model.parameters]") :].replace(
            'center = ["150 um", "200 um"]', 'center = "center"'
        )
        texts.append(
            f'format = 1\n[sample]\nmesh = "{folder}/bone.xdmf"\n'
            f'[model]\nname = "{folder}/model.toml"\n{text}'
        )
    stored = case(text=texts[0]).resolved
    other = case(text=texts[1])
    assert stored != other.resolved
    assert changes(stored, other, 2.0) == []
