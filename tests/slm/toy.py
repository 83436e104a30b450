"""A speech language model small enough for tests, and tokens it can learn by heart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lmspt.data.scp import write_scp
from lmspt.data.tokens import TokenWriter
from lmspt.slm.config import SLMConfig
from lmspt.slm.model import SpeechLM, scratch_backbone
from tests.slm.test_vocab import META, toy

CONFIG = SLMConfig(dim=32, n_layers=2, n_heads=2, ff_dim=64, text_units=20, depth_dim=16)
WORDS = ("one", "two", "three")


def toy_model(seed: int = 0, **options: object) -> SpeechLM:
    torch.manual_seed(seed)
    config = replace(CONFIG, **options)
    model = SpeechLM(config, toy(), scratch_backbone(config))
    with torch.no_grad():  # tables wide enough that random logits are far apart
        model.embedding.weight.mul_(30)
        model.head.weight.mul_(30)
    return model.eval()


def write_corpus(folder: Path, n: int = 24, n_train: int = 150) -> None:
    """``raw/<set>`` and ``tokens/<set>`` for train and dev: each word has its own codes."""
    rng = np.random.default_rng(0)
    for name, size in (("train", n_train), ("dev", n)):
        texts = {f"ann-{i:03d}": [WORDS[j] for j in rng.integers(0, 3, 1 + i % 3)] for i in range(size)}
        write_scp(folder / "raw" / name / "text", {utt: " ".join(words) for utt, words in texts.items()})
        write_scp(folder / "raw" / name / "utt2spk", dict.fromkeys(texts, "ann"))
        write_scp(folder / "raw" / name / "wav.scp", {utt: f"{utt}.flac" for utt in texts})
        with TokenWriter(folder / "tokens" / name, META) as writer:
            for utt, words in texts.items():
                semantic = np.repeat([5 * WORDS.index(word) for word in words], 2)
                writer.add(f"{utt}#0" if name == "train" else utt, np.stack([semantic, semantic % 8, (semantic + 1) % 8]))
