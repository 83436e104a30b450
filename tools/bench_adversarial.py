"""What the small discriminators cost a tokenizer of a CPU's size: seconds of a training step with and without them.

    python tools/bench_adversarial.py [--config egs/librispeech/slm1/conf/tok/small_12.5hz_gan.yaml] [--repeats 3]

A step is forward, backward and optimiser on one batch of noise. Both ways take turns; the fastest of the repeats counts.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from lmspt.config import load_config
from lmspt.errors import run_main
from lmspt.tokenizer.adversarial import build_critic
from lmspt.tokenizer.config import CONFIGS
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.objectives import build_objective
from lmspt.tokenizer.training import TokenizerTraining
from lmspt.train.engine import Adversary, build_optimizer

CONFIG = Path(__file__).parents[1] / "egs/librispeech/slm1/conf/tok/small_12.5hz_gan.yaml"


class Stepper:
    """A training of ``configs``, with their discriminators or without."""

    def __init__(self, configs: tuple, adversarial: bool) -> None:
        model, objective, loss, weights, self.batch, _, schedule = configs
        critic = build_critic(weights) if adversarial else None
        if critic is not None:
            critic.start = 0
        self.sample_rate = model.sample_rate
        self.task = TokenizerTraining(
            LMSPT(model), build_objective(objective, model), loss, objective.distill_weight, weights, critic
        )
        adversary = None if critic is None else Adversary(critic, weights.discriminator_lr)
        self.optimizer = build_optimizer(self.task, adversary, schedule)

    def step(self) -> float:
        """Seconds of one step."""
        n_samples = int(self.batch.segment_seconds * self.sample_rate)
        wav = 0.1 * torch.randn(self.batch.batch_size, n_samples)
        began = time.perf_counter()
        loss, _, _ = self.task(wav, torch.full((len(wav),), n_samples))
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return time.perf_counter() - began


def main(argv: list[str] | None = None) -> None:
    """Parse, time, print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--config", type=Path, default=CONFIG, help="YAML of a tokenizer with discriminators")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--num_threads", type=int, default=1)
    args = p.parse_args(argv)
    torch.set_num_threads(args.num_threads)
    configs = load_config(args.config, [], *CONFIGS)
    steppers = {adversarial: Stepper(configs, adversarial) for adversarial in (False, True)}
    seconds = {adversarial: [] for adversarial in steppers}
    for _ in range(args.repeats + 1):
        for adversarial, stepper in steppers.items():
            seconds[adversarial].append(stepper.step())
    alone, judged = (min(found[1:]) for found in seconds.values())  # the first step is slower
    print(f"{args.config.stem}: {alone:.2f} s a step without discriminators, {judged:.2f} s with, ratio {judged / alone:.2f}")


if __name__ == "__main__":
    run_main(main)
