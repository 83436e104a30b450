"""What utterances are made of, so that the same audio is found under two names, in one set or in two."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from functools import cache

from lmspt.data.audio import is_pipe
from lmspt.data.corpus import UNKNOWN
from lmspt.data.datadir import DataDir
from lmspt.data.scp import Problem
from lmspt.files import sha256_of

MANY = 5  # names that a warning lists


class Contents:
    """Audio of utterances by content: of files that have a length in common the hash is compared, of pipes the command.

    Args:
        sets: all data directories that are to be compared.
    """

    def __init__(self, sets: Iterable[DataDir]) -> None:
        sources = {source for data in sets for source in data.wav_scp.values() if not is_pipe(source)}
        self._size = {source: os.path.getsize(source) for source in sources if os.path.isfile(source)}
        self._n_of_size = Counter(self._size.values())
        self._hash = cache(sha256_of)

    def of(self, data: DataDir, utt: str) -> Hashable:
        """Equal for utterances that sound the same."""
        recordings = tuple(self.recording(data.wav_scp.get(name, name)) for name in data.recordings_of(utt))
        segment, join = data.segments.get(utt), data.joins.get(utt)
        return recordings, segment and (segment.begin, segment.end), join and join.pauses

    def recording(self, source: str) -> str:
        """Equal for recordings with the same bytes."""
        size = self._size.get(source)
        return source if size is None or self._n_of_size[size] == 1 else self._hash(source)


def compare_sets(data: DataDir, other: DataDir) -> tuple[list[Problem], list[str]]:
    """Does a set that is tested on have what is in a set that is trained on?

    Args:
        data: the set that is tested on.
        other: the set that is trained on.

    Returns:
        Problems: utterances that are in both. Warnings: parts of the same recordings, speakers and texts that are in both,
        which a corpus may want.
    """
    contents = Contents([data, other])
    theirs = {contents.of(other, utt): utt for utt in other.utts}
    problems, parts = [], []
    recordings = {contents.recording(source) for source in other.wav_scp.values()}
    for utt in data.utts:
        if (same := theirs.get(contents.of(data, utt))) is not None:
            what = f"{data.folder}: '{utt}' is the audio of '{same}' in {other.folder}"
            problems.append(Problem(f"{what}; remove it from one of them, or run utils/fix_data_dir.sh --against", utt))
        elif any(contents.recording(data.wav_scp.get(name, name)) in recordings for name in data.recordings_of(utt)):
            parts.append(utt)
    texts, speakers = set(other.text.values()), set(other.utt2spk.values())
    known_texts = [utt for utt in data.utts if data.text.get(utt) in texts]
    known = sorted(set(data.utt2spk.values()) & speakers - {UNKNOWN})
    n, ours = len(data.utts), len(set(data.utt2spk.values()))
    warnings = [
        (parts, f"{len(parts)} of {n} utterances are made of recordings that are in {other.folder}, too"),
        (known_texts, f"{len(known_texts)} of {n} texts are in {other.folder}, too"),
        (known, f"{len(known)} of {ours} speakers are in {other.folder}, too: {_some(known)}"),
    ]
    return problems, [f"{data.folder}: {text}" for found, text in warnings if found]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MANY]) + (" ..." if len(names) > MANY else "")
