"""Stage 6: what the tokens of a set say of words and speakers, and how hard they are to guess."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="formatted set: texts, speakers, joins")
    p.add_argument("--tokens", type=Path, required=True, help="its token store")
    p.add_argument("--train_data", type=Path, required=True, help="formatted training set")
    p.add_argument("--train_tokens", type=Path, required=True, help="its token store")
    p.add_argument("--ctm", type=Path, help="what is said when, as Kaldi writes it (default: words of joins)")
    p.add_argument("--out", type=Path, required=True, help="probes.json")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, probe, write."""
    args = parser().parse_args(argv)
    from lmspt.data.datadir import DataDir
    from lmspt.data.tokens import TokenStore
    from lmspt.files import write_json
    from lmspt.score.labels import labels_of_joins, read_ctm
    from lmspt.score.probe import probe

    start_log()
    data = DataDir(args.data)
    labels = read_ctm(args.ctm) if args.ctm else labels_of_joins(data)
    result = probe(TokenStore(args.tokens), data, TokenStore(args.train_tokens), DataDir(args.train_data), labels)
    write_json(args.out, result)
    print(f"{args.out}: {result['guessing']['bps']:.0f} bit/s to guess the semantic stream, {result['n_utts']} utterances")


if __name__ == "__main__":
    run_main(main)
