# SPDX-License-Identifier: LGPL-3.0-or-later
"""Writing TOML."""

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteofield.case.tomltext import to_toml

SCALARS = (
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
)
KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=3), max_leaves=8
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_reading_the_text_again_gives_the_same_data(data: dict) -> None:
    assert tomllib.loads(to_toml(data)) == data


def test_layout() -> None:
    data = {
        "a": 1,
        "t": {"x": "1 um", "BV/TV": 0.2, "inner": {"b": [True, "c"]}},
        "f": [{"r": 1e-4}, {"r": 2.0}],
    }
    assert to_toml(data) == (
        'a = 1\n\n[t]\nx = "1 um"\n"BV/TV" = 0.2\n'
        '\n[t.inner]\nb = [true, "c"]\n\n[[f]]\nr = 0.0001\n\n[[f]]\nr = 2.0\n'
    )


def test_floats_that_are_no_numbers() -> None:
    assert tomllib.loads(to_toml({"a": math.inf, "b": -math.inf})) == {"a": math.inf, "b": -math.inf}
    assert math.isnan(tomllib.loads(to_toml({"a": math.nan}))["a"])


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="a bytes cannot be written as TOML"):
        to_toml({"a": b"x"})
