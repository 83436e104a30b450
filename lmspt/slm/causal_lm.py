"""A speech language model of one id a step as a plain causal language model, for engines that serve those: vLLM and others.

``pattern: flatten`` has one id a step, and so has any pattern of a single stream. An engine knows neither streams nor tasks:
:class:`LegalIds` tells it, step by step, what may come. ``docs/vllm.md`` puts the parts together.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from lmspt.errors import InputError
from lmspt.slm.model import SpeechLM
from lmspt.slm.pattern import Flat
from lmspt.slm.vocab import END, PAD, WRITE_TEXT, Vocabulary


def save_causal_lm(model: SpeechLM, folder: Path) -> None:
    """Write ``config.json``, ``model.safetensors`` and ``vocab.json``: what ``AutoModelForCausalLM.from_pretrained`` loads, with
    the same logits. Prompts are those of ``model.layout``; ids are the joint vocabulary's, and no text tokenizer belongs to it.

    Raises:
        InputError: a model with several ids a step.
    """
    if model.layout.pattern.width != 1:
        raise InputError(
            f"pattern {model.config.pattern}: a step has {model.layout.pattern.width} ids, a plain causal language model one; "
            "train with pattern: flatten"
        )
    config = copy.deepcopy(model.backbone.config)
    ids = {"vocab_size": model.vocab.size, "pad_token_id": PAD, "bos_token_id": None, "eos_token_id": END}
    config.update({**ids, "tie_word_embeddings": model.tied})
    plain = AutoModelForCausalLM.from_config(config)
    backbone = copy.deepcopy(model.backbone)
    backbone.set_input_embeddings(model.embedding)
    plain.base_model.load_state_dict(backbone.state_dict())
    with torch.no_grad():
        plain.get_output_embeddings().weight.copy_(model.head.weight)
    plain.save_pretrained(folder)
    model.vocab.save(folder / "vocab.json")


class LegalIds:
    """A logits processor of one request: what may follow the ids written so far, and nothing else.

    Args:
        vocab: of the model.
        task: what is asked of it: ``ASR`` or ``TTS`` of :mod:`lmspt.slm.vocab`.
    """

    def __init__(self, vocab: Vocabulary, task: int) -> None:
        streams = range(1 if task in WRITE_TEXT else len(vocab.streams))
        self.legal = [torch.from_numpy(vocab.legal(task, stream)) for stream in streams]
        self.may_be_empty = task in WRITE_TEXT  # speech has at least one frame

    def __call__(self, written: list[int], logits: Tensor) -> Tensor:
        """Ids after the prompt and ``logits`` (V,) of the next -> logits (V,), minus infinity where an id is not legal."""
        legal = self.legal[len(written) % len(self.legal)].to(logits.device)
        if not written and not self.may_be_empty:
            legal = legal[legal != END]
        return torch.full_like(logits, -torch.inf).index_copy(0, legal, logits[legal])


def written_codes(vocab: Vocabulary, written: list[int]) -> tuple[np.ndarray, bool]:
    """Codes (K, F) of the whole frames among the ids that a TTS request was answered with, and whether its end is there."""
    ended = END in written
    steps = np.array(written[: written.index(END)] if ended else written, dtype=np.int64)[:, None]
    pattern = Flat(len(vocab.streams))
    begins = np.array([block.begin for block in vocab.streams])[:, None]
    return pattern.gather(steps, pattern.n_frames(len(steps))) - begins, ended
