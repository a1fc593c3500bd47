# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield models import``: SBML to a model file."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from osteofield.cli import main
from osteofield.kinetics import load_network

antimony = pytest.importorskip("antimony", reason="antimony is not installed (test dependencies)")
pytest.importorskip("libsbml", reason="python-libsbml is not installed (extra sbml)")

TEXT = """
model decay
  compartment c = 1
  species S in c
  S = 4; k = 0.5; t = 2
  J: S -> ; k*S + t*0
  at S < 1: S = 5
end
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(TEXT) >= 0, antimony.getLastError()
    (tmp_path / "decay.xml").write_text(antimony.getSBMLString("decay"))
    return tmp_path


def test_a_model_file_is_written_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "import", "decay.xml", "-o", "decay.toml"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "decay.toml written from decay.xml (SBML Level 3 Version 2): 1 population, 1 rate, 1 event, "
    )
    assert "- names that model files cannot have were changed: t is t_.\n" in out
    assert 'next: osteofield models decay.toml; a case uses it with [model] name = "decay.toml"' in out
    network = load_network("decay", file=Path("decay.toml"))
    assert network.initial == {"S": 4.0}
    assert main(["models", "decay.toml"]) == 0
    assert "d S / dt" in capsys.readouterr().out


def test_the_imported_model_runs() -> None:
    assert main(["models", "import", "decay.xml", "-o", "decay.toml"]) == 0
    Path("case.toml").write_text(
        'format = 1\n[sample]\nwell_mixed = true\n[initial]\nstate = "model"\n[model]\nname = "decay.toml"\n'
        '[time]\nend = "2 s"\n[output]\nevery = "1 s"\n',
        encoding="utf-8",
    )
    assert main(["run", "case.toml"]) == 0
    last = Path("results/case/history.csv").read_text("utf-8").splitlines()[-1]
    assert float(last.split(",")[1]) == pytest.approx(4 * math.exp(-1), rel=1e-3)


def test_an_existing_file_is_left_alone_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    Path("decay.toml").write_text("mine", encoding="utf-8")
    assert main(["models", "import", "decay.xml", "-o", "decay.toml"]) == 2
    assert Path("decay.toml").read_text("utf-8") == "mine"
    assert "decay.toml: this file exists already and is left as it is; --overwrite replaces it." in (
        capsys.readouterr().err
    )
    assert main(["models", "import", "decay.xml", "-o", "decay.toml", "--overwrite"]) == 0
    assert "[population.S]" in Path("decay.toml").read_text("utf-8")


def test_nothing_is_written_from_a_faulty_file(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("decay.xml").read_text("utf-8")
    Path("faulty.xml").write_text(text.replace("</kineticLaw>", "</kineticlaw>"), encoding="utf-8")
    assert main(["models", "import", "faulty.xml", "-o", "out.toml"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("faulty.xml:")
    assert "this is not well-formed XML" in err
    assert not Path("out.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import"], ["an SBML file is needed", "-o OUT.toml is needed"]),
        (["import", "decay.xml"], ["-o OUT.toml is needed"]),
        (["import", "decay.xml", "-o", "out.txt"], ["the name must end in .toml"]),
        (["import", "decay.xml", "-o", "no/out.toml"], ["there is no such folder to write to"]),
        (["import", "none.xml", "-o", "out.toml"], ["none.xml: there is no such file."]),
        (["osteoimmune", "more"], ["'more' is one name too many"]),
        (["osteoimmune", "-o", "x.toml"], ["-o goes with 'osteofield models import FILE.xml' only."]),
    ],
)
def test_what_is_said_of_wrong_arguments(
    arguments: list[str], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *arguments]) == 2
    err = capsys.readouterr().err
    assert all(words in err for words in said)
    assert f"{len(said)} problem" in err


def test_without_libsbml_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from osteofield.sbml.package import libsbml

    libsbml.cache_clear()
    monkeypatch.setitem(sys.modules, "libsbml", None)
    assert main(["models", "import", "decay.xml", "-o", "decay.toml"]) == 2
    assert 'install it with: pip install "osteofield[sbml]"' in capsys.readouterr().err
    libsbml.cache_clear()
