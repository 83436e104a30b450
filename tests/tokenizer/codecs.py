"""Published codecs at a small width: models of the same classes with random weights, saved as their folders are."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from transformers import (
    DacConfig,
    DacModel,
    EncodecConfig,
    EncodecModel,
    HubertConfig,
    MimiConfig,
    MimiModel,
    WavTokenizerConfig,
    WavTokenizerModel,
    XcodecConfig,
    XcodecModel,
)

from tests.tokenizer.released import small_release

ROOT = Path(__file__).resolve().parents[2]
DAC = {"encoder_hidden_size": 4, "decoder_hidden_size": 32, "codebook_size": 16, "codebook_dim": 4}


def mimi(folder: Path, **changed: object) -> Path:
    shape = {"hidden_size": 32, "num_filters": 4, "num_hidden_layers": 1, "intermediate_size": 32, "num_attention_heads": 2}
    codes = {"codebook_size": 16, "codebook_dim": 8, "num_quantizers": 4, "vector_quantization_hidden_dimension": 8}
    config = MimiConfig(**{**shape, **codes, "num_key_value_heads": 2, "upsample_groups": 32, **changed})
    return _saved(MimiModel(config), folder)


def encodec(folder: Path, **changed: object) -> Path:
    config = EncodecConfig(
        **{"num_filters": 4, "hidden_size": 16, "codebook_size": 16, "codebook_dim": 16, "num_lstm_layers": 1, **changed}
    )
    return _saved(EncodecModel(config), folder)


def dac(folder: Path, **changed: object) -> Path:
    rates = {"downsampling_ratios": [2, 4, 5, 8], "upsampling_ratios": [8, 5, 4, 2], "sampling_rate": 16000}
    return _saved(DacModel(DacConfig(**{**DAC, **rates, "n_codebooks": 4, **changed})), folder)


def xcodec(folder: Path) -> Path:
    semantic = HubertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=[8] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    acoustic = {**DAC, "downsampling_ratios": [8, 5, 4, 2], "upsampling_ratios": [8, 5, 4, 2], "hidden_size": 16}
    config = XcodecConfig(
        acoustic_model_config=DacConfig(**acoustic).to_dict(), semantic_model_config=semantic.to_dict(), codebook_size=16
    )
    return _saved(XcodecModel(config), folder)


def wavtokenizer(folder: Path) -> Path:
    config = WavTokenizerConfig(
        num_filters=4,
        hidden_size=16,
        num_lstm_layers=1,
        codebook_size=32,
        codebook_dim=16,
        decoder_hidden_size=32,
        decoder_intermediate_size=32,
        decoder_num_layers=1,
        decoder_attention_num_groups=4,
    )
    return _saved(WavTokenizerModel(config), folder)


class SpeechTokenizer(torch.nn.Module):
    """Stands for the class of the package ``speechtokenizer`` (1.0.1) where that is not installed."""

    def __init__(self, config: dict) -> None:
        super().__init__()
        self.sample_rate, self.n_q, self.downsample_rate = config["sample_rate"], config["n_q"], np.prod(config["strides"])
        shape = {"num_filters": config["n_filters"], "hidden_size": config["dimension"], "codebook_dim": config["dimension"]}
        codes = {"codebook_size": config["codebook_size"], "upsampling_ratios": config["strides"]}
        self.inner = EncodecModel(EncodecConfig(**shape, **codes))

    def encode(self, x: torch.Tensor, n_q: int) -> torch.Tensor:
        """(B, 1, T) -> (n_q, B, F)."""
        return self.inner.encode(x, bandwidth=24.0).audio_codes[0].transpose(0, 1)[:n_q]

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """(n_q, B, F) -> (B, 1, T)."""
        return self.inner.decode(codes.transpose(0, 1)[None], [None]).audio_values


def speechtokenizer(folder: Path) -> Path:
    """Through the package's own class, or the one above."""
    try:
        from speechtokenizer import SpeechTokenizer as Model
    except ImportError:
        Model = SpeechTokenizer
        sys.modules["speechtokenizer"] = ModuleType("speechtokenizer")
        sys.modules["speechtokenizer"].SpeechTokenizer = SpeechTokenizer
    config = {"n_filters": 4, "dimension": 16, "semantic_dimension": 16, "strides": [8, 5, 4, 2], "lstm_layers": 1, "n_q": 4}
    config |= {"bidirectional": True, "dilation_base": 2, "residual_kernel_size": 3, "n_residual_layers": 1, "activation": "ELU"}
    config |= {"sample_rate": 16000, "codebook_size": 16}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(_random(Model(config)).state_dict(), folder / "SpeechTokenizer.pt")
    return folder


def lyra(folder: Path) -> Path:
    """The real weights: LiteRT runs no model that this test could make."""
    weights = Path(os.environ.get("LYRA") or ROOT.parent / "shared" / "codecs" / "lyra_v2")
    if not weights.is_dir():
        pytest.skip(f"no weights in {weights}: put lyra/model_coeffs/*.tflite of github.com/google/lyra there or set LYRA")
    return weights


# kind -> how its weights folder is made, and how many codebooks of it are used
FAMILIES = {"mimi": (mimi, 3), "encodec": (encodec, 4), "dac": (dac, 3), "xcodec": (xcodec, 2), "wavtokenizer": (wavtokenizer, 1),
            "speechtokenizer": (speechtokenizer, 3), "lyra": (lyra, 8), "lmspt_released": (small_release, 4)}  # fmt: skip


def _saved(model: torch.nn.Module, folder: Path) -> Path:
    _random(model).save_pretrained(folder)
    return folder


def _random(model: torch.nn.Module) -> torch.nn.Module:
    """Codebooks at random, too, which are made empty."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if "codebook" in name and tensor.ndim == 2:
            tensor.data = torch.randn(tensor.shape, generator=generator)
    return model
