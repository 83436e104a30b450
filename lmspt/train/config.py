"""What the training engine needs to know, whatever it trains."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class TrainConfig:
    """Options of the engine; an "epoch" is ``steps_per_epoch`` steps, the unit of validation and of resuming."""

    seed: int = 0
    max_epoch: int = 10
    steps_per_epoch: int = 100
    lr: float = 5e-4
    warmup_steps: int = 100
    final_lr: float = 1e-5
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.01
    grad_clip: float = 1.0
    accum_grad: int = 1
    num_threads: int = 2
    best_metric: str = "loss"
    best_mode: str = "min"
    log_interval: int = 20
    use_amp: bool = False
