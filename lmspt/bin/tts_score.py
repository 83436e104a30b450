"""Stage 12: what a judge reads in the audio of a set, how near its voices are, and how it rates."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--ref", type=Path, required=True, help="formatted set: texts, speakers and real audio")
    p.add_argument(
        "--wav", type=Path, required=True, help="folder with the wav.scp that is scored; --ref itself for the real audio"
    )
    p.add_argument("--out", type=Path, required=True, help="gets ref.trn, hyp.trn, result.txt, result.json")
    p.add_argument("--judge", default="whisper-base", help="a name, a folder with a CTranslate2 Whisper, or one of judge_train")
    p.add_argument("--words_only", action="store_true", help="what the judge reads, no measures of voice and quality")
    p.add_argument("--language", default="en", help="that the judge is to read: Whisper's two letters, or 'detect'")
    p.add_argument("--normalizer", default="english", help="english, digits, basic (any language) or none")
    p.add_argument("--max_utts", type=int, help="score at most so many, the same for every system")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: a Whisper reads on a GPU, which its contract says")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, score, write."""
    args = parser().parse_args(argv)
    from lmspt.data.datadir import DataDir
    from lmspt.data.subset import choose_utts
    from lmspt.files import write_json
    from lmspt.score.judge import open_judge
    from lmspt.score.normalize import find_normalizer
    from lmspt.score.speech import Speech
    from lmspt.score.trn import write_trn
    from lmspt.score.tts import score_speech, score_words

    start_log()
    normalizer, data, spoken = find_normalizer(args.normalizer), DataDir(args.ref), Speech(args.wav)
    utts = choose_utts(data.utts, args.max_utts)
    judge = open_judge(args.judge, args.num_threads, args.language, args.ngpu)
    if args.words_only:
        utterances, result = score_words(data, spoken, utts, judge, normalizer)
    else:
        utterances, result = score_speech(data, spoken, utts, judge, normalizer, args.num_threads)
    write_trn(args.out, utterances)
    write_json(args.out / "result.json", result)
    low, high = result["ci95"]
    print(f"{args.out}: WER {result['wer']:.1%} [{low:.1%}, {high:.1%}] by {judge.name}, {len(utts)} utterances")


if __name__ == "__main__":
    run_main(main)
