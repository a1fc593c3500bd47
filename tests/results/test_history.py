# SPDX-License-Identifier: LGPL-3.0-or-later
"""The history table: exact, durable row by row, continued after a kill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.results.history import HistoryWriter, read_history


def test_numbers_read_back_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [rng.normal(size=50) * 10.0 ** rng.integers(-300, 300, 50), [0.1, 1 / 3, 1e22, 5e-324, -7.0]]
    )
    writer = HistoryWriter(tmp_path / "history.csv")
    for t, v in enumerate(values):
        writer.write({"time [day]": t, "x [pM]": v, "E.De.mean [um]": np.nan if t == 3 else np.float64(t)})
    writer.close()
    table = read_history(writer.path)
    assert list(table) == ["time [day]", "x [pM]", "E.De.mean [um]"]
    np.testing.assert_array_equal(table["x [pM]"], values)
    assert np.isnan(table["E.De.mean [um]"]).nonzero()[0].tolist() == [3]


def test_plain_text(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "history.csv")
    writer.write({"time [day]": 0.0, "BV/TV [1]": 0.1, "odd, name [1]": 2})
    writer.close()
    assert writer.path.read_text("utf-8") == 'time [day],BV/TV [1],"odd, name [1]"\n0,0.1,2\n'
    assert read_history(writer.path)["odd, name [1]"].tolist() == [2.0]


def test_row_is_on_disk_at_once(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "history.csv")
    for t in range(3):
        writer.write({"time [day]": t})
        assert read_history(writer.path)["time [day]"].tolist() == list(range(t + 1))
    writer.close()


def test_other_columns_are_refused(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "history.csv")
    writer.write({"time [day]": 0, "a [1]": 1})
    with pytest.raises(ValueError, match="'b \\[1\\]'"):
        writer.write({"time [day]": 1, "a [1]": 1, "b [1]": 2})
    with pytest.raises(ValueError, match="order"):
        writer.write({"a [1]": 1, "time [day]": 1})


def test_reopened_after_a_row_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("time [day],x [1]\n0,1\n1,2\n2,3\n3,4.12")
    assert read_history(path)["x [1]"].tolist() == [1, 2, 3]
    writer = HistoryWriter(path)
    assert writer.reopen(2) == 2
    writer.write({"time [day]": 1.5, "x [1]": 9})
    writer.close()
    assert read_history(path)["time [day]"].tolist() == [0, 1, 1.5]


def test_damage_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("time [day],x [1]\n0,1\n1,two\n")
    with pytest.raises(InputError, match=r"history.csv:3: this is not a row of 2 numbers"):
        read_history(path)
