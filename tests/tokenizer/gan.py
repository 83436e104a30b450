"""The smallest adversarial training with all its parts, as a process of its own or a rank of one."""

from __future__ import annotations

import shutil
from pathlib import Path

from lmspt.data.variation import VariationConfig
from lmspt.tokenizer.checkpoint import save_tokenizer
from lmspt.tokenizer.config import AdversarialConfig, BatchConfig, LossConfig, ModelConfig, ObjectiveConfig
from lmspt.tokenizer.training import train
from lmspt.train.config import TrainConfig
from lmspt.train.ranks import joined_ranks, rank

EPOCHS = 8
CONFIGS = (
    ModelConfig(dim=16, encoder_layers=1, slow_layers=1, decoder_dim=16, decoder_layers=1, aux_dim=16, semantic_size=8,
                acoustic_codebooks=1, acoustic_size=8, code_dim=4),
    ObjectiveConfig(objective="none"),
    LossConfig(collapse_use=0.0),
    AdversarialConfig(discriminator="small", adversarial_start=3),
    BatchConfig(batch_size=2, segment_seconds=0.2),
    VariationConfig(),
    TrainConfig(max_epoch=EPOCHS, steps_per_epoch=2, lr=1e-3, warmup_steps=4, keep_nbest=2, ema_decay=0.9, num_threads=1),
)  # fmt: skip


def run(raw: Path, out: Path) -> None:
    """What ``tok_train`` does; ``<out>/model.safetensors`` is whole or absent."""
    with joined_ranks(0):
        state = train(CONFIGS, raw, raw, out).state_dict()
        if rank() == 0:
            save_tokenizer(out, state, *CONFIGS)


def weights(out: Path) -> bytes:
    """The final weights."""
    return (out / "model.safetensors").read_bytes()


def clear(out: Path) -> None:
    """Begin again from nothing."""
    shutil.rmtree(out, ignore_errors=True)
