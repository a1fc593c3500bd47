# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m osteofield.study OUT.md``: the page on the sensitivity of the osteoimmune model."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..case import Case, load_case
from .sensitivity import sensitivities, table

RESULTS = ("bone_loss [%]", "RANKL.mean", "OCa.mean")
MOST = 10
WELL_MIXED = """\
format = 1
[sample]
well_mixed = true
[model]
name = "osteoimmune"
[model.parameters]
turnover = "rodent"
[[focus]]
load = "1000 CFU/mm^3"
[time]
end = "28 day"
tolerance = 1e-5
[output]
times = ["28 day"]
"""
RESOLVED = WELL_MIXED.replace(
    "well_mixed = true\n",
    """cell_size = "60 um"
[sample.shape]
kind = "plate"
size = ["800 um", "400 um"]
thickness = "200 um"
""",
).replace("[[focus]]", '[[focus]]\ncenter = ["190 um", "200 um"]\nradius = "160 um"')

PAGE = """\
# Which guesses matter: sensitivity of the osteoimmune model

Most rates of the infection are assumptions. Here each of them is made 20 % smaller and 20 % larger,
alone, and the tables say by how many per cent bone loss, mean RANKL and mean active osteoclasts (OCa) of
day 28 change after an inoculum of 1000 CFU/mm^3. The page is made by

```sh
python -m osteofield.study docs/sensitivity.md
```

What the sizes mean: bone loss in proportion to the parameter would read -20, +20. Doses, thresholds and
courses of drugs are more sensitive than the chronic state shown here, because the infection is bistable.

## Well mixed: all {count} assumed parameters

Parameters that change bone loss by less than 0.1 % are left out: {rest}.

{point}

## A small resolved sample: the ten that matter most, and all diffusivities

A plate of bone, 200 um thick, in a section of 0.8 mm x 0.4 mm, bacteria within 160 um of a point in the
marrow on one side.
Diffusivities matter little on so small a sample, which is hardly wider than the distances over which
molecules spread; in a large one they set the width of the lesion.

{plate}
"""


def _case(text: str) -> Case:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.toml"
        path.write_text(text, encoding="utf-8")
        return load_case(path)


def main(arguments: list[str]) -> int:
    """Write the page."""
    if len(arguments) != 1:
        print("usage: python -m osteofield.study OUT.md", file=sys.stderr)
        return 2
    point = sensitivities(_case(WELL_MIXED), RESULTS, said=print)
    moving = [r.parameter for r in point if r.parameter.startswith("diff_")]
    chosen = [r.parameter for r in point if r.parameter not in moving][:MOST]
    plate = sensitivities(_case(RESOLVED), RESULTS, [*chosen, *moving], said=print)
    rest = [f"`{r.parameter}`" for r in point if r.size < 1e-3]
    page = PAGE.format(
        count=len(point), rest=", ".join(rest), point=table(point, RESULTS, 1e-3), plate=table(plate, RESULTS)
    )
    Path(arguments[0]).write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
