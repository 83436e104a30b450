"""LibriSpeech (openslr.org/12, CC BY 4.0) as data directories: the corpus by its folders, or excerpts of it by their table.

The corpus has ``<subset>/<reader>/<chapter>/<reader>-<chapter>-<number>.flac`` and, beside these, their transcripts in
``<reader>-<chapter>.trans.txt``. Excerpts have a ``manifest.tsv`` with the columns id, path, subset, speaker, text, text_ok.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lmspt.data.scp import write_scp
from lmspt.errors import InputError, run_main

DEV, TESTS = "dev-clean", ("test-clean", "test-other")


@dataclass(frozen=True)
class Utterance:
    """Its id, whose first part is its reader, its recording and its text in lower case."""

    utt: str
    path: Path
    text: str

    @property
    def reader(self) -> str:
        """Who reads."""
        return self.utt.split("-")[0]


def read_subset(folder: Path) -> Iterator[Utterance]:
    """The utterances of a subset of the corpus.

    Raises:
        InputError: no such subset, a transcript without its recording, or a recording without its transcript.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such subset; unpack {folder.name}.tar.gz there, or choose others with --train_subsets")
    for chapter in sorted(folder.glob("*/*/")):
        recordings = {path.stem: path for path in chapter.glob("*.flac")}
        listed = chapter / f"{chapter.parent.name}-{chapter.name}.trans.txt"
        if not listed.is_file():
            raise InputError(f"{listed}: no transcripts; unpack {folder.name}.tar.gz again")
        for line in listed.read_text(encoding="utf-8").splitlines():
            utt, _, text = line.partition(" ")
            if utt not in recordings:
                raise InputError(f"{listed}: no {utt}.flac beside it; unpack {folder.name}.tar.gz again")
            yield Utterance(utt, recordings.pop(utt), text.lower())
        if recordings:
            raise InputError(f"{listed}: no line for {min(recordings)}; unpack {folder.name}.tar.gz again")


def read_excerpts(manifest: Path) -> dict[str, list[Utterance]]:
    """Utterances by subset; those whose text is marked as doubtful are left out."""
    subsets: dict[str, list[Utterance]] = {}
    with open(manifest, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            try:
                utterance = Utterance(row["id"], manifest.parent / row["path"], row["text"].lower())
                if row["text_ok"] == "1":
                    subsets.setdefault(row["subset"], []).append(utterance)
            except (KeyError, TypeError, AttributeError):
                raise InputError(f"{manifest}: needs the columns id, path, subset, text, text_ok in every line") from None
    return subsets


def sets_of_excerpts(subsets: dict[str, list[Utterance]], n_dev: int) -> dict[str, list[Utterance]]:
    """Train, dev and the test sets: ``n_dev`` readers of the training subsets, evenly spread, are dev's alone."""
    training = [u for subset, utterances in subsets.items() if subset.startswith("train") for u in utterances]
    readers = sorted({utterance.reader for utterance in training}, key=int)
    if not 0 < n_dev < len(readers):
        raise InputError(f"--n_dev {n_dev}: of {len(readers)} readers some are to be trained on, some held out")
    held_out = {readers[i * len(readers) // n_dev] for i in range(n_dev)}
    return {
        "train": [u for u in training if u.reader not in held_out],
        "dev": [u for u in training if u.reader in held_out],
        **{subset.replace("-", "_"): subsets[subset] for subset in TESTS if subset in subsets},
    }


def write_set(folder: Path, utterances: list[Utterance]) -> None:
    """A data directory."""
    write_scp(folder / "wav.scp", {u.utt: u.path for u in utterances})
    write_scp(folder / "text", {u.utt: u.text for u in utterances})
    write_scp(folder / "utt2spk", {u.utt: u.reader for u in utterances})


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--corpus", type=Path, required=True, help="the folder with the subsets, or with a manifest.tsv")
    p.add_argument("--train_subsets", nargs="+", required=True)
    p.add_argument("--n_dev", type=int, required=True, help="readers held out of excerpts")
    p.add_argument("--out", type=Path, required=True, help="gets train, dev, test_clean, test_other")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, read, write."""
    args = parser().parse_args(argv)
    if not args.corpus.is_dir():
        raise InputError(f"{args.corpus}: no such folder; LIBRISPEECH in db.sh is to name the one with train-clean-100/ ... in it")
    if (args.corpus / "manifest.tsv").is_file():
        sets = sets_of_excerpts(read_excerpts(args.corpus / "manifest.tsv"), args.n_dev)
    else:
        sets = {"train": [u for subset in args.train_subsets for u in read_subset(args.corpus / subset)]}
        for name, subset in (("dev", DEV), *((subset.replace("-", "_"), subset) for subset in TESTS)):
            sets[name] = list(read_subset(args.corpus / subset))
    for name, utterances in sets.items():
        write_set(args.out / name, utterances)
        readers = {utterance.reader for utterance in utterances}
        print(f"{args.out / name}: {len(utterances)} utterances of {len(readers)} readers")


if __name__ == "__main__":
    run_main(main)
