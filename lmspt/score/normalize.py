"""Text normalisers, pinned and versioned: what counts as the same word when errors are counted.

Reference and hypothesis pass through the same normaliser. Each is idempotent and looks at one utterance only. A change
of what one writes is a new version: the contract of a result carries name and version, and results of two versions are
not compared.

- ``none``: white space only.
- ``basic``: for any language. Case and compatible forms folded (NFKC), punctuation, symbols and invisible characters out, but
  an apostrophe between letters; accents and vowel signs stay. Figures stay figures: "3" is not "three". Where words are not
  written apart the character error rate, which stands beside every word error rate, is the one to read.
- ``digits``: for connected digit strings. Lower case, punctuation out, figures read one by one ("314" -> "three one
  four"). Nothing is guessed: "oh" is not "zero" (as in TIDIGITS, where they are two words), and "to", "for", "ate" are
  not digits, although a recogniser may write them for one.
- ``english``: what a recogniser writes in figures becomes words, as they are mostly read aloud; the rules are in
  :mod:`lmspt.score.english`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from lmspt.errors import InputError
from lmspt.score.english import english

FIGURES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Normalizer:
    """One way to write text for scoring.

    Attributes:
        name: as given on the command line.
        version: of what it writes.
        apply: text to text.
    """

    name: str
    version: int
    apply: Callable[[str], str]

    def __call__(self, text: str) -> str:
        """Normalise one utterance."""
        return self.apply(text)


def none(text: str) -> str:
    """Words as they are, single spaces between them."""
    return " ".join(text.split())


def basic(text: str) -> str:
    """Letters, marks and figures of any script, folded; apostrophes between letters."""
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold()).replace("’", "'")
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c == "'" else " " for c in folded)
    return none(re.sub(r"(?<![^\W\d_])'|'(?![^\W\d_])", " ", kept))


def digits(text: str) -> str:
    """Lower case, punctuation out, every figure a word of its own."""
    folded = unicodedata.normalize("NFKC", text).lower()
    spoken = "".join(f" {FIGURES[unicodedata.decimal(c)]} " if c.isdecimal() else c for c in folded)
    return none(re.sub(r"[^\w\s]|_", " ", spoken))


NORMALIZERS = {
    "none": Normalizer("none", 1, none),
    "basic": Normalizer("basic", 1, basic),
    "digits": Normalizer("digits", 1, digits),
    "english": Normalizer("english", 1, english),
}


def find_normalizer(name: str) -> Normalizer:
    """A normaliser by name.

    Raises:
        InputError: no such one.
    """
    if name not in NORMALIZERS:
        raise InputError(f"--normalizer {name}: not one of {', '.join(NORMALIZERS)}")
    return NORMALIZERS[name]
