"""Stage 1 of a corpus that is a table with audio, audio with a text beside each, or Kaldi's data directories."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from lmspt.errors import InputError, run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, epilog="What is read, and how: lmspt/data/corpus.py and metadata.py.")
    p.add_argument("--corpus", type=Path, required=True, help="its folder")
    p.add_argument("--out", type=Path, required=True, help="gets <set>/{wav.scp,text,utt2spk[,segments]}, split.tsv, dropped.tsv")
    p.add_argument("--metadata", type=Path, help="the table, if it is not the only .csv or .tsv in the corpus")
    p.add_argument("--columns", default="", help="its columns, e.g. 'audio=clip text=what is said'; 'set=' passes over one")
    p.add_argument("--speaker", default="", help="'folder', or a regular expression whose group is found in the audio's path")
    p.add_argument("--dev", type=float, default=0.05, help="size of dev: a share, or from 1 on a number of utterances")
    p.add_argument("--test", type=float, default=0.05, help="size of test")
    p.add_argument("--split_by", default="auto", help="speaker, utterance, or auto: by speaker if three are known")
    p.add_argument("--seed", type=int, default=1, help="of the draw of dev and test")
    p.add_argument("--drop_bad", action="store_true", help="leave out what cannot be used instead of stopping at it")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, find, split, write, say what there is."""
    args = parser().parse_args(argv)
    from lmspt.data.corpus import read_corpus
    from lmspt.data.prepare import require_good, write_sets
    from lmspt.data.split import split

    corpus = read_corpus(args.corpus, args.metadata, _columns(args.columns), args.speaker)
    require_good(corpus, args.drop_bad)
    sets = split(corpus.entries, args.dev, args.test, args.split_by, args.seed)
    for line in write_sets(args.out, sets, {**corpus.bad, **corpus.unused}):
        print(line)


def _columns(words: str) -> dict[str, str]:
    """Columns by name; those of a table may have spaces in their names, ours have none."""
    pairs = [pair.partition("=") for pair in re.split(r"\s+(?=\w+=)", words.strip()) if pair]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise InputError(f"--columns: '{wrong[0]}' is not NAME=COLUMN")
    return {name: column for name, _, column in pairs}


if __name__ == "__main__":
    run_main(main)
