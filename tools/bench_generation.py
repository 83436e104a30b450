"""Speaking 16 texts at once against one after the other, with the same codes as the outcome.

    python tools/bench_generation.py [--pattern flatten] [--slm egs/fsdd/slm1/exp/slm_<tag>]

Without --slm the model has the shape of --config and random weights, and speaks to each text's limit; codes are drawn, each
text from its own seed.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lmspt.config import load_config
from lmspt.errors import run_main
from lmspt.slm.checkpoint import load_slm
from lmspt.slm.config import CONFIGS, SamplingConfig
from lmspt.slm.generate import speak
from lmspt.slm.model import SpeechLM, scratch_backbone
from lmspt.slm.vocab import ANY_SPEAKER, END, build_vocabulary

STREAMS = [{"name": "semantic", "size": 512}, *({"name": f"acoustic{i}", "size": 256} for i in range(1, 4))]
META = {"tok_id": "bench", "frame_rate": 12.5, "sample_rate": 16000, "streams": STREAMS}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--config", type=Path, default=Path(__file__).parents[1] / "egs/TEMPLATE/slm1/conf/slm/small.yaml")
    p.add_argument("--pattern", default="delay", help="of a model with random weights")
    p.add_argument("--slm", type=Path, help="a trained model, exp/slm_<tag>")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--num_threads", type=int, default=1)
    return p


def random_model(path: Path, pattern: str) -> SpeechLM:
    """Of the config's shape; it hardly ever writes the end."""
    config, *_ = load_config(path, [], *CONFIGS)
    torch.manual_seed(0)
    config = replace(config, pattern=pattern)
    model = SpeechLM(config, build_vocabulary(64, ["ann"], META, 4.0, {}), scratch_backbone(config)).eval()
    with torch.no_grad():
        model.head.weight[END] = 0.0
    return model


def main() -> None:
    """Measure both ways, compare their codes, print the ratio."""
    args = parser().parse_args()
    torch.set_num_threads(args.num_threads)
    model = load_slm(args.slm) if args.slm else random_model(args.config, args.pattern)
    rng, sampling = np.random.default_rng(0), SamplingConfig(temperature=0.8)
    texts = [rng.integers(0, model.vocab.text.size, n).tolist() for n in rng.integers(6, 11, args.batch)]
    speakers, numbers = [ANY_SPEAKER] * args.batch, list(range(args.batch))
    speak(model, texts[:1], speakers[:1], numbers[:1], sampling)  # warms up
    began = time.perf_counter()
    together = speak(model, texts, speakers, numbers, sampling)
    between = time.perf_counter()
    alone = [speak(model, [text], [ANY_SPEAKER], [n], sampling)[0] for n, text in enumerate(texts)]
    ended = time.perf_counter()
    same = sum(np.array_equal(a, b) for (a, _), (b, _) in zip(together, alone, strict=True))
    n_frames = sum(codes.shape[1] for codes, _ in alone)
    print(f"{model.config.pattern}, {n_frames} frames; {args.num_threads} thread(s), torch {torch.__version__}")
    print(f"{args.batch} at once:      {n_frames / (between - began):8.1f} frames/s")
    print(f"one by one:       {n_frames / (ended - between):8.1f} frames/s")
    print(f"ratio:            {(ended - between) / (between - began):8.2f}")
    print(f"with equal codes: {same} of {args.batch}")


if __name__ == "__main__":
    run_main(main)
