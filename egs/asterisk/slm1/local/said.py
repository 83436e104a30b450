"""What Asterisk says from single recordings: numbers, strings of digits and letters, times, dates.

Each function gives the names of the recordings, in the order in which Asterisk plays them (its say.c, in English).
"""

from __future__ import annotations

import datetime
import string
from collections.abc import Callable

import numpy as np

# Asterisk does not say the year before 1901; from 2010 on, "2010" does not tell "two thousand ten" from "twenty ten"
FIRST_DAY, LAST_DAY = datetime.date(1901, 1, 1), datetime.date(2009, 12, 31)


def number(value: int) -> list[str]:
    """0 to 999,999: "one hundred twenty three thousand four", without "and"."""
    if value >= 1000:
        return [*number(value // 1000), "digits/thousand", *(number(value % 1000) if value % 1000 else [])]
    if value >= 100:
        return [f"digits/{value // 100}", "digits/hundred", *(number(value % 100) if value % 100 else [])]
    if value > 20 and value % 10:
        return [f"digits/{value // 10 * 10}", f"digits/{value % 10}"]
    return [f"digits/{value}"]


def digits(figures: str) -> list[str]:
    """Figures one by one."""
    return [f"digits/{figure}" for figure in figures]


def letters(word: str) -> list[str]:
    """Letters one by one."""
    return [f"letters/{letter}" for letter in word]


def time(hour: int, minute: int) -> list[str]:
    """Hour 0-23: "four oh five p.m.", "four o'clock p.m."."""
    minutes = number(minute) if minute > 9 else ["digits/oh", f"digits/{minute}"] if minute else ["digits/oclock"]
    return [f"digits/{(hour - 1) % 12 + 1}", *minutes, "digits/p-m" if hour >= 12 else "digits/a-m"]


def date(day: datetime.date) -> list[str]:
    """1901 to 2099: "January first two thousand four", "May twenty third nineteen oh six"."""
    return [f"digits/mon-{day.month - 1}", *_ordinal(day.day), *_year(day.year)]


def day_of_week(day: datetime.date) -> list[str]:
    """A date without its year: "Thursday January first"."""
    return [f"digits/day-{day.isoweekday() % 7}", f"digits/mon-{day.month - 1}", *_ordinal(day.day)]


def _ordinal(value: int) -> list[str]:
    if value > 20 and value % 10:
        return [f"digits/{value // 10 * 10}", f"digits/h-{value % 10}"]
    return [f"digits/h-{value}"]


def _year(year: int) -> list[str]:
    if year >= 2000:
        return number(year)
    return ["digits/19", *(["digits/oh"] if year < 1910 else []), *number(year % 100)]


def _some_number(rng: np.random.Generator) -> list[str]:
    """As many of each length."""
    return number(int(rng.integers(0, 10 ** rng.integers(2, 7))))


def _some_digits(rng: np.random.Generator) -> list[str]:
    return digits("".join(map(str, rng.integers(0, 10, rng.integers(3, 6)))))


def _some_letters(rng: np.random.Generator) -> list[str]:
    return letters("".join(rng.choice(list(string.ascii_lowercase), rng.integers(3, 5))))


def _some_time(rng: np.random.Generator) -> list[str]:
    """Half of them with a day, as Asterisk tells when a message came: "yesterday at ...", "Sunday at ..."."""
    days = ["today", "yesterday", "tomorrow", *(f"day-{i}" for i in range(7))]
    day = [f"digits/{rng.choice(days)}", "digits/at"] if rng.random() < 0.5 else []
    return [*day, *time(int(rng.integers(0, 24)), int(rng.integers(0, 60)))]


def _some_date(rng: np.random.Generator) -> list[str]:
    """Half of them with the year, half with the day of the week."""
    day = datetime.date.fromordinal(int(rng.integers(FIRST_DAY.toordinal(), LAST_DAY.toordinal() + 1)))
    return date(day) if rng.random() < 0.5 else day_of_week(day)


KINDS: dict[str, Callable[[np.random.Generator], list[str]]] = {
    "number": _some_number,
    "digits": _some_digits,
    "letters": _some_letters,
    "time": _some_time,
    "date": _some_date,
}
