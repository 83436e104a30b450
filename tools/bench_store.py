"""Reading tokens in random order: the memory-mapped store against a text file of integers, one line an utterance.

python tools/bench_store.py [--n_utts 200000]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from lmspt.data.tokens import TokenStore, TokenWriter
from lmspt.errors import run_main

STREAMS = [{"name": f"stream{i}", "size": 512} for i in range(4)]
META = {"tok_id": "bench", "frame_rate": 12.5, "sample_rate": 16000, "streams": STREAMS}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--n_utts", type=int, default=200_000)
    p.add_argument("--n_text", type=int, default=5_000, help="lines of the text file that are read")
    return p


def main() -> None:
    """Write both, read both, print the ratio."""
    args = parser().parse_args()
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(4.8, 0.5, args.n_utts), 10, 400).astype(int)  # about 10 s at 12.5 Hz
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        offsets, lines = {}, folder / "tokens.txt"
        with TokenWriter(folder / "store", META, shard_size=20_000) as writer, open(lines, "wb") as text:
            for number, length in enumerate(lengths):
                codes = rng.integers(0, 512, (len(STREAMS), length), dtype=np.int32)
                writer.add(f"utt{number:07d}", codes)
                if number < args.n_text:
                    offsets[f"utt{number:07d}"] = text.tell()
                    text.write(" ".join(map(str, codes.reshape(-1).tolist())).encode() + b"\n")
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        store = TokenStore(folder / "store")
        opened = time.perf_counter()
        keys = [f"utt{number:07d}" for number in rng.permutation(args.n_utts)]
        begun, total = time.perf_counter(), 0
        for key in keys:
            total += store[key].shape[1]
        seconds = time.perf_counter() - begun
        assert total == lengths.sum()
        begun = time.perf_counter()
        with open(lines, "rb") as text:
            for key in rng.permutation(list(offsets)):
                text.seek(offsets[key])
                np.array(text.readline().split(), dtype=np.int32).reshape(len(STREAMS), -1)
        text_seconds = time.perf_counter() - begun
    rate, text_rate = args.n_utts / seconds, args.n_text / text_seconds
    print(f"{args.n_utts} utterances of {lengths.mean():.0f} frames x {len(STREAMS)} streams")
    print(f"opened in {opened - began:.2f} s, {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024:.0f} MiB more")
    print(f"store: {rate:10.0f} utterances/s")
    print(f"text:  {text_rate:10.0f} utterances/s")
    print(f"ratio: {rate / text_rate:10.0f}")


if __name__ == "__main__":
    run_main(main)
