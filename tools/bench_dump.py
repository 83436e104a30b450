"""Dumping tokens in batches of like length against one by one: utterances a second, and the codes that differ (none may).

    python tools/bench_dump.py [--tokenizer egs/fsdd/slm1/exp/tok_<tag>] [--seconds 0.5 2.5 10]

The corpora are noise, of lengths around each of ``--seconds``. Without --tokenizer the weights are random, of --config.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from lmspt.config import load_config
from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.scp import write_scp
from lmspt.data.tokens import TokenStore
from lmspt.errors import run_main
from lmspt.tokenizer.checkpoint import TrainedLMSPT, load_tokenizer
from lmspt.tokenizer.config import CONFIGS
from lmspt.tokenizer.dump import dump
from lmspt.tokenizer.interface import Tokenizer
from lmspt.tokenizer.model import LMSPT

CONFIG = Path(__file__).parents[1] / "egs/fsdd/slm1/conf/tok/resynthesis_12.5hz.yaml"


def random_tokenizer(path: Path) -> Tokenizer:
    """Of a config's shape."""
    torch.manual_seed(0)
    config, *_ = load_config(path, [], *CONFIGS)
    return TrainedLMSPT(config, LMSPT(config).state_dict(), path.stem)


def make_corpus(folder: Path, seconds: float, total: float, rate: int) -> DataDir:
    """Utterances of noise, three quarters to five quarters of ``seconds`` long, ``total`` seconds in all."""
    rng = np.random.default_rng(0)
    n_samples = {f"utt{i:05d}": int(rate * seconds * rng.uniform(0.75, 1.25)) for i in range(int(total / seconds))}
    for utt, n in n_samples.items():
        write_wav(folder / "wav" / f"{utt}.wav", 0.1 * rng.standard_normal(n).astype(np.float32), rate)
    write_scp(folder / "wav.scp", {utt: folder / "wav" / f"{utt}.wav" for utt in n_samples})
    write_scp(folder / "text", dict.fromkeys(n_samples, "noise"))
    write_scp(folder / "utt2spk", {utt: utt for utt in n_samples})
    write_scp(folder / "utt2num_samples", {utt: str(n) for utt, n in n_samples.items()})
    return DataDir(folder)


def timed_dump(tokenizer: Tokenizer, data: DataDir, out: Path, batch_seconds: float) -> tuple[float, TokenStore]:
    """Seconds, and the store."""
    began = time.perf_counter()
    dump(tokenizer, data, out, batch_seconds=batch_seconds)
    return time.perf_counter() - began, TokenStore(out)


def main(argv: list[str] | None = None) -> None:
    """Parse, dump both ways, compare, print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--tokenizer", type=Path, help="a trained one, exp/tok_<tag>")
    p.add_argument("--config", type=Path, default=CONFIG)
    p.add_argument("--seconds", type=float, nargs="+", default=[0.5, 2.5, 10.0], help="of an utterance")
    p.add_argument("--total", type=float, default=400.0, help="seconds of each corpus")
    p.add_argument("--batch_seconds", type=float, default=40.0)
    p.add_argument("--num_threads", type=int, default=1)
    args = p.parse_args(argv)
    torch.set_num_threads(args.num_threads)
    tokenizer = load_tokenizer(args.tokenizer) if args.tokenizer else random_tokenizer(args.config)
    print(f"{tokenizer.tok_id}, {args.num_threads} thread(s), torch {torch.__version__}\n")
    print("| utterances | one by one, a second | batched, a second | ratio | codes that differ |\n|---|---|---|---|---|")
    for seconds in args.seconds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            data = make_corpus(folder, seconds, args.total, tokenizer.sample_rate)
            dump(tokenizer, data, folder / "warm", batch_seconds=args.batch_seconds)  # files and memory
            alone, first = timed_dump(tokenizer, data, folder / "alone", 0.0)
            batched, second = timed_dump(tokenizer, data, folder / "batched", args.batch_seconds)
            differ = sum(int((first[utt] != second[utt]).sum()) for utt in data.utts)
            n_codes = sum(first[utt].size for utt in data.utts)
        rates = f"{len(first) / alone:.0f} | {len(first) / batched:.0f} | {alone / batched:.2f}"
        print(f"| {len(first)} of {seconds:g} s | {rates} | {differ} of {n_codes} |")


if __name__ == "__main__":
    run_main(main)
