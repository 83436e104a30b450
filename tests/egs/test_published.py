"""What is published has a source: a number with an interval in a README is one of the results beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.utils.shell import ROOT

NUMBER = re.compile(r"-?\d+\.\d+ \[-?\d+\.\d+, -?\d+\.\d+\]")
VALUES = ("wer", "difference", "value", "rho")
READMES = sorted([ROOT / "README.md", *(ROOT / "egs").glob("*/*/README.md")])


def shown(value: float, interval: list[float]) -> Iterator[str]:
    """The ways to write it: as a share or in percent, with one to three digits; a difference either way round."""
    for scale, sign, digits in product((1, 100), (1, -1), (1, 2, 3)):
        low, high = sorted(sign * scale * end for end in interval)
        yield f"{sign * scale * value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def numbers_of(found: Any) -> Iterator[str]:
    """All numbers with an interval in a ``benchmark.json``."""
    if isinstance(found, dict):
        for ends, key in product(("ci95", "ci95_speakers"), VALUES):
            if ends in found and key in found:
                yield from shown(found[key], found[ends])
    for part in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from numbers_of(part)


def test_numbers_are_found() -> None:
    rows = {"asr": [{"wer": 0.0612, "ci95": [0.05, 0.07], "ci95_speakers": [0.04, 0.081]}], "n": 3}
    assert {"6.1 [5.0, 7.0]", "6.12 [4.00, 8.10]", "-6.1 [-7.0, -5.0]", "0.06 [0.05, 0.07]"} < set(numbers_of(rows))
    assert "6.2 [5.0, 7.0]" not in set(numbers_of(rows))


@pytest.fixture(scope="module")
def published() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "egs").glob("*/*/results/**/benchmark.json"):
        found.update(numbers_of(json.loads(path.read_text(encoding="utf-8"))))
    for path in (ROOT / "egs").glob("*/*/results/**/*.md"):
        found.update(NUMBER.findall(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT).parent))
def test_a_number_has_its_source(readme: Path, published: set[str]) -> None:
    said = set(NUMBER.findall(" ".join(readme.read_text(encoding="utf-8").split())))
    assert not said - published
