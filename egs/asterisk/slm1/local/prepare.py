"""Data directories from Asterisk's core sounds: its prompts as they are, and what its telephone says by joining them.

train, dev and test_prompts hold prompts, none of whose texts is in two sets; train, dev and test_said hold numbers,
strings of digits and letters, times and dates, joined from the single words among train's prompts; train_tok holds
train's prompts and those of other languages. Where there are others, prompts of each are kept apart in test_<lang>, and a
language model of all languages has train_all, train_all_tok and dev_all.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lmspt.data.datadir import Join
from lmspt.data.scp import write_scp
from lmspt.data.subset import choose_utts
from lmspt.errors import InputError, run_main
from lmspt.files import write_text
from lmspt.score.english import english
from lmspt.score.normalize import basic
from prompts import VOICES, Prompt, decode, read_prompts
from said import KINDS

N_PROMPTS = {"test_prompts": 60, "dev": 30}
N_OTHERS = {"test": 30, "dev_all": 15}  # of each other language
N_SAID = {"test_said": 150, "dev": 60}
SECONDS = (1.0, 10.0)  # of a prompt outside train
WORDS = 3  # at least, in a prompt outside train
PAUSES = (0.0, 0.1)  # seconds between joined recordings
TRIES = 1000
SEED = 1


class Tables:
    """The files of one data directory, in the making."""

    def __init__(self) -> None:
        self.wav_scp: dict[str, Path] = {}
        self.text: dict[str, str] = {}
        self.utt2spk: dict[str, str] = {}
        self.joins: dict[str, str] = {}

    def add(self, prompt: Prompt, wav: Path) -> None:
        """A prompt as an utterance."""
        self.wav_scp[prompt.utt] = wav
        self.text[prompt.utt] = prompt.text
        self.utt2spk[prompt.utt] = prompt.voice

    def join(self, utt: str, parts: list[Prompt], pauses: list[float], wavs: dict[str, Path]) -> None:
        """Prompts on end as an utterance; the first of ``pauses`` is not heard."""
        self.wav_scp.update({part.utt: wavs[part.utt] for part in parts})
        self.text[utt] = " ".join(part.text for part in parts)
        self.utt2spk[utt] = parts[0].voice
        self.joins[utt] = Join(tuple(part.utt for part in parts), tuple(pauses)).line()

    def write(self, folder: Path) -> None:
        """Write ``wav.scp``, ``text``, ``utt2spk`` and ``joins``, which goes if there are none."""
        for name, table in (("wav.scp", self.wav_scp), ("text", self.text), ("utt2spk", self.utt2spk)):
            write_scp(folder / name, table)
        if self.joins:
            write_scp(folder / "joins", self.joins)
        else:
            (folder / "joins").unlink(missing_ok=True)


def split(prompts: list[Prompt], sizes: dict[str, int], words_of: Callable[[str], str]) -> dict[str, list[Prompt]]:
    """Prompts of one language by set; of those that may leave train, a fixed choice does.

    They have some words, a moderate length, a text that no other prompt has, and nothing in it that can be written or read
    in two ways: long figures, spelled letters, addresses.

    Args:
        prompts: all of them.
        sizes: by set, how many leave train.
        words_of: what scoring compares of a text.
    """
    texts = Counter(words_of(prompt.text) for prompt in prompts)
    free = {
        prompt.utt
        for prompt in prompts
        if texts[words := words_of(prompt.text)] == 1
        and len(words.split()) >= WORDS
        and SECONDS[0] <= prompt.seconds <= SECONDS[1]
        and not re.search(r"\d[\d.]|\w\.\w|\b[A-Z] [A-Z]\b", prompt.text)
    }
    sets: dict[str, list[Prompt]] = {}
    for name, n in sizes.items():
        chosen = set(choose_utts(free, n))
        free -= chosen
        sets[name] = [prompt for prompt in prompts if prompt.utt in chosen]
    chosen = {prompt.utt for kept in sets.values() for prompt in kept}
    sets["train"] = [prompt for prompt in prompts if prompt.utt not in chosen]
    return sets


class Speaker:
    """Says things that were not said before.

    Args:
        words: train's prompts by name.
        known: texts not to be said.
    """

    def __init__(self, words: dict[str, Prompt], known: list[str]) -> None:
        self.words = words
        self.known = {english(text) for text in known}
        self.rng = np.random.default_rng(SEED)

    def say(self, kind: str) -> tuple[list[Prompt], list[float]]:
        """Something of a kind, and the pause before each of its recordings (seconds).

        Raises:
            InputError: a word is not among the prompts, or nothing new is left to be said.
        """
        for _ in range(TRIES):
            names = KINDS[kind](self.rng)
            if missing := [name for name in names if name not in self.words]:
                raise InputError(f"no recording of '{missing[0]}' with a transcript; remove downloads/en and run again")
            parts = [self.words[name] for name in names]
            text = english(" ".join(part.text for part in parts))
            if text not in self.known:
                self.known.add(text)
                pauses = [0.0, *(round(float(pause), 3) for pause in self.rng.uniform(*PAUSES, len(parts) - 1))]
                return parts, pauses
        raise InputError(f"--said: there are not as many utterances of kind '{kind}'; ask for fewer")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--downloads", type=Path, required=True, help="has a folder for each language; decoded audio goes there")
    p.add_argument("--langs", nargs="+", choices=VOICES, required=True, help="en and more")
    p.add_argument("--said", type=int, required=True, help="joined utterances in train")
    p.add_argument("--out", type=Path, required=True, help="gets train, dev, test_prompts, test_said, train_tok ...")
    return p


def main(argv: list[str] | None = None) -> None:
    """Read, decode, split, join, write."""
    args = parser().parse_args(argv)
    prompts, dropped = {}, []
    for lang in args.langs:
        prompts[lang], without = read_prompts(args.downloads / lang, lang)
        dropped += [(lang, name, reason, text) for name, (reason, text) in without.items()]
    write_text(args.out / "dropped.tsv", "".join("\t".join(row) + "\n" for row in [("lang", "name", "reason", "text"), *dropped]))
    wavs = {}
    for prompt in tqdm([prompt for lang in args.langs for prompt in prompts[lang]], "G.722", disable=None, mininterval=2):
        wavs[prompt.utt] = args.downloads / prompt.lang / "flac" / f"{prompt.utt}.flac"
        decode(prompt, wavs[prompt.utt])

    others = [lang for lang in args.langs if lang != "en"]
    sets = split(prompts["en"], N_PROMPTS, english)
    sets["test_said"] = []
    sets["train_tok"] = sets["train"] + [prompt for lang in others for prompt in prompts[lang]]
    if others:
        sets.update({"train_all": list(sets["train"]), "train_all_tok": list(sets["train"]), "dev_all": list(sets["dev"])})
    for lang in others:
        parts = split(prompts[lang], N_OTHERS, basic)
        sets[f"test_{lang}"] = parts["test"]
        sets["dev_all"] += parts["dev_all"]
        sets["train_all"] += parts["train"]
        sets["train_all_tok"] += parts["train"]
    speaker = Speaker({prompt.name: prompt for prompt in sets["train"]}, [prompt.text for prompt in prompts["en"]])
    # train comes last: what is tested does not change with --said
    n_said = {**N_SAID, "train": args.said}
    said = {name: [speaker.say(list(KINDS)[i % len(KINDS)]) for i in range(n)] for name, n in n_said.items()}
    said.update(train_all=said["train"], dev_all=said["dev"])
    for name, chosen in sets.items():
        tables = Tables()
        for prompt in chosen:
            tables.add(prompt, wavs[prompt.utt])
        for i, (parts, pauses) in enumerate(said.get(name, [])):
            kind = list(KINDS)[i % len(KINDS)]
            tables.join(f"{VOICES['en']}-en-said_{kind}_{i:06d}", parts, pauses, wavs)
        tables.write(args.out / name)
        print(f"{args.out / name}: {len(chosen)} prompts, {len(said.get(name, []))} joined utterances")
    print(f"{args.out}/dropped.tsv: {len(dropped)} prompts of {', '.join(args.langs)} are left out, each with its reason")


if __name__ == "__main__":
    run_main(main)
