"""A Whisper judge's network on a GPU: transformers' own, in whole float32, from the same CTranslate2 weights.

CTranslate2 computes on GPUs, too, but with the libraries of one CUDA version; this reads wherever torch trains.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer
from transformers import GenerationConfig, GenerationMixin, WhisperConfig, WhisperForConditionalGeneration

from lmspt.teacher.ctranslate import whisper_shape, whisper_state

MULTILINGUAL = 51865  # tokens that such a model has at least


class TorchWhisper:
    """See :class:`lmspt.score.judge.Whisper`.

    Args:
        folder: with ``model.bin``, ``config.json`` and ``tokenizer.json`` of a CTranslate2 Whisper.
        device: what computes.
    """

    arithmetic: ClassVar[dict[str, str]] = {
        "compute_type": "float32",
        "device": "cuda",
        "engine": f"transformers {transformers.__version__}",
    }
    batch: ClassVar[int] = 16  # with 5 beams, what their attention keeps of the windows takes 3 GB

    def __init__(self, folder: Path, device: torch.device) -> None:
        torch.backends.cudnn.allow_tf32 = False
        self.device, state = device, whisper_state(folder / "model.bin")
        self.model = WhisperForConditionalGeneration(WhisperConfig(**whisper_shape(state)))
        self.model.load_state_dict({**state, "proj_out.weight": state["model.decoder.embed_tokens.weight"]})
        self.model.eval().to(device)
        self.n_mels = self.model.config.num_mel_bins
        self.is_multilingual = self.model.config.vocab_size >= MULTILINGUAL
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.known = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.end = self.tokenizer.token_to_id("<|endoftext|>")

    @torch.inference_mode()
    def generate(self, mels: np.ndarray, prompts: list[list[int]], beam_size: int, no_repeat_ngram_size: int) -> list[list[int]]:
        """Tokens of windows (B, n_mels, 3000), each after its prompt; 0: any may repeat."""
        options = GenerationConfig(
            num_beams=beam_size,
            early_stopping=True,  # CTranslate2's and OpenAI's patience of 1
            no_repeat_ngram_size=no_repeat_ngram_size or None,
            max_length=self.model.config.max_target_positions,
            suppress_tokens=self.known["suppress_ids"],
            begin_suppress_tokens=self.known["suppress_ids_begin"],
            decoder_start_token_id=prompts[0][0],
            eos_token_id=self.end,
            pad_token_id=self.end,
        )
        # Not Whisper's own generate, which cuts and repeats as it likes.
        heard = torch.from_numpy(mels).to(self.device)
        tokens = GenerationMixin.generate(
            self.model,
            heard,
            options,
            attention_mask=torch.ones_like(heard[:, 0], dtype=torch.long),  # all of a window is heard; unsaid, it is warned of
            decoder_input_ids=torch.tensor(prompts, device=self.device),
        )
        said = tokens[:, len(prompts[0]) :].tolist()
        return [ids[: ids.index(self.end)] if self.end in ids else ids for ids in said]

    @torch.inference_mode()
    def detect_language(self, mels: np.ndarray) -> list[str]:
        """The likeliest language's token of each window, like ``<|en|>``."""
        start = torch.full((len(mels), 1), self.tokenizer.token_to_id("<|startoftranscript|>"), device=self.device)
        logits = self.model(torch.from_numpy(mels).to(self.device), decoder_input_ids=start).logits[:, 0]
        languages = torch.tensor(self.known["lang_ids"], device=self.device)
        return [self.tokenizer.id_to_token(i) for i in languages[logits[:, languages].argmax(-1)].tolist()]
