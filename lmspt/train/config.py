"""What the training engine needs to know, whatever it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lmspt.config import require_at_least


@dataclass
class TrainConfig:
    """Options of the engine. An "epoch" is ``steps_per_epoch`` steps: the unit of validation, saving and resuming.

    The learning rate rises over ``warmup_steps`` and falls along a cosine to ``final_lr_ratio * lr`` (one cycle).
    ``num_threads`` 0 is :func:`lmspt.cpu.n_threads`.
    ``keep_nbest`` epochs with the best ``best_metric`` on the validation set are averaged into the final weights. With an
    ``ema_decay`` (0: none) it is the moving average of the weights that is validated and kept. ``use_amp`` computes in
    bfloat16 where autocast knows it to be safe, on a processor that has it. Under ``torchrun`` steps are those of a rank: its
    batches, and ``accum_grad`` of them a step of the optimiser; with ``shard`` each rank holds a share of every parameter,
    its gradient and moments, instead of all of them (language models; one rank has nothing to share).
    """

    seed: int = 0
    max_epoch: int = 10
    steps_per_epoch: int = 100
    lr: float = 5e-4
    warmup_steps: int = 100
    final_lr_ratio: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.01
    grad_clip: float = 1.0
    accum_grad: int = 1
    best_metric: str = "loss"
    best_mode: Literal["min", "max"] = "min"
    keep_nbest: int = 1
    ema_decay: float = 0.0
    log_interval: int = 20
    num_threads: int = 0
    ngpu: int = 0
    use_amp: bool = False
    shard: bool = False

    def __post_init__(self) -> None:
        require_at_least(self, 1, "max_epoch", "steps_per_epoch", "accum_grad", "keep_nbest", "log_interval")
        require_at_least(self, 0, "warmup_steps", "num_threads", "ngpu", "grad_clip", "ema_decay")
