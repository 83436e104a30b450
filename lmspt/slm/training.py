"""Train a speech language model: examples, model and engine meet here."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import torch

from lmspt.slm.batches import SLMBatches
from lmspt.slm.embeddings import place_codes
from lmspt.slm.examples import read_examples
from lmspt.slm.model import SpeechLM, scratch_backbone
from lmspt.slm.packing import check_packing
from lmspt.slm.pretrained import add_lora, from_pretrained, merge_lora
from lmspt.slm.vocab import load_vocabulary
from lmspt.tokenizer.interface import Tokenizer
from lmspt.train.engine import fit
from lmspt.train.ranks import rank


def train(configs: tuple, data: Path, out: Path, tokenizer: Tokenizer | None = None) -> SpeechLM:
    """Train, or go on training, the model of ``configs`` (instances of ``CONFIGS``) on the examples in ``data``.

    With ``init_embeddings: codebook``, the embeddings of codes begin like the codebooks of ``tokenizer``.

    Raises:
        InputError: bad data, no such backbone, or a tokenizer without codebooks.
    """
    config, batch_config, train_config = configs
    vocab = load_vocabulary(data / "vocab.json")
    torch.manual_seed(train_config.seed)
    model = from_pretrained(config, vocab) if config.backbone else SpeechLM(config, vocab, scratch_backbone(config))
    if config.init_embeddings == "codebook":
        place_codes(model, tokenizer)
    if batch_config.pack_length:
        check_packing(model)
    if config.lora_rank:
        add_lora(model)
    n_all, n_trained = (sum(p.numel() for p in model.parameters() if p.requires_grad or every) / 1e6 for every in (True, False))
    logging.info(
        "%s: %.2f M parameters, %.2f M of them trained; %d ids, %d streams",
        *(out.name, n_all, n_trained, vocab.size, model.n_streams),
    )
    sources = []
    for split, steps in (("train", train_config.steps_per_epoch), ("valid", None)):
        examples, tokens = read_examples(data, split, vocab.tok_id)
        sources.append(SLMBatches(examples, tokens, model.layout, batch_config, steps, train_config.seed))
    trained_on, _ = sources
    # what an epoch's training heard is told where its validation is: there the history has room for it
    model.load_state_dict(fit(model, *sources, train_config, out, lambda _: trained_on.amounts()))
    if config.lora_rank:
        merge_lora(model)
    for name in ("text.model", "text") if rank() == 0 else ():
        if (data / name).is_dir():
            shutil.copytree(data / name, out / name, dirs_exist_ok=True)
        elif (data / name).is_file():
            shutil.copy(data / name, out / name)
    return model.eval()
