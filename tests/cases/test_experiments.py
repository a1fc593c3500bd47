# SPDX-License-Identifier: LGPL-3.0-or-later
"""The model's numbers on the page docs/experiments.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import osteofield as of

CASES = Path(__file__).parents[2] / "cases"

POINT = """\
format = 1
[sample]
well_mixed = true
[model]
name = "osteoimmune"
[[focus]]
load = "1000 CFU/mm^3"
[time]
end = "60 day"
[output]
every = "1 day"
"""


def test_well_mixed(tmp_path: Path):
    (tmp_path / "point.toml").write_text(POINT)
    r = of.run(tmp_path / "point.toml", tmp_path / "out")
    m = {n: r.history[f"{n}.mean [{u}]"] for n, u in (("IL1", "pM"), ("IL6", "pM"), ("TNF", "pM"),
         ("bacteria", "CFU/mm^3"), ("biofilm", "CFU/mm^3"))}  # fmt: skip
    for name, peak, third, plateau in (("IL1", 106, 28, 72), ("IL6", 233, 89, 226)):
        assert m[name].argmax() == 1, name  # output times are days
        assert m[name][[1, 3, 60]] == pytest.approx([peak, third, plateau], rel=0.03), name
    assert m["TNF"][60] == pytest.approx(274, rel=0.01)
    assert (np.diff(m["TNF"]) > -1e-2).all() and m["TNF"][28] == pytest.approx(0.9 * m["TNF"][60], rel=0.05)
    load = m["bacteria"] + m["biofilm"]
    assert load[7:] == pytest.approx(1518, rel=0.04) and load[28:] == pytest.approx(load[60], rel=0.02)
    assert m["bacteria"].argmax() <= 1 and m["bacteria"][2] < 0.01 * m["bacteria"].max()
    assert m["bacteria"][60] == pytest.approx(m["bacteria"].max() / 26, rel=0.05)
    assert 9 <= m["biofilm"].argmax() <= 12


@pytest.mark.slow
def test_resolved(tmp_path: Path):
    """The lesion is the bone surface within 450 um of the centre, 50 um beyond the focus."""
    r = of.run(CASES / "osteomyelitis_chronic.toml", tmp_path / "out").arms["chronic"]
    assert r.marrow.times == pytest.approx(np.arange(61.0))  # so numbers of outputs are days
    points, edges = r.surface.mesh(0)
    length = np.linalg.norm(points[edges[:, 1]] - points[edges[:, 0]], axis=1)
    area = np.bincount(edges.ravel(), np.repeat(length / 2, 2), len(points))
    away = np.linalg.norm(points[:, :2] - 1000, axis=1)

    def mean(name: str, day: int, low: float, high: float) -> float:
        there = (away >= low) & (away < high)
        return float(np.average(r.surface[name][day][there], weights=area[there]))

    def change(name: str, day: int, low: float, high: float) -> float:
        return mean(name, day, low, high) / mean(name, 0, low, high)

    assert [change("OBa", d, 0, 450) for d in (7, 60)] == pytest.approx([0.44, 0.65], rel=0.03)
    assert [change("OCa", d, 0, 450) for d in (7, 28)] == pytest.approx([2.0, 2.7], rel=0.03)
    assert [change("OBa", d, 450, 700) for d in (7, 28, 60)] == pytest.approx([0.92, 1.21, 1.31], rel=0.03)
    assert [mean("depth", d, 0, 450) for d in (7, 14, 28)] == pytest.approx([3.3, 9.5, 24], rel=0.03)
    assert mean("depth", 60, 450, 700) == pytest.approx(16, rel=0.04)
    whole = r.history["OBa.mean [pM]"]
    assert whole[14] < whole[0] < whole[20]
    for name, third, plateau in (("IL1", 0.37, 0.63), ("IL6", 0.44, 0.75)):
        v = r.history[f"{name}.mean [pM]"]
        assert v.argmax() == 2 and [v[3] / v[2], v[60] / v[2]] == pytest.approx([third, plateau], rel=0.05)
    assert r.history["TNF.mean [pM]"][[3, 28]] == pytest.approx([7.2, 24.6], rel=0.03)
    assert r.history["biofilm.mean [CFU/mm^3]"].argmax() == 8
    away, rankl = np.linalg.norm(r.marrow.points[:, :2] - 1000, axis=1), r.marrow["RANKL"]
    for there, times in ((away < 400, 4.6), ((away > 900) & (away < 1100), 1.8)):
        assert rankl[60][there].mean() / rankl[0][there].mean() == pytest.approx(times, rel=0.05)
