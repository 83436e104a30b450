"""Training steps of a language model of a CPU's size, by length of its sequences: fused attention, and attention as it is written.

    python tools/bench_attention.py [--lengths 24 48 96 144 192 256] [--batch 64] [--num_threads 1]

Both ways make forward and backward passes of the same random sequences in bfloat16, by turns in one process; the fastest of the
repeats counts. ``lmspt/slm/attention.py`` chooses by length.
"""

from __future__ import annotations

import argparse
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import AutoModel

from lmspt.config import load_config
from lmspt.errors import run_main
from lmspt.slm.config import CONFIGS
from lmspt.slm.model import scratch_backbone


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--config", type=Path, default=Path(__file__).parents[1] / "egs/TEMPLATE/slm1/conf/slm/small.yaml")
    p.add_argument("--lengths", type=int, nargs="+", default=[24, 48, 96, 144, 192, 256])
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--repeats", type=int, default=4)
    p.add_argument("--num_threads", type=int, default=1)
    return p


def seconds_of(backbone: nn.Module, hidden: Tensor, attention: AbstractContextManager[None]) -> float:
    """Of a forward and a backward pass."""
    began = time.perf_counter()
    with attention, torch.autocast("cpu", torch.bfloat16):
        read = backbone(inputs_embeds=hidden, use_cache=False).last_hidden_state
    read.square().mean().backward()
    backbone.zero_grad()
    return time.perf_counter() - began


def main() -> None:
    """Measure, print a line a length."""
    args = parser().parse_args()
    torch.set_num_threads(args.num_threads)
    torch.manual_seed(0)
    config, *_ = load_config(args.config, [], *CONFIGS)
    backbone = AutoModel.from_config(scratch_backbone(config))
    print(f"{args.batch} sequences a batch, {args.num_threads} thread(s), torch {torch.__version__}")
    print(f"{'length':>6s} {'fused':>9s} {'as written':>11s} {'ratio':>6s}")
    for length in args.lengths:
        hidden = torch.randn(args.batch, length, config.dim)
        seconds = {"fused": [], "as written": []}
        for _ in range(args.repeats + 1):
            seconds["fused"].append(seconds_of(backbone, hidden, nullcontext()))
            seconds["as written"].append(seconds_of(backbone, hidden, sdpa_kernel(SDPBackend.MATH)))
        fused, written = (min(turns[1:]) for turns in seconds.values())  # the first warms up
        print(f"{length:6d} {fused:7.3f} s {written:9.3f} s {fused / written:6.2f}")


if __name__ == "__main__":
    run_main(main)
