"""Train, dev and test: as the corpus says, or else drawn by a fixed shuffle, whole speakers where there are several."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Collection

from lmspt.data.corpus import UNKNOWN, Entry, as_key
from lmspt.errors import InputError

SETS = ("train", "dev", "test")
# what corpora call them
CALLED = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("dev", "valid", "validation", "val", "development"), "dev"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}
UNITS = ("auto", "speaker", "utterance")
ROOM = 1.5  # times its size that a set may get when a whole speaker joins it


def split(entries: Collection[Entry], dev: float, test: float, unit: str = "auto", seed: int = 1) -> dict[str, list[Entry]]:
    """Utterances by set. Sets that the corpus has stay as they are; ``dev`` and ``test`` are drawn from train if it has none.

    The draw looks at names alone (sha256 of seed and name): the order of the corpus does not matter.

    Args:
        entries: utterances.
        dev, test: size of a set that is drawn: below 1 a share of the utterances it is drawn from, else a number of them.
        unit: what is drawn: ``speaker`` (no speaker is in two sets), ``utterance``, ``auto`` (speakers, if there are three).
        seed: another draw.

    Raises:
        InputError: the corpus has sets but no train, too few utterances or speakers for all sets, or no such size or unit.
    """
    if unit not in UNITS:
        raise InputError(f"--split_by {unit}: not one of {', '.join(UNITS)}")
    sets: dict[str, list[Entry]] = {}
    for entry in entries:
        sets.setdefault(as_key(CALLED.get(entry.set.lower(), entry.set) or "train"), []).append(entry)
    if "train" not in sets:
        named = ", ".join(sorted(sets))
        raise InputError(f"the corpus has the sets {named}, no train; name one so, or pass over its sets: --columns 'set='")
    whole = sets["train"]
    speakers = {entry.speaker for entry in whole} - {UNKNOWN}
    if unit == "auto":
        unit = "speaker" if len(speakers) >= len(SETS) else "utterance"
    for name, size in (("test", test), ("dev", dev)):
        if name not in sets:
            if not 0 < size < math.inf:
                raise InputError(f"--{name} {size:g}: give a share below 1, or a number of utterances")
            n = max(1, round(size * len(whole) if size < 1 else size))
            drawn = _speakers(sets["train"], n, seed) if unit == "speaker" else _utterances(sets["train"], n, seed)
            sets[name] = [entry for entry in sets["train"] if entry.utt in drawn]
            sets["train"] = [entry for entry in sets["train"] if entry.utt not in drawn]
        if not sets["train"]:
            known = f"{len(whole)} utterances, {len(speakers)} known speakers"
            raise InputError(f"{known}: none is left for train when {name} has its own; is that all of the corpus?")
    return sets


def _utterances(entries: list[Entry], n: int, seed: int) -> set[str]:
    return set(sorted((entry.utt for entry in entries), key=lambda utt: _place(utt, seed))[:n])


def _speakers(entries: list[Entry], n: int, seed: int) -> set[str]:
    """Utterances of whole speakers, about ``n`` of them; of one speaker at least, the smallest if all are too large."""
    sizes = Counter(entry.speaker for entry in entries)
    chosen: set[str] = set()
    taken = 0
    for speaker in sorted(sizes, key=lambda name: _place(name, seed)):
        if taken < n and taken + sizes[speaker] <= ROOM * n:
            chosen.add(speaker)
            taken += sizes[speaker]
    if not chosen:
        chosen = {min(sizes, key=lambda name: (sizes[name], _place(name, seed)))}
    return {entry.utt for entry in entries if entry.speaker in chosen}


def _place(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()
