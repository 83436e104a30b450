"""Connected digits from the Free Spoken Digit Dataset: data directories whose utterances are joined from single takes.

The corpus (github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0) has files ``<digit>_<speaker>_<take>.wav``.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from lmspt.data.datadir import Join
from lmspt.data.scp import write_scp
from lmspt.errors import InputError, run_main
from lmspt.score.normalize import FIGURES

TEST, DEV, TRAIN = range(5), range(5, 10), range(10, 50)
LENGTHS = (3, 4, 5, 6)
PAUSES = (0.03, 0.25)  # seconds
SEED = 1
N_TRAIN = 8000  # of the published sets

Takes = dict[tuple[str, int, int], Path]


def find_takes(recordings: Path) -> Takes:
    """Files by (speaker, digit, take).

    Raises:
        InputError: no such folder, or no file in it is named as the corpus names its own.
    """
    if not recordings.is_dir():
        raise InputError(f"{recordings}: no such folder; FSDD in db.sh is to name a clone of the corpus, with recordings/ in it")
    takes = {}
    for path in sorted(recordings.glob("*.wav")):
        if match := re.fullmatch(r"(\d)_([a-z]+)_(\d+)", path.stem):
            takes[match[2], int(match[1]), int(match[3])] = path
    if not takes:
        raise InputError(f"{recordings}: no <digit>_<speaker>_<take>.wav in it; is this the corpus?")
    return takes


def name_of(speaker: str, digit: int, take: int) -> str:
    """Id of a recording."""
    return f"{speaker}-{digit}-{take:02d}"


class Strings:
    """Draws digit strings, and the takes and pauses they are spoken with."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)

    def draw(self, n: int, forbidden: set[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """``n`` strings, none of them in ``forbidden``."""
        strings = []
        while len(strings) < n:
            string = tuple(int(digit) for digit in self.rng.integers(0, 10, self.rng.choice(LENGTHS)))
            if string not in forbidden:
                strings.append(string)
        return strings

    def write(self, folder: Path, takes: Takes, speakers: list[str], numbers: range, strings: list[tuple[int, ...]]) -> None:
        """A data directory of ``strings``, spoken in turn by ``speakers`` in takes drawn from ``numbers``."""
        text, utt2spk, joins = {}, {}, {}
        for i, string in enumerate(strings):
            speaker = speakers[i % len(speakers)]
            utt = f"{speaker}-{i:06d}"
            chosen = tuple(name_of(speaker, digit, int(self.rng.choice(numbers))) for digit in string)
            pauses = (0.0, *(round(float(pause), 3) for pause in self.rng.uniform(*PAUSES, len(string) - 1)))
            text[utt] = " ".join(FIGURES[digit] for digit in string)
            utt2spk[utt] = speaker
            joins[utt] = Join(chosen, pauses).line()
        used = {name_of(*key): path for key, path in takes.items() if key[0] in speakers and key[2] in numbers}
        for name, table in (("wav.scp", used), ("text", text), ("utt2spk", utt2spk), ("joins", joins)):
            write_scp(folder / name, table)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--recordings", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True, help="gets train, dev and test")
    p.add_argument("--n_train", type=int, required=True)
    p.add_argument("--n_dev", type=int, required=True)
    p.add_argument("--n_test", type=int, required=True)
    p.add_argument("--heldout_speaker", default="")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, draw, write."""
    args = parser().parse_args(argv)
    takes = find_takes(args.recordings)
    speakers = sorted({speaker for speaker, _, _ in takes})
    tested, test_takes = speakers[:], TEST
    if args.heldout_speaker:
        if args.heldout_speaker not in speakers:
            raise InputError(f"--heldout_speaker {args.heldout_speaker}: not one of {', '.join(speakers)}")
        speakers.remove(args.heldout_speaker)
        tested, test_takes = [args.heldout_speaker], range(TRAIN.stop)
    strings = Strings()
    test = strings.draw(args.n_test, set())
    dev = strings.draw(args.n_dev, set())
    train = strings.draw(max(args.n_train, N_TRAIN), {*test, *dev})[: args.n_train]  # takes of test are drawn next: always the same
    strings.write(args.out / "test", takes, tested, test_takes, test)
    strings.write(args.out / "dev", takes, speakers, DEV, dev)
    strings.write(args.out / "train", takes, speakers, TRAIN, train)


if __name__ == "__main__":
    run_main(main)
