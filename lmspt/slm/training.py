"""Train a speech language model: examples, model and engine meet here."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import torch

from lmspt.slm.batches import SLMBatches
from lmspt.slm.examples import read_examples
from lmspt.slm.model import SpeechLM, from_pretrained, scratch_backbone
from lmspt.slm.vocab import load_vocabulary
from lmspt.train.engine import fit


def train(configs: tuple, data: Path, out: Path) -> SpeechLM:
    """Train, or go on training, the model of ``configs`` (instances of ``CONFIGS``) on the examples in ``data``.

    Raises:
        InputError: bad data, or no such backbone.
    """
    config, batch_config, train_config = configs
    vocab = load_vocabulary(data / "vocab.json")
    torch.manual_seed(train_config.seed)
    model = from_pretrained(config, vocab) if config.backbone else SpeechLM(config, vocab, scratch_backbone(config))
    n_parameters = sum(p.numel() for p in model.parameters()) / 1e6
    logging.info("%s: %.2f M parameters, %d ids, %d streams", out.name, n_parameters, vocab.size, model.n_streams)
    sources = []
    for split, steps in (("train", train_config.steps_per_epoch), ("valid", None)):
        examples, tokens = read_examples(data, split, vocab.tok_id)
        sources.append(SLMBatches(examples, tokens, vocab, batch_config, steps, train_config.seed))
    model.load_state_dict(fit(model, *sources, train_config, out))
    for name in ("text.model", "text"):
        if (data / name).is_dir():
            shutil.copytree(data / name, out / name, dirs_exist_ok=True)
        elif (data / name).is_file():
            shutil.copy(data / name, out / name)
    return model.eval()
