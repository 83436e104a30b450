"""Feature archives: what is written is read, and a folder with feats.scp is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lmspt.data.features import read_features, write_features
from lmspt.data.scp import read_scp
from lmspt.errors import InputError


def features() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"u-{n}": rng.standard_normal((n, 4)).astype(np.float32) for n in (3, 1, 7)}


def test_round_trip(tmp_path: Path) -> None:
    write_features(tmp_path / "feats", features().items())
    read = dict(read_features(tmp_path / "feats"))
    assert list(read) == list(features())
    assert all(np.array_equal(read[utt], feats) and read[utt].dtype == np.float32 for utt, feats in features().items())
    assert read_scp(tmp_path / "feats" / "utt2num_frames") == {"u-1": "1", "u-3": "3", "u-7": "7"}


def test_broken_off_archives_are_no_archives(tmp_path: Path) -> None:
    def interrupted() -> Iterator[tuple[str, np.ndarray]]:
        yield from list(features().items())[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_features(tmp_path, interrupted())
    with pytest.raises(InputError, match=r"feats.scp: no features here; run stage 3"):
        list(read_features(tmp_path))
    write_features(tmp_path, features().items())
    assert len(list(read_features(tmp_path))) == 3
