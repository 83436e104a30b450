"""Feature archives: the one place that knows kaldiio."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import kaldiio
import numpy as np

from lmspt.data.scp import write_scp
from lmspt.errors import InputError


def write_features(folder: str | Path, features: Iterable[tuple[str, np.ndarray]]) -> None:
    """Write ``feats.ark``, ``feats.scp`` and ``utt2num_frames`` into a folder.

    Args:
        folder: where to; made if missing.
        features: (utterance, (F, D)) pairs.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    num_frames = {}
    # feats.scp gets its name last: a folder that has it is whole
    ark, unfinished = folder / "feats.ark", folder / ".feats.scp.tmp"
    with kaldiio.WriteHelper(f"ark,scp:{ark},{unfinished}", write_function="numpy") as writer:
        for utt, feats in features:
            writer(utt, feats)
            num_frames[utt] = len(feats)
    write_scp(folder / "utt2num_frames", num_frames)
    unfinished.rename(folder / "feats.scp")


def read_features(folder: str | Path) -> Iterator[tuple[str, np.ndarray]]:
    """(utterance, (F, D)) pairs of a folder that :func:`write_features` wrote.

    Raises:
        InputError: no features there.
    """
    scp = Path(folder) / "feats.scp"
    if not scp.is_file():
        raise InputError(f"{scp}: no features here; run stage 3 (feats) first")
    yield from kaldiio.load_scp_sequential(str(scp))
