"""The ``english`` normaliser: figures, times, money and dates to words, so that "4:30 PM" equals "four thirty p.m.".

How a figure is read is not in the text; these are the usual readings of what Whisper writes:

- with a grouping comma, or up to three digits: a cardinal ("1,024" -> one thousand twenty four); four digits: a year
  from 1100 to 2099 ("1984" -> nineteen eighty four), a cardinal if it ends in 00, else figure by figure;
- five digits or more without a comma, a leading zero, groups joined by hyphens: figure by figure ("555-1234");
- "4:05" four oh five, "4:00" four o'clock, "4:00 PM" four pm; "May 3" may third; "$5.50" five dollars and fifty cents;
- the "and" inside a number goes ("one hundred and five"), since some say it and figures do not tell;
- hyphens become spaces, apostrophes stay, accents go, "p.m." and "p m" become "pm".
"""

from __future__ import annotations

import re
import unicodedata

from num2words import num2words

MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
SCALES = ["hundred", "thousand", "million", "billion", "trillion"]
MONEY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
}
SYMBOLS = {"&": "and", "%": "percent", "+": "plus", "@": "at", "°": "degrees"}
SAME = {"ok": "okay", "mr": "mister", "mrs": "missus", "dr": "doctor"}
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)"
NUMBER_WORDS = {word for n in (*range(21), *range(30, 100, 10)) for word in num2words(n).split("-")}


def english(text: str) -> str:
    """Write English text for scoring: lower case words, no punctuation but apostrophes inside words."""
    text = _fold(text)
    sign = f"([{''.join(MONEY)}])\\s?"
    scaled = rf"{sign}({NUMBER}(?:\.\d+)?\s(?:{'|'.join(SCALES)}))\b"
    text = re.sub(scaled, lambda m: f"{m[2]} {MONEY[m[1]][1]} ", text)
    text = re.sub(rf"{sign}({NUMBER})(?:\.(\d\d)(?!\d))?", _money, text)
    text = re.sub(rf"\b({MONTHS}) (\d{{1,2}})(?![\d:,.]\d|\d|[a-z])", _day, text)
    text = re.sub(r"(?<!\d)(\d{1,2})\.(\d\d)(?=\s?[ap]\.?\s?m\b)", r"\1:\2", text)  # 12.15 pm, as some write it
    text = re.sub(r"(?<!\d)(\d{1,2}):(\d\d)(?![\d:])(\s?[ap]\.?\s?m\b)?", _time, text)
    text = re.sub(rf"(?<!\d)({NUMBER})(?:st|nd|rd|th)\b", lambda m: f" {_read(_integer(m[1]), 'ordinal')} ", text)
    text = re.sub(r"(?<![\w-])\d+(?:-\d+)+", lambda m: _figures(m[0]), text)
    text = re.sub(r"(?<!\S)-(?=\d)", " minus ", text)
    text = re.sub(rf"({NUMBER})(?:\.(\d+))?", _number, text)
    text = re.sub(f"[{re.escape(''.join(SYMBOLS))}]", lambda m: f" {SYMBOLS[m[0]]} ", text)
    text = re.sub(r"(?<!\S)#(?!\S)", " pound ", text)
    text = re.sub(r"(?<!\S)\*(?!\S)", " star ", text)
    text = re.sub(r"[^\w\s']|_", " ", text)
    text = re.sub(r"(?<!\w)'+|'+(?!\w)", " ", text)
    return " ".join(_unify(text.split()))


def _fold(text: str) -> str:
    """Lower case without accents; typographic apostrophes and foreign figures in ASCII."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).lower())
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub("[\u2018\u2019\u02bc`\u00b4]", "'", text)
    return re.sub(r"\d", lambda m: str(unicodedata.decimal(m[0])), text)


def _read(value: int, kind: str = "cardinal") -> str:
    return num2words(value, to=kind).replace("-", " ").replace(",", "")


def _integer(figures: str) -> int:
    return int(figures.replace(",", "")[:15])  # beyond that nobody reads a number aloud


def _figures(text: str) -> str:
    return " ".join(["", *(_read(int(c)) for c in text if c.isdigit()), ""])


def _cardinal(figures: str) -> str:
    """Words of a run of figures that stands by itself."""
    value = _integer(figures)
    if "," in figures or figures == "0":
        return _read(value)
    if figures[0] == "0" or len(figures) > 4:
        return _figures(figures)
    if len(figures) == 4 and 1100 <= value < 2100:
        return _read(value, "year")
    return _figures(figures) if len(figures) == 4 and value % 100 else _read(value)


def _number(match: re.Match) -> str:
    after = f" point {_figures(match[2])}" if match[2] else ""
    return f" {_cardinal(match[1])}{after} "


def _money(match: re.Match) -> str:
    one, many, small, smalls = MONEY[match[1]]
    whole, parts = _integer(match[2]), int(match[3] or 0)
    spoken = [f"{_read(whole)} {one if whole == 1 else many}"] if whole or not parts else []
    spoken += [f"{_read(parts)} {small if parts == 1 else smalls}"] if parts else []
    return f" {' and '.join(spoken)} "


def _day(match: re.Match) -> str:
    day = int(match[2])
    return f"{match[1]} {_read(day, 'ordinal')} " if 1 <= day <= 31 else match[0]


def _time(match: re.Match) -> str:
    hour, minute, half = int(match[1]), int(match[2]), match[3] or ""
    if hour > 24 or minute > 59:
        return f" {_cardinal(match[1])} {_cardinal(match[2])} {half} "
    if minute == 0:
        after = "" if half else "hundred" if hour > 12 else "o'clock"
    else:
        after = _read(minute) if minute > 9 else f"oh {_read(minute)}"
    return f" {_read(hour)} {after} {half} "


def _unify(words: list[str]) -> list[str]:
    """One spelling for words that have two."""
    unified: list[str] = []
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else ""
        before = unified[-1] if unified else ""
        if word == "m" and before in ("a", "p"):
            unified[-1] = before + "m"
        elif not (word == "and" and before in SCALES and (following in NUMBER_WORDS or following in SCALES)):
            unified.append(SAME.get(word, word))
    return unified
