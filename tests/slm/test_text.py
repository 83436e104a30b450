"""Text units: what cannot be learnt is told with the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmspt.errors import InputError
from lmspt.slm.text import load_units, train_pieces

TEXTS = ["".join(chr(0x4E00 + i + j) for j in range(5)) for i in range(0, 100, 5)]


def test_more_characters_than_units(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"more characters than text_units \(64\); set it to more than 102"):
        train_pieces(TEXTS, 64, tmp_path / "text.model")


def test_a_script_without_spaces_comes_back(tmp_path: Path) -> None:
    train_pieces(TEXTS, 202, tmp_path / "text.model")
    units = load_units(tmp_path)
    assert [units.decode(units.encode(text)) for text in TEXTS] == TEXTS
