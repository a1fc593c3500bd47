# SPDX-License-Identifier: LGPL-3.0-or-later
"""Case files: values in internal units, defaults, the resolved case, and messages."""

# ruff: noqa: E501 - one fault and its message a line

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from osteofield.case import Case, load_case, load_sample_spec, read_case
from osteofield.errors import InputError

BASE = """\
format = 1
[sample]
synthetic = { size = ["2 mm", "2 mm", "1 mm"] }
cell_size = "60 um"
[model]
name = "osteoimmune"
[time]
end = "28 day"
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "case.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_case(path, overrides)
    return [str(p).replace(f"{path.parent}/", "") for p in caught.value.problems]


def reloaded(case: Case, folder: Path) -> Case:
    path = folder / "elsewhere" / "other.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(case.resolved, encoding="utf-8")
    return load_case(path)


def test_defaults_and_units(write: Write) -> None:
    case = load_case(write(BASE))
    assert case.name == case.title == "case"
    assert case.sample.kind == "foam" and case.sample.foam is not None
    assert case.sample.foam.size == (2000.0, 2000.0, 1000.0)
    assert case.sample.foam.bvtv == 0.23 and case.sample.foam.spacing == 936.0
    assert case.sample.cell_size == 60.0
    assert case.initial == "homeostasis" and case.outer == "closed" and case.surface == "records depth"
    assert case.time.tolerance == 1e-3 and case.time.first_step == 1e-4 and case.time.longest_step is None
    assert case.output.times == tuple(float(t) for t in range(29))
    assert case.output.fields is None and case.output.infected_above == 50.0
    assert case.foci == () and case.therapies == () and case.stop == ()


def test_every_key(write: Write, tmp_path: Path) -> None:
    (tmp_path / "scan.nrrd").touch()
    (tmp_path / "mine.toml").touch()
    case = load_case(
        write("""
format = 1
name = "trial"
title = "All keys"
surface = "records depth"
[sample]
image = "scan.nrrd"
threshold = "otsu"
smoothing = 0
voxel = "0.0195 mm"
crop = { from = ["0 um", "-10 um", "0 mm"], to = ["1 mm", "1 mm", "1 mm"] }
slice = { axis = "x", at = "0.5 mm" }
cell_size = "39 um"
[initial]
state = "model"
[model]
name = "mine.toml"
[model.parameters]
turnover = "human"
dL = "10 1/day"
n = 3
[model.switches]
membrane = false
[[focus]]
center = ["0.5 mm", "500 um"]
radius = "0.3 mm"
load = "1e6 CFU/mL"
population = "bacteria"
[[focus]]
center = "center"
radius = "50 um"
load = "2 nM"
[[therapy]]
drug = "antibiotic"
from = "0 day"
until = "24 h"
dose = { level = 10 }
[[therapy]]
drug = "antibiotic"
from = "2 day"
dose = { level = "20 mg/L" }
[boundary]
outer = "open"
[time]
end = "1 week"
tolerance = 1e-4
first_step = "1 min"
shortest_step = "1e-8 day"
longest_step = "12 h"
linear_tolerance = 0.01
[stop]
when = ["cleared", "steady"]
[output]
times = ["0 day", "36 h", "7 day"]
fields = ["TNF"]
eroded_above = "0 um"
infected_above = "10 CFU/mm^3"
""")
    )
    image = case.sample.image
    assert image is not None and image.path == tmp_path / "scan.nrrd"
    assert (image.threshold, image.smoothing, image.voxel) == ("otsu", 0.0, pytest.approx(19.5))
    assert image.crop == ((0.0, -10.0, 0.0), (1000.0, 1000.0, 1000.0))
    assert case.sample.slice is not None
    assert (case.sample.slice.axis, case.sample.slice.at) == ("x", 500.0)
    assert case.model.file == tmp_path / "mine.toml" and case.model.name == "mine"
    assert case.model.parameters == {"turnover": "human", "dL": "10 1/day", "n": 3.0}
    assert case.model.switches == {"membrane": False}
    assert case.foci[0].center == (500.0, 500.0) and case.foci[0].radius == 300.0
    assert case.foci[0].load == pytest.approx(1000.0) and case.foci[0].population == "bacteria"
    assert case.foci[1].center == "center" and case.foci[1].load == pytest.approx(2000.0)
    assert (case.therapies[0].start, case.therapies[0].stop, case.therapies[0].level) == (0.0, 1.0, 10.0)
    assert (case.therapies[1].stop, case.therapies[1].level_text) == (7.0, "20 mg/L")
    assert case.time.end == 7.0 and case.time.longest_step == 0.5
    assert case.stop == ("cleared", "steady")
    assert case.output.times == (0.0, 1.5, 7.0) and case.output.fields == ("TNF",)
    assert case.name == "trial" and case.outer == "open" and case.initial == "model"
    assert reloaded(case, tmp_path) == case


@pytest.mark.parametrize(
    "sample",
    [
        'shape = { kind = "plate", size = ["1 mm", "1 mm"], thickness = "200 um" }\ncell_size = "20 um"',
        'shape = { kind = "sphere", size = ["1 mm", "1 mm", "1 mm"], radius = "0.2 mm", center = "center" }\n'
        'cell_size = "20 um"',
        'shape = { kind = "box pore", size = ["1 mm", "1 mm"], pore = ["1 um", "2 um"], center = ["0 um", "0 um"] }\n'
        'cell_size = "20 um"',
        'shape = { kind = "marrow", size = ["1 mm", "1 mm"] }\ncell_size = "20 um"',
        'mesh = "sample.xdmf"',
        "well_mixed = true",
        'well_mixed = true\nbone_surface_density = "5 1/mm"\nbone_thickness = "0.1 mm"',
        'image = "scan.nrrd"\nthreshold = 63\ncell_size = "39 um"',
    ],
)
def test_the_resolved_case_loads_again_to_the_same_case(write: Write, tmp_path: Path, sample: str) -> None:
    (tmp_path / "sample.xdmf").touch()
    (tmp_path / "scan.nrrd").touch()
    path = write(f'format = 1\n[sample]\n{sample}\n[model]\nname = "komarova"\n[time]\nend = "0.3 day"\n')
    case = load_case(path)
    again = reloaded(case, tmp_path)
    assert again == case
    assert again.resolved == case.resolved
    assert again.name == "case"  # it keeps its name, so that it finds its results


def test_well_mixed_values(write: Write) -> None:
    case = load_case(
        write('format = 1\n[sample]\nwell_mixed = true\n[model]\nname = "x"\n[[focus]]\nload = "9 CFU/mm^3"\n'
              '[time]\nend = "1 day"\n')
    )  # fmt: skip
    assert case.sample.kind == "well mixed"
    assert case.sample.bone_surface_density == pytest.approx(0.00486)
    assert case.sample.bone_thickness == pytest.approx(100.9)
    assert case.foci[0].radius == math.inf


def test_settings_resolve_too_and_their_paths_are_those_of_the_current_folder(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "scan.nrrd").touch()
    monkeypatch.chdir(here)
    path = write(
        BASE.replace('synthetic = { size = ["2 mm", "2 mm", "1 mm"] }', 'image = "none.nrrd"\nthreshold = 63')
    )
    case = load_case(path, ["sample.image=scan.nrrd", 'time.end="2 day"', "model.parameters.turnover=rodent"])
    assert case.sample.image is not None and case.sample.image.path == here / "scan.nrrd"
    assert case.time.end == 2.0
    monkeypatch.chdir(tmp_path)
    assert reloaded(case, tmp_path) == case


@pytest.mark.parametrize(
    ("end", "every", "last", "count"),
    [
        ("1 day", "0.1 day", [0.9, 1.0], 11),
        ("1 day", "0.3 day", [0.9, 1.0], 5),
        ("1 day", "2 day", [0.0, 1.0], 2),
    ],
)
def test_regular_output_ends_with_the_run(write: Write, end: str, every: str, last: list, count: int) -> None:
    case = load_case(write(BASE.replace("28 day", end) + f'[output]\nevery = "{every}"\n'))
    assert case.output.times[0] == 0.0
    assert case.output.times[-2:] == pytest.approx(last) and case.output.times[-1] == case.time.end
    assert len(case.output.times) == count


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1\n", "", "case.toml: format: this key is needed, for example format = 1 (the version of the case"),
        ("format = 1", "format = 2", "case.toml:1: format: format 2 is not known to this version"),
        ("format = 1", 'format = "1"', "case.toml:1: format: a plain number is needed, but this is the text '1'."),
        ("[sample]", "[remodelling]\nrecut = 0.1\n[sample]", "case.toml:2: remodelling: this is for a surface that"),
        ("[sample]", 'surface = "records"\n[sample]', "surface: 'records' is not one of the choices; did you mean"),
        ("[sample]", 'name = "a/b"\n[sample]', "case.toml:2: name: the name of a case also names a folder"),
        ("28 day", "28", "case.toml:8: time.end: '28' has no unit; write for example '28 day'."),
        ('"28 day"', "28", 'case.toml:8: time.end: 28 has no unit; write for example "28 day".'),
        ('"28 day"', "true", 'case.toml:8: time.end: a quantity such as "1 day" is needed, but this is true.'),
        ("28 day", "28 um", "time.end: '28 um' is a length, but a time is needed here, for example '1 day'."),
        ("28 day", "-1 day", "time.end: '-1 day' is not allowed; it must be positive."),
        ("28 day", "28 dya", "time.end: 'dya' is not a unit"),
        ("end =", "ned =", "case.toml:8: time.ned: this key is not known; did you mean 'end'?"),
        ('end = "28 day"\n', "", 'case.toml:7: time.end: this key is needed, for example end = "28 day"'),
        ("[time]", "[tme]", "case.toml:7: tme: this key is not known; did you mean 'time'?"),
        ("[time]", "time = 3\n[x]", "model.time: this key is not known"),
        ("[model]", "[[model]]", "case.toml:5: model: a table is needed here, but this is a list."),
        ("[time]", "[focus]\n[time]", "focus: write [[focus]] with two pairs of brackets: there can be several."),
        ('"60 um"', '"60 um"\nthreshold = 3', "sample.threshold: 'threshold' belongs to a sample of kind image, but"),
        ('"60 um"', '"60 um"\nimage = "a"', "sample.synthetic: a sample needs exactly one of image, synthetic, shape,"),
        ('synthetic = { size = ["2 mm", "2 mm", "1 mm"] }', "", "case.toml:2: sample: a sample needs exactly one of"),
        ('"1 mm"]', '"1"]', "case.toml:3: sample.synthetic.size[2]: '1' has no unit"),
        (', "1 mm"]', "]", "sample.synthetic.size: 3 values are needed here, but there are 2."),
        ('"1 mm"] }', '"1 mm"], "BV/TV" = 23 }', "sample.synthetic.BV/TV: a number above 0 and below 1 is needed, not"),
        ('"1 mm"] }', '"1 mm"], seed = 1.5 }', "synthetic.seed: a whole number of at least 0 is needed"),
        ('"1 mm"] }', '"60 um"] }', "synthetic.size: every side must be at least four voxels (78 um) long."),
        ("[model]", "slice = { axis = 'w' }\n[model]", "sample.slice.axis: 'w' is not one of the choices"),
        ('name = "osteoimmune"', 'name = "my.toml"', "model.name: there is no model file 'my.toml' in"),
        ('name = "osteoimmune"', "name = 3", "case.toml:6: model.name: a text in quotes is needed, but this is the number 3."),
        ("[time]", "[model.switches]\na = 1\n[time]", "model.switches.a: true or false is needed, but this is the number 1."),
        ("[time]", "[model.parameters]\na = true\n[time]", "model.parameters.a: a plain number is needed, but"),
        ("[time]", "[time]\ntolerance = 1", "time.tolerance: a number above 0 and at most 0.1 is needed, not 1."),
        ("[time]", '[time]\nfirst_step = "1e-12 day"', "time.first_step: the first step (1e-12 day) is shorter than"),
        ("[time]", '[time]\nlongest_step = "1e-12 day"', "time.longest_step: the longest step is shorter than the"),
        ("[time]", '[output]\nevery = "1 s"\n[time]', "output.every: this asks for 2.42e+06 output times"),
        ("[time]", '[output]\ntimes = ["0 day", "29 day"]\n[time]', "output.times[1]: 29 day is not within the run"),
        ("[time]", '[output]\ntimes = ["2 day", "1 day"]\n[time]', "output.times[1]: the times must ascend"),
        ("[time]", '[output]\ntimes = []\n[time]', "output.times: at least one time is needed."),
        ("[time]", '[output]\ntimes = ["0 day"]\nevery = "1 day"\n[time]', "output.times: give either 'every' or"),
        ("[time]", '[output]\nfields = "TNF"\n[time]', "output.fields: a list is needed, also of one"),
        ("[time]", '[output]\nfields = ["TNF", "TNF"]\n[time]', "output.fields[1]: 'TNF' stands here twice."),
        ("[time]", '[stop]\nwhen = ["claered"]\n[time]', "stop.when[0]: 'claered' is not known; did you mean 'cleared'?"),
        ("[time]", '[boundary]\nouter = "robin"\n[time]', "boundary.outer: 'robin' is not one of the choices; allowed:"),
    ],
)  # fmt: skip
def test_messages(write: Write, old: str, new: str, message: str) -> None:
    assert old in BASE
    found = problems(write(BASE.replace(old, new, 1)))
    assert any(message in p for p in found), found


@pytest.mark.parametrize(
    ("therapy", "message"),
    [
        (
            'from = "3 day"\nuntil = "2 day"',
            "case.toml:12: therapy[0].until: a therapy must end after it starts",
        ),
        (
            'from = "30 day"\nuntil = "32 day"',
            "case.toml:11: therapy[0].from: the run ends at 28 day, so this",
        ),
        ('until = "2 day"', 'case.toml:9: therapy[0].from: this key is needed, for example from = "7 day"'),
    ],
)
def test_therapy_schedule(write: Write, therapy: str, message: str) -> None:
    found = problems(write(BASE + f'[[therapy]]\ndrug = "a"\n{therapy}\ndose = {{ level = 1 }}\n'))
    assert len(found) == 1 and found[0].startswith(message), found


def test_therapy_dose(write: Write) -> None:
    start = '[[therapy]]\ndrug = "a"\nfrom = "1 day"\n'
    assert problems(write(BASE + start)) == [
        "case.toml:9: therapy[0].dose.level: this key is needed, for example level = 10."
    ]
    for dose, message in [
        ("inf", "a number that is finite is needed, not inf."),
        ('"ten"', "'ten' is not a number with a unit."),
        ('"1 foo"', "'foo' is not a unit"),
    ]:
        (found,) = problems(write(BASE + start + f"dose.level = {dose}\n"))
        assert found.startswith(f"case.toml:12: therapy[0].dose.level: {message}")


def test_focus_dimensions_follow_the_sample(write: Write) -> None:
    focus = '[[focus]]\ncenter = ["1 mm", "1 mm"]\nradius = "1 um"\nload = "1 CFU/mm^3"\n'
    assert problems(write(BASE + focus)) == [
        "case.toml:10: focus[0].center: 3 values are needed here, but there are 2."
    ]
    load_case(write(BASE.replace("[model]", "slice = {}\n[model]") + focus))
    mixed = BASE.replace(
        'synthetic = { size = ["2 mm", "2 mm", "1 mm"] }\ncell_size = "60 um"', "well_mixed = true"
    )
    found = problems(write(mixed + focus))
    assert len(found) == 2
    assert found[0].endswith(
        "a well-mixed sample has no places in it, so its focus has only a load; leave 'center' out."
    )


def test_all_problems_come_at_once_in_the_order_of_the_file(write: Write) -> None:
    text = BASE.replace("60 um", "60").replace("osteoimmune", "").replace("28 day", "4 um") + "extra = 1\n"
    assert [p.split(": ")[:2] for p in problems(write(text))] == [
        ["case.toml:4", "sample.cell_size"],
        ["case.toml:6", "model.name"],
        ["case.toml:8", "time.end"],
        ["case.toml:9", "time.extra"],
    ]


def test_a_wrong_value_does_not_cause_further_complaints(write: Write) -> None:
    text = (
        BASE.replace("28 day", "x")
        + '[output]\ntimes = ["1 day"]\n[[therapy]]\ndrug = "a"\nfrom = "1 day"\ndose.level = 1\n'
    )
    assert len(problems(write(text))) == 1


def test_a_missing_image_suggests_its_neighbour(write: Write, tmp_path: Path) -> None:
    (tmp_path / "sample.nrrd").touch()
    text = BASE.replace(
        'synthetic = { size = ["2 mm", "2 mm", "1 mm"] }', 'image = "sampel.nrrd"\nthreshold = 63'
    )
    (found,) = problems(write(text))
    assert found == (
        f"case.toml:3: sample.image: there is no image 'sampel.nrrd' in {tmp_path}; did you mean 'sample.nrrd'?"
    )


def test_problems_of_settings_name_the_setting(write: Write) -> None:
    found = problems(write(BASE), ("time.end=4 um", "tim.end=3", "sample.cell_size"))
    assert found[0].startswith("--set sample.cell_size: this is not of the form key=value")
    assert any(p.startswith("--set time.end=4 um: '4 um' is a length") for p in found)
    assert any(p == "--set tim.end=3: this key is not known; did you mean 'time'?" for p in found)
    assert len(found) == 3


def test_read_case_hands_out_the_model_of_a_faulty_case(write: Write) -> None:
    reading = read_case(write(BASE.replace("28 day", "28")))
    assert reading.case is None and len(reading.problems) == 1
    assert reading.model is not None and reading.model.name == "osteoimmune"
    assert read_case(write(BASE.replace('name = "osteoimmune"', "name = 1"))).model is None


def test_a_sample_from_an_image_and_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scan.nrrd").touch()
    monkeypatch.chdir(tmp_path)
    spec = load_sample_spec(
        "scan.nrrd",
        image=True,
        settings=[("threshold", 63, "--threshold 63"), ("cell_size", "58.5um", "--cell-size 58.5um")],
    )
    assert spec.image is not None and spec.image.path == tmp_path / "scan.nrrd"
    assert spec.cell_size == 58.5
    with pytest.raises(InputError) as caught:
        load_sample_spec("scan.nrrd", image=True, settings=[("cell_size", "58.5", "--cell-size 58.5")])
    assert [str(p).split(": ")[0] for p in caught.value.problems] == ["scan.nrrd", "--cell-size 58.5"]


def test_a_sample_from_a_recipe_or_case(write: Write) -> None:
    recipe = write('[sample]\nsynthetic = { size = ["1 mm", "1 mm", "1 mm"] }\ncell_size = "50 um"\n')
    assert load_sample_spec(recipe, image=False) == load_sample_spec(write(
        'format = 1\n[sample]\nsynthetic = { size = ["1000 um", "1 mm", "1 mm"] }\ncell_size = "50 um"\n'
        '[time]\nend = "1 day"\n', "b.toml"), image=False)  # fmt: skip
    with pytest.raises(InputError, match="smaple: this key is not known; did you mean 'sample'?"):
        load_sample_spec(write('[smaple]\nmesh = "a"\n'), image=False)


def test_the_shipped_cases_are_right(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "scan.nrrd").touch()
    files = sorted((repository / "cases").glob("*.toml"))
    assert {f.stem for f in files} >= {
        "osteomyelitis",
        "osteomyelitis_2d",
        "osteomyelitis_microct",
        "healthy",
    }
    for file in files:
        needs_image = 'image = "sample.nrrd"' in file.read_text(encoding="utf-8")
        case = load_case(file, [f"sample.image={tmp_path / 'scan.nrrd'}"] if needs_image else [])
        assert case.title != case.name, f"{file} has no title"
        assert reloaded(case, tmp_path) == case


@pytest.mark.parametrize(
    ("slice_", "center", "span"),
    [
        ("", '["1 mm", "1 mm", "1.1 mm"]', "0..2000 um x 0..2000 um x 0..1000 um"),
        ("", '["-1 um", "1 mm", "1 mm"]', "0..2000 um x 0..2000 um x 0..1000 um"),
        ('slice = { axis = "y" }', '["1 mm", "1.1 mm"]', "0..2000 um x 0..1000 um"),
    ],
)
def test_a_focus_outside_a_synthetic_sample(write: Write, slice_: str, center: str, span: str) -> None:
    focus = f'[[focus]]\ncenter = {center}\nradius = "1 um"\nload = "1 CFU/mm^3"\n'
    (found,) = problems(write(BASE.replace("[model]", f"{slice_}\n[model]") + focus))
    assert ": focus[0].center: (" in found and found.endswith(f"is outside the sample, which spans {span}.")
