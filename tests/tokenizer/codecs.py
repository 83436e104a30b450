"""Published codecs at a small width: models of the same classes with random weights, saved as their folders are."""

from __future__ import annotations

import os
from pathlib import Path

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


def lyra(folder: Path) -> Path:
    """The real weights: LiteRT runs no model that this test could make."""
    weights = Path(os.environ.get("LYRA") or ROOT.parent / "shared" / "codecs" / "lyra_v2")
    if not weights.is_dir():
        pytest.skip(f"no weights in {weights}: put lyra/model_coeffs/*.tflite of github.com/google/lyra there or set LYRA")
    return weights


# kind -> how its weights folder is made, and how many codebooks of it are used
FAMILIES = {"mimi": (mimi, 3), "encodec": (encodec, 4), "dac": (dac, 3), "xcodec": (xcodec, 2), "wavtokenizer": (wavtokenizer, 1),
            "lyra": (lyra, 8), "lmspt_released": (small_release, 4)}  # fmt: skip


def _saved(model: torch.nn.Module, folder: Path) -> Path:
    """Weights at random, codebooks too, which transformers leaves at zero."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if "codebook" in name and tensor.ndim == 2:
            tensor.data = torch.randn(tensor.shape, generator=generator)
    model.save_pretrained(folder)
    return folder
