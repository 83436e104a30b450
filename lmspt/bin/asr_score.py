"""Stage 10: word and character error rates of hypotheses, joined to their references by key."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--ref", type=Path, required=True, help="data directory with text and utt2spk")
    p.add_argument("--hyp", type=Path, required=True, help="hypotheses, '<utterance> <words>' a line")
    p.add_argument("--out", type=Path, required=True, help="gets ref.trn, hyp.trn, result.txt, result.json")
    p.add_argument("--normalizer", default="english", help="english, digits, basic (any language) or none")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, align, write."""
    args = parser().parse_args(argv)
    from lmspt.data.datadir import DataDir
    from lmspt.data.scp import read_scp
    from lmspt.files import write_json
    from lmspt.score.contract import text_contract
    from lmspt.score.normalize import find_normalizer
    from lmspt.score.trn import write_trn
    from lmspt.score.wer import align, summarise

    normalizer, data = find_normalizer(args.normalizer), DataDir(args.ref)
    utterances = align(data.text, read_scp(args.hyp, may_be_empty=True), data.utt2spk, normalizer)
    result = {"contract": text_contract(normalizer), "set": args.ref.name, **summarise(utterances)}
    write_trn(args.out, utterances)
    write_json(args.out / "result.json", result)
    low, high = result["ci95"]
    counts = f"{result['errors']} of {result['n_words']} words"
    print(f"{args.out}: WER {result['wer']:.1%} [{low:.1%}, {high:.1%}], {counts}")


if __name__ == "__main__":
    run_main(main)
