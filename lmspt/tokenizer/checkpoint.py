"""A trained tokenizer on disk: ``config.yaml``, ``model.safetensors``, and an identity that later stages hold on to."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from lmspt.config import load_config, save_config
from lmspt.device import on_device
from lmspt.errors import InputError
from lmspt.files import atomic, sha256_of, write_text
from lmspt.tokenizer.adapter import load_adapter
from lmspt.tokenizer.card import model_card
from lmspt.tokenizer.config import ADAPTERS, CONFIGS, KMeansConfig, ModelConfig, tokenizer_kind
from lmspt.tokenizer.interface import Tokenizer
from lmspt.tokenizer.kmeans import KMeansTokenizer
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.official import find_official, read_official


class TrainedLMSPT:
    """An LM-SPT network with its identity: a :class:`lmspt.tokenizer.interface.Tokenizer`.

    ``decode_aux`` speaks the semantic stream alone through the aux decoder, at ``aux_sample_rate`` (Hz).
    A ``causal`` one can encode and decode streams (:mod:`lmspt.tokenizer.stream`).
    """

    can_decode = True

    def __init__(
        self, config: ModelConfig, state: dict[str, torch.Tensor], tok_id: str, device: str | torch.device = "cpu"
    ) -> None:
        model = LMSPT(config)
        model.load_state_dict(state)
        self.model, self.tok_id = model.to(device).fold_weight_norm().eval(), tok_id
        self.sample_rate, self.frame_rate = model.config.sample_rate, model.config.frame_rate
        self.streams, self.causal = model.streams, config.causal
        self.aux_sample_rate = model.config.aux_rate
        self.encode, self.decode, self.decode_aux, self.level = (
            on_device(method, device) for method in (model.encode, model.decode, model.decode_aux, model.level)
        )
        self.codebooks = on_device(model.codebooks, device)


def save_tokenizer(folder: Path, state: dict[str, torch.Tensor], *configs: object) -> str:
    """Write config, weights and a model card, and return the ``tok_id``: the folder's tag and a hash of the first two."""
    save_config(folder / "config.yaml", *configs)
    with atomic(folder / "model.safetensors") as temporary:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary)
    digest = hashlib.sha256((folder / "config.yaml").read_bytes() + sha256_of(folder / "model.safetensors").encode())
    tok_id = f"{folder.name.removeprefix('tok_')}-{digest.hexdigest()[:8]}"
    write_text(folder / "README.md", model_card(tok_id, *configs))
    write_text(folder / "tok_id", tok_id + "\n")
    return tok_id


def load_tokenizer(folder: str | Path, device: str | torch.device = "cpu") -> Tokenizer:
    """The tokenizer of an experiment folder, trained there or published, or the released LM-SPT.

    Args:
        folder: the folder; or of the released LM-SPT its safetensors, a folder that holds them, or ``kakaocorp/lmspt``.
        device: where it computes; the tensors it is given, and gives, are on the CPU.

    Raises:
        InputError: the folder holds no finished tokenizer.
    """
    if released := find_official(folder):
        model_config, state = read_official(released)
        return TrainedLMSPT(model_config, state, f"{released.stem}-{sha256_of(released)[:8]}", device)
    folder = Path(folder)
    _require(folder, "config.yaml", "tok_id")
    kind = tokenizer_kind(folder / "config.yaml")
    if kind in ADAPTERS:
        return load_adapter(folder, device)
    _require(folder, "model.safetensors")
    tok_id = (folder / "tok_id").read_text(encoding="utf-8").strip()
    state = load_file(folder / "model.safetensors")
    if kind == "kmeans":
        (config,) = load_config(folder / "config.yaml", [], KMeansConfig)
        return KMeansTokenizer(config, state, tok_id, device)
    model_config, *_ = load_config(folder / "config.yaml", [], *CONFIGS)
    return TrainedLMSPT(model_config, state, tok_id, device)


def _require(folder: Path, *names: str) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name}; run stage 4 (tok_train) first")
