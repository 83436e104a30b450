"""Which utterances of a large test set are synthesised and judged: the same for every system."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def choose_utts(utts: Iterable[str], max_utts: int | None = None) -> list[str]:
    """The first ``max_utts`` ids of a fixed shuffle, sorted; all of them when ``max_utts`` is ``None`` or 0.

    The shuffle orders ids by their sha256, so a choice depends on the ids alone: a longer one contains a shorter one, and
    an utterance that leaves the set changes the place of no other.
    """
    shuffled = sorted(utts, key=lambda utt: hashlib.sha256(utt.encode()).hexdigest())
    return sorted(shuffled[: max_utts or None])
