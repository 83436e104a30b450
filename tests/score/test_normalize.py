from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmspt.errors import InputError
from lmspt.score.english import english
from lmspt.score.normalize import NORMALIZERS, basic, digits, find_normalizer


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("314", "three one four"),
        ("3-1-4.", "three one four"),
        ("Three, one; FOUR!", "three one four"),
        ("3 1four", "three one four"),
        ("oh two to for", "oh two to for"),
        ("٣", "three"),
        ("", ""),
    ],
)
def test_digits(written: str, words: str) -> None:
    assert digits(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("23", "twenty three"),
        ("Twenty-three.", "twenty three"),
        ("one hundred and five", "one hundred five"),
        ("105", "one hundred five"),
        ("1,234 people", "one thousand two hundred thirty four people"),
        ("1984", "nineteen eighty four"),
        ("in 1905 and 2004", "in nineteen oh five and two thousand four"),
        ("5000", "five thousand"),
        ("3141", "three one four one"),
        ("31415", "three one four one five"),
        ("555-1234", "five five five one two three four"),
        ("007", "zero zero seven"),
        ("4:30 PM", "four thirty pm"),
        ("four thirty p.m.", "four thirty pm"),
        ("Four thirty P M", "four thirty pm"),
        ("4:05 a.m.", "four oh five am"),
        ("4:00", "four o'clock"),
        ("4:00 PM", "four pm"),
        ("4:00PM", "four pm"),
        ("at 16:00", "at sixteen hundred"),
        ("the 1st and 23rd", "the first and twenty third"),
        ("May 3, 2026", "may third twenty twenty six"),
        ("November 24th", "november twenty fourth"),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("$5.50", "five dollars and fifty cents"),
        ("$0.01", "one cent"),
        ("$3.5 million", "three point five million dollars"),
        ("$3 million", "three million dollars"),
        ("50%", "fifty percent"),
        ("-5", "minus five"),
        ("28.8", "twenty eight point eight"),
        ("don’t 'quote' o'clock", "don't quote o'clock"),
        ("Mr. Smith, ok?", "mister smith okay"),
        ("café", "cafe"),
        ("press # or *", "press pound or star"),
        ("H.323", "h three hundred twenty three"),
        ("", ""),
        ("...", ""),
    ],
)
def test_english(written: str, words: str) -> None:
    assert english(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("¿Qué HORA es?", "qué hora es"),
        ("L’eau, c'est 'bon'", "l'eau c'est bon"),
        ("Straße STRASSE", "strasse strasse"),
        ("Ёлка — это… ёлка", "ёлка это ёлка"),
        ("می\u200cخواهم", "میخواهم"),
        ("हिन्दी।", "हिन्दी"),
        ("ﬁ Ａ１", "fi a1"),
        ("ou\u0300", "où"),
        ("3 % + 4", "3 4"),
        ("...", ""),
    ],
)
def test_basic(written: str, words: str) -> None:
    assert basic(written) == words


WRITTEN = st.text() | st.text(alphabet="0123456789 ,.:-$%'apmMPandthst#*", max_size=24)


@given(WRITTEN)
@pytest.mark.parametrize("name", NORMALIZERS)
def test_twice_is_once(name: str, text: str) -> None:
    normalizer = NORMALIZERS[name]
    once = normalizer(text)
    assert normalizer(once) == once
    assert once == " ".join(once.split())


@given(WRITTEN)
@pytest.mark.parametrize("name", ["digits", "english"])
def test_no_figure_and_no_capital_is_left(name: str, text: str) -> None:
    once = NORMALIZERS[name](text)
    assert not any(c.isdecimal() for c in once)
    assert once == once.lower()


@given(st.integers(0, 999))
def test_figures_equal_their_words(number: int) -> None:
    from num2words import num2words

    assert english(str(number)) == english(num2words(number))
    assert english(f"{number + 1000:,}") == english(num2words(number + 1000))


def test_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="english"):
        find_normalizer("englsh")
