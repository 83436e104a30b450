"""Training steps of the speech language model a second, with real lengths: padded as drawn, padded by like length, packed.

    python tools/bench_packing.py --data egs/librispeech/slm1/dump/raw/train
    python tools/bench_packing.py --examples egs/asterisk/slm1/exp/data_<name>/train.jsonl

The lengths are those of formatted data, with a text unit for each character, or of a stage 7; the codes are random, since speed
does not depend on them. A "step" is one that is not padding: an id that is learned from or read. Every way trains the same
model on the same sequences, forward and backward, in one process, by turns.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from lmspt.config import load_config
from lmspt.data.datadir import DataDir
from lmspt.data.tokens import TokenStore, TokenWriter
from lmspt.errors import run_main
from lmspt.slm.batches import SLMBatches
from lmspt.slm.config import CONFIGS, SLMBatchConfig
from lmspt.slm.examples import Example, frames_a_unit, speakers_of
from lmspt.slm.model import SpeechLM, scratch_backbone
from lmspt.slm.packing import pad_sequences
from lmspt.slm.vocab import PAD, build_vocabulary

STREAMS = [{"name": "semantic", "size": 512}, *({"name": f"acoustic{i}", "size": 256} for i in range(1, 4))]
META = {"tok_id": "bench", "frame_rate": 12.5, "sample_rate": 16000, "streams": STREAMS}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    lengths = p.add_mutually_exclusive_group(required=True)
    lengths.add_argument("--data", type=Path, help="a data directory of stage 2, at 16 kHz")
    lengths.add_argument("--examples", type=Path, help="train.jsonl of a stage 7")
    p.add_argument("--config", type=Path, default=Path(__file__).parents[1] / "egs/TEMPLATE/slm1/conf/slm/small.yaml")
    p.add_argument("--batch_tokens", type=int, default=2048)
    p.add_argument("--pack_length", type=int, default=512)
    p.add_argument("--n_batches", type=int, default=12, help="of each way")
    p.add_argument("--num_threads", type=int, default=1)
    return p


def examples_of(data: DataDir) -> list[Example]:
    """Utterances at the frame rate of ``META``, a text unit for each character."""
    units = {char: number for number, char in enumerate(sorted(set("".join(data.text.values()))))}
    samples_a_frame = META["sample_rate"] / META["frame_rate"]
    return [
        Example(utt, data.utt2spk[utt], [units[char] for char in data.text[utt]], math.ceil(n / samples_a_frame))
        for utt, n in data.num_samples.items()
    ]


def read_examples(path: Path) -> list[Example]:
    """What a stage 7 wrote."""
    with open(path, encoding="utf-8") as lines:
        return [Example(**json.loads(line)) for line in lines]


def random_store(examples: list[Example], folder: Path) -> TokenStore:
    """Random codes of the examples' lengths."""
    rng = np.random.default_rng(0)
    with TokenWriter(folder, META) as writer:
        for example in examples:
            writer.add(example.key, rng.integers(0, 256, (len(STREAMS), example.n_frames)))
    return TokenStore(folder)


def as_drawn(batches: SLMBatches, rng: np.random.Generator) -> Iterator[tuple[list[str], dict[str, torch.Tensor]]]:
    """Batches of ``batch_size`` utterances in random order, padded to the longest."""
    size = batches.config.batch_size
    stream = batches.sequences(rng)
    while chosen := list(islice(stream, 2 * size)):
        yield [key for key, _ in chosen], pad_sequences([sequence for _, sequence in chosen])


def measure(model: SpeechLM, batches: list[dict[str, torch.Tensor]]) -> tuple[int, int, float]:
    """Steps that are not padding, steps in all, and seconds of training on them."""
    began = time.perf_counter()
    for batch in batches:
        model(**batch)[0].backward()
        model.zero_grad()
    seconds = time.perf_counter() - began
    return sum(int((b["ids"][..., 0] != PAD).sum()) for b in batches), sum(b["ids"][..., 0].numel() for b in batches), seconds


def main() -> None:
    """Measure each way by turns, print one line for each."""
    args = parser().parse_args()
    torch.set_num_threads(args.num_threads)
    examples = read_examples(args.examples) if args.examples else examples_of(DataDir(args.data))
    config, *_ = load_config(args.config, [], *CONFIGS)
    n_units = 1 + max(unit for example in examples for unit in example.units)
    vocab = build_vocabulary(n_units, speakers_of(examples), META, frames_a_unit(examples), {})
    torch.manual_seed(0)
    model = SpeechLM(config, vocab, scratch_backbone(config))
    with tempfile.TemporaryDirectory() as folder:
        tokens = random_store(examples, Path(folder))
        budget = {"batch_tokens": args.batch_tokens}
        ways = {
            "padded, as drawn": {"batch_size": 16},
            "padded, of like length": {"batch_size": 16},
            "padded, by tokens": budget,
            "packed": {**budget, "pack_length": args.pack_length},
        }
        batches = {}
        for name, sizes in ways.items():
            source = SLMBatches(examples, tokens, model.layout, SLMBatchConfig(**sizes), 400, 0)
            drawn = as_drawn(source, np.random.default_rng(0)) if name == "padded, as drawn" else source.build_iter(1)
            batches[name] = [batch for _, batch in islice(drawn, args.n_batches + 1)]
        totals = {name: np.zeros(3) for name in ways}
        for turn in range(args.n_batches + 1):  # the first warms up
            for name in ways:
                measured = measure(model, batches[name][turn : turn + 1])
                totals[name] += measured if turn else 0
    rates = {name: real / seconds for name, (real, _, seconds) in totals.items()}
    print(f"{len(examples)} utterances, {args.examples or args.data}; {args.num_threads} thread(s), torch {torch.__version__}")
    print(f"{'way':24s} {'steps/s':>8s} {'real':>6s} {'packed is faster by':>20s}")
    for name, (real, every, _) in totals.items():
        print(f"{name:24s} {rates[name]:8.0f} {real / every:6.1%} {rates['packed'] / rates[name]:19.2f}x")


if __name__ == "__main__":
    run_main(main)
