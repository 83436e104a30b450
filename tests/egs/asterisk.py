"""A small archive of the shape of Asterisk's core sounds, and the recipe's modules."""

from __future__ import annotations

import calendar
import gzip
import importlib.util
import string
import sys
from pathlib import Path

import numpy as np
from num2words import num2words

from tests.utils.shell import ROOT

LOCAL = ROOT / "egs/asterisk/slm1/local"
sys.path.insert(0, str(LOCAL))
prompts, said = importlib.import_module("prompts"), importlib.import_module("said")
spec = importlib.util.spec_from_file_location("asterisk_prepare", LOCAL / "prepare.py")
prepare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(prepare)
sys.path.remove(str(LOCAL))

# The words that the real archive has, by name.
WORDS = {
    **{f"digits/{n}": num2words(n) for n in (*range(21), *range(30, 100, 10))},
    **{f"digits/h-{n}": num2words(n, to="ordinal") for n in (*range(1, 21), *range(30, 100, 10))},
    **{f"digits/mon-{i}": calendar.month_name[i + 1] for i in range(12)},
    **{f"digits/day-{i}": calendar.day_name[(i - 1) % 7] for i in range(7)},
    **{f"digits/{word}": word for word in ("hundred", "thousand", "oh", "at", "today", "tomorrow", "yesterday")},
    "digits/a-m": "A.M.",
    "digits/p-m": "P.M.",
    "digits/oclock": "o'clock",
    **{f"letters/{letter}": letter for letter in string.ascii_lowercase},
}
PHRASES = {f"phrase-{a}-{b}": f"Please press {a} and {b}." for a in "abcdefghijk" for b in "klmnopqrst"}
FRENCH = {"digits/1": "un", "bonjour": "Bonjour à tous."}


def write_archive(
    folder: Path, lang: str, texts: dict[str, str], debian: bool = True, without: tuple[str, ...] = (), more: str = ""
) -> None:
    """An unpacked archive: noise for recordings (a second for three words and more), and the list."""
    rng = np.random.default_rng(1)
    sounds = folder / "usr/share/asterisk/sounds/voice" if debian else folder
    for name, text in texts.items():
        if name not in without:
            path = sounds / f"{name}.g722"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rng.bytes(8000 if len(text.split()) > 2 else 800))
    listed = "\ufeff; Core sounds\n\n" + "".join(f"{name}: {text}\n" for name, text in texts.items()) + more
    if debian:
        path = folder / f"usr/share/doc/asterisk-core-sounds-{lang}/core-sounds-{lang}.txt.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(listed.encode()))
    else:
        (folder / f"core-sounds-{lang}.txt").write_text(listed, encoding="utf-8")
