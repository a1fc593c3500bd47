# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small infected samples as the text of a case: a point of marrow, a plate in the plane, a ball of bone.

Each keyword is the body of the table of that name in TOML, so that a test shows only what is its own:
``plate(time='end = "3 day"', output='every = "1 day"')``. What is given as `more` comes last, as it is.
"""

from __future__ import annotations

RODENT = 'turnover = "rodent"'


def infected(
    sample: str,
    *more: str,
    time: str,
    focus: str = "",
    load: str = "1000 CFU/mm^3",
    parameters: str = "",
    output: str = "",
    head: str = "",
) -> str:
    """The osteoimmune model in `sample`, with `load` in a focus; `head` comes before all tables."""
    tables = [
        ("format = 1", head),
        ("[sample]", sample),
        ("[model]", 'name = "osteoimmune"'),
        ("[model.parameters]", parameters) if parameters else (),
        ("[[focus]]", focus, f'load = "{load}"') if load else (),
        ("[time]", time),
        ("[output]", output) if output else (),
        more,
    ]
    return "".join(line.strip() + "\n" for table in tables for line in table if line)


def point(*more: str, time: str, **tables: str) -> str:
    """A point of marrow without space: the cheapest run there is."""
    return infected("well_mixed = true", *more, time=time, **tables)


def plate(
    *more: str, time: str, cell: str = "60 um", at: str = "150 um", radius: str = "120 um", **tables: str
) -> str:
    """A wall of bone across the middle of a field of marrow, the focus beside it `at` x; rodent turnover."""
    sample = f"""\
cell_size = "{cell}"
[sample.shape]
kind = "plate"
size = ["800 um", "400 um"]
thickness = "200 um"
"""
    focus = f'center = ["{at}", "200 um"]\nradius = "{radius}"'
    return infected(sample, *more, time=time, focus=focus, **({"parameters": RODENT} | tables))


def ball(*more: str, time: str, **tables: str) -> str:
    """A ball of bone in a box of marrow, the focus near one end of the box; rodent turnover."""
    sample = """\
cell_size = "70 um"
[sample.shape]
kind = "sphere"
size = ["700 um", "500 um", "500 um"]
radius = "170 um"
"""
    focus = 'center = ["100 um", "250 um", "250 um"]\nradius = "120 um"'
    return infected(sample, *more, time=time, focus=focus, **({"parameters": RODENT} | tables))
