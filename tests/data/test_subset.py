"""The judged utterances: the same for every system, today and tomorrow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lmspt.data.subset import choose_utts

UTTS = st.sets(st.text(min_size=1, max_size=5), max_size=12)


@given(UTTS, st.integers(1, 12), st.randoms())
def test_a_choice_depends_on_the_ids_alone(utts: set[str], n: int, random: object) -> None:
    shuffled = list(utts)
    random.shuffle(shuffled)
    chosen = choose_utts(shuffled, n)
    assert chosen == choose_utts(sorted(utts), n)
    assert chosen == sorted(chosen)
    assert len(chosen) == min(n, len(utts))


@given(UTTS, st.integers(1, 11))
def test_a_longer_choice_contains_a_shorter_one(utts: set[str], n: int) -> None:
    assert set(choose_utts(utts, n)) <= set(choose_utts(utts, n + 1))


@given(UTTS.filter(len), st.integers(1, 12))
def test_an_utterance_that_leaves_moves_no_other(utts: set[str], n: int) -> None:
    gone = min(utts)
    assert set(choose_utts(utts, n)) - {gone} <= set(choose_utts(utts - {gone}, n))


def test_the_shuffle_is_pinned() -> None:
    # tables of results written before would speak of other utterances if this changed
    assert choose_utts([f"utt-{n}" for n in range(10)], 3) == ["utt-2", "utt-4", "utt-8"]


def test_all() -> None:
    assert choose_utts(["b", "a"]) == choose_utts(["b", "a"], 0) == ["a", "b"]
