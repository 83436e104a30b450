"""Sets: those of the corpus, or drawn by speaker or utterance, always the same way, nobody in two."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmspt.data.corpus import UNKNOWN, Entry
from lmspt.data.split import split
from lmspt.errors import InputError


def entries(sizes: dict[str, int], in_set: str = "") -> list[Entry]:
    names = [(speaker, f"{speaker}-{i}") for speaker, n in sizes.items() for i in range(n)]
    return [Entry(utt, speaker, "x", f"/{utt}.wav", utt, set=in_set) for speaker, utt in names]


def sizes(sets: dict[str, list[Entry]]) -> dict[str, int]:
    return {name: len(chosen) for name, chosen in sets.items()}


def test_utterances_of_few_speakers() -> None:
    sets = split(entries({"ann": 60, "bob": 40}), 0.05, 10)
    assert sizes(sets) == {"train": 85, "test": 10, "dev": 5}
    assert sizes(split(entries({UNKNOWN: 100, "ann": 1, "bob": 1}), 1, 1)) == {"train": 100, "test": 1, "dev": 1}


def test_whole_speakers_of_many() -> None:
    sets = split(entries({f"s{i:02}": 10 for i in range(20)}), 0.1, 0.1)
    assert sizes(sets) == {"train": 160, "test": 20, "dev": 20}
    speakers = [{entry.speaker for entry in chosen} for chosen in sets.values()]
    assert len(set.union(*speakers)) == sum(map(len, speakers)) == 20


def test_the_unit_may_be_said() -> None:
    assert sizes(split(entries({"ann": 50, "bob": 30, "cid": 20}), 0.05, 0.05)) == {"train": 50, "test": 20, "dev": 30}
    by_utterance = split(entries({"ann": 50, "bob": 30, "cid": 20}), 0.05, 0.05, "utterance")
    assert sizes(by_utterance) == {"train": 90, "test": 5, "dev": 5}


def test_sets_of_the_corpus() -> None:
    given_sets = entries({"a": 9}, "Training") + entries({"b": 5}, "validation") + entries({"c": 3}, "test-other")
    sets = split(given_sets, 2, 2)
    assert sizes(sets) == {"train": 7, "dev": 5, "test-other": 3, "test": 2}
    assert {entry.speaker for entry in sets["test"]} == {"a"}


@given(st.dictionaries(st.text("abcdé", min_size=1), st.integers(1, 9), min_size=3, max_size=9), st.integers(0, 99), st.randoms())
def test_every_utterance_is_in_one_set_whatever_the_order(spoken: dict[str, int], seed: int, order: random.Random) -> None:
    all_entries = entries(spoken)
    sets = split(all_entries, 0.1, 0.1, seed=seed)
    assert sorted(entry.utt for chosen in sets.values() for entry in chosen) == sorted(entry.utt for entry in all_entries)
    order.shuffle(all_entries)
    again = split(all_entries, 0.1, 0.1, seed=seed)
    assert {name: {e.utt for e in chosen} for name, chosen in again.items()} == {n: {e.utt for e in c} for n, c in sets.items()}


def test_seeds_differ() -> None:
    drawn = {tuple(sorted(e.utt for e in split(entries({"a": 99}), 5, 5, seed=seed)["test"])) for seed in range(5)}
    assert len(drawn) == 5


@pytest.mark.parametrize(
    ("all_entries", "dev", "unit", "message"),
    [
        (entries({"a": 2}), 1, "auto", "2 utterances, 1 known speakers: none is left for train when dev has its own"),
        (entries({"a": 9}), 0, "auto", "--dev 0: give a share below 1"),
        (entries({"a": 9}), float("nan"), "auto", "--dev nan"),
        (entries({"a": 9}), 1, "sentence", "--split_by sentence: not one of"),
        (entries({"a": 9}, "test-clean"), 1, "auto", "the corpus has the sets test-clean, no train; .* --columns 'set='"),
    ],
)
def test_what_cannot_be_split(all_entries: list[Entry], dev: float, unit: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split(all_entries, dev, 1, unit)


def test_names_of_sets_are_names_of_folders() -> None:
    found = split(entries({"a": 9}) + entries({"b": 1}, "dev clean") + entries({"c": 1}, "../outside"), 1, 1)
    assert sizes(found) == {"train": 7, "dev_clean": 1, "_outside": 1, "test": 1, "dev": 1}
