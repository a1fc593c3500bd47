# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every disease of the library, run coarsely, goes the way that its case file says the disease goes.

Health is day 0 of the same run: diseases start after homeostasis. ``near`` and ``far`` are means over
the parts of the bone surface, or of the marrow, that are close to what causes the disease or away from it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pytest

from osteofield.api import case_network, case_sample
from osteofield.case import load_case
from osteofield.parallel import world
from osteofield.simulation import MemoryWriter, Simulation

CASES = Path(__file__).parents[2] / "cases"
COARSE = ("sample.cell_size=90 um", "sample.synthetic.voxel=30 um")


class Run:
    """What a run of one arm came to."""

    def __init__(self, arm, sample):
        network, self.writer = case_network(arm), MemoryWriter()
        simulation = Simulation(arm, network, network.in_health(), sample, world())
        outcome = simulation.run(self.writer)
        assert outcome.status == "done"
        self.history = self.writer.history

    def __getitem__(self, name: str) -> np.ndarray:
        """A column of the history by its name without unit; of a population its mean."""
        found = [c for c in self.history if c.startswith((f"{name} [", f"{name}.mean ["))]
        return self.history[found[0]]

    def change(
        self, name: str, where: Callable[[np.ndarray], np.ndarray] | None = None, frame: int = -1
    ) -> float:
        """Value at the end, or in a frame, over that at day 0; of the whole sample or of a part of it."""
        if where is None:
            return float(self[name][frame] / self[name][0])
        return self.mean(name, where, frame) / self.mean(name, where, 0)

    def mean(self, name: str, where: Callable[[np.ndarray], np.ndarray], frame: int = -1) -> float:
        """Mean over the nodes whose position ``(n, 2)`` a condition holds for."""
        f, mesh = self.writer.frames[frame], self.writer.mesh
        values, points = (
            (f.surface[name], mesh.surface_points)
            if name in f.surface
            else (f.marrow[name], mesh.marrow_points)
        )
        inside = where(points[:, :2])
        assert inside.sum() >= 3
        return float(values[inside].mean())

    def ratio(self, where: Callable[[np.ndarray], np.ndarray] | None = None) -> float:
        """RANKL/OPG over that in health."""
        return self.change("RANKL", where) / self.change("OPG", where)

    @cached_property
    def bone_loss(self) -> float:
        return float(self.history["bone_loss [%]"][-1])


@lru_cache(32)
def arms(name: str, *settings: str) -> dict[str, Run]:
    case = load_case(CASES / f"{name}.toml", (*COARSE, *settings))
    sample = case_sample(case)
    return {a.name: Run(a, sample) for a in case.arms or (case,)}


def top(height: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda p: p[:, 1] > height


def bottom(height: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda p: p[:, 1] < height


def within(radius: float, x: float, y: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda p: np.hypot(p[:, 0] - x, p[:, 1] - y) < radius


def test_acute_osteomyelitis():
    small, large, treated = arms("osteomyelitis_acute", "output.every=1 day").values()
    assert small["bacteria_total"][-1] == 0.0 and abs(small.bone_loss) < 1e-3
    assert large["bacteria_total"][-1] > 100.0
    assert large.ratio() > 1.5 and large.change("OCa") > 1.2 and large.bone_loss > 1.0
    assert large.change("OBa", within(500, 1000, 1000)) < 0.7
    assert np.argmax(large["neutrophil"]) <= 3 and np.argmax(large["IL1"]) <= 3
    assert np.argmax(large["TNF"]) > 5
    assert treated["bacteria_total"][-1] == 0.0
    assert treated.ratio() < large.ratio() and treated.bone_loss < large.bone_loss


def test_chronic_osteomyelitis():
    chronic, tired = arms("osteomyelitis_chronic", "output.every=10 day").values()
    assert chronic["bacteria_total"][3:] == pytest.approx(chronic["bacteria_total"][-1], rel=0.05)
    assert chronic["TNF"][3:] == pytest.approx(chronic["TNF"][-1], rel=0.1)
    assert chronic["biofilm"][-1] > 5 * chronic["bacteria"][-1]
    assert chronic.ratio() > 2.0 and chronic.change("OCa") > 1.2
    assert chronic.change("OBa", within(350, 1000, 1000)) < 0.9
    speed = np.diff(chronic.history["bone_loss [%]"])
    assert speed[-1] == pytest.approx(speed[-2], rel=0.3) and speed[-1] > 0.5
    assert tired["bacteria_total"][-1] > 1.05 * chronic["bacteria_total"][-1]


def test_treated_osteomyelitis():
    runs = arms("osteomyelitis_treated", "output.every=14 day")
    untreated, short, long, antibody, both, il1 = runs.values()
    load = {n: r["bacteria_total"][-1] for n, r in runs.items()}
    assert load["antibiotic, 3 days"] > 0.8 * load["untreated"]  # relapse
    assert load["antibiotic, 14 days"] == load["antibiotic and anti-RANKL"] == 0.0
    assert load["anti-RANKL"] == pytest.approx(load["untreated"], rel=0.05)
    assert long.bone_loss < 0.7 * untreated.bone_loss and long.bone_loss < short.bone_loss
    assert both.bone_loss < min(long.bone_loss, antibody.bone_loss) - 0.5
    assert il1.bone_loss < 0.95 * untreated.bone_loss and load["anti-IL-1"] > 1.5 * load["untreated"]
    assert long.ratio() < 0.5 * untreated.ratio() and long["OCa"][-1] < 0.8 * untreated["OCa"][-1]
    assert antibody["OCa"][-1] < 0.2 * untreated["OCa"][-1]
    assert antibody["OBa"][-1] < untreated["OBa"][-1]
    lesion = within(350, 1000, 1000)
    assert long.mean("OBa", lesion) > 1.3 * untreated.mean("OBa", lesion)


def test_implant_infection():
    alone, implant, treated = arms("implant_infection", "output.every=7 day").values()
    assert alone["bacteria_total"][-1] == 0.0
    assert implant["bacteria_total"][-1] > 100.0
    near = lambda p: (np.abs(p[:, 0] - 1200) < 550) & (p[:, 1] > 500)  # noqa: E731
    far = lambda p: np.abs(p[:, 0] - 1200) > 900  # noqa: E731
    assert implant.ratio(near) > 1.5 and implant.change("OCa", near) > 1.3
    assert implant.change("OBa", near) < 0.9
    assert implant.mean("depth", near) > 3 * implant.mean("depth", far)
    k = list(treated["time"]).index(21.0)
    assert treated["bacteria_total"][k] < 0.1 * implant["bacteria_total"][k]  # the end of the course
    assert treated["bacteria_total"][-1] > 0.5 * implant["bacteria_total"][-1]


def test_viral_infection():
    with_ifn, without = arms("viral_infection", "time.end=7 day", "output.every=7 day").values()
    assert with_ifn["bacteria_total"][-1] == 0.0
    assert with_ifn["IFN"][-1] > 5 * max(with_ifn[n][-1] for n in ("TNF", "IL1", "IL6"))
    assert with_ifn.ratio() > 1.15
    assert with_ifn.change("OCa") < 1.02 and with_ifn.bone_loss < 0.05
    assert with_ifn.change("OBa") == pytest.approx(1.0, abs=0.05)
    assert without.change("OCa") > 1.05 and without.bone_loss > with_ifn.bone_loss + 0.05


def test_osteoporosis():
    untreated, antibody, zoledronate = arms("osteoporosis", "output.every=73 day").values()
    assert untreated.ratio() > 1.05
    assert untreated.change("OCa") > untreated.change("OBa") > 1.0
    assert untreated.change("OCa") > 1.1 and untreated.bone_loss > 0.5
    for treated in (antibody, zoledronate):
        assert treated.bone_loss < untreated.bone_loss - 1.0
        assert treated["OCa"][-1] < 0.7 * untreated["OCa"][-1]


def test_osteopetrosis():
    without_rank, without_rankl = arms("osteopetrosis", "output.every=30 day").values()
    for run in (without_rank, without_rankl):
        assert run["OCa"][2] < 0.05 * run["OCa"][0]  # within two months
        assert run.change("OBa") < 0.5 and run.bone_loss < -0.5
    assert abs(without_rankl["RANKL"][2] / without_rankl["OPG"][2]) < 1e-6


def test_rheumatoid_arthritis():
    untreated, treated = arms("rheumatoid_arthritis", "output.every=7 day").values()
    near, far = top(1650), bottom(700)
    assert untreated["bacteria_total"][-1] == 0.0
    assert untreated.ratio(near) > 2.0 and untreated.change("OCa", near) > 1.5
    assert untreated.change("OBa", near, 1) < 0.9 and untreated.change("OBa", near) < untreated.change(
        "OCa", near
    )
    assert untreated.mean("depth", near) > 3 * untreated.mean("depth", far)
    assert treated.bone_loss < 0.85 * untreated.bone_loss


def test_periodontitis():
    (run,) = arms("periodontitis", "output.every=7 day").values()
    crest, base = top(1650), bottom(700)
    assert run.mean("biofilm", top(1950)) > 500 and run.mean("biofilm", bottom(1500)) == 0.0
    assert run.ratio(crest) > 1.5 and run.change("OCa", crest) > 1.4 and run.change("OBa", crest, 1) < 0.9
    assert run.mean("depth", crest) > 3 * run.mean("depth", base)


def test_bone_metastasis():
    cycle, no_pthrp, no_tgfb, antibody = arms("bone_metastasis", "output.every=30 day").values()
    near = within(500, 1000, 1000)
    assert cycle.ratio(near) > 1.3 and cycle.change("OCa", near) > 1.15
    assert cycle.mean("depth", near) > 0.3
    assert no_pthrp.bone_loss < 0.5 * cycle.bone_loss
    assert no_tgfb["tumour"][-1] < 0.6 * cycle["tumour"][-1] and no_tgfb.bone_loss < 0.7 * cycle.bone_loss
    assert antibody["tumour"][-1] < 0.8 * cycle["tumour"][-1] and antibody.bone_loss < cycle.bone_loss
