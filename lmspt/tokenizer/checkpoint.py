"""A trained tokenizer on disk: ``config.yaml``, ``model.safetensors``, and an identity that later stages hold on to."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from lmspt.config import load_config, save_config
from lmspt.errors import InputError
from lmspt.files import atomic, sha256_of, write_text
from lmspt.tokenizer.adapter import load_adapter
from lmspt.tokenizer.config import ADAPTERS, CONFIGS, KMeansConfig, tokenizer_kind
from lmspt.tokenizer.interface import Tokenizer
from lmspt.tokenizer.kmeans import KMeansTokenizer
from lmspt.tokenizer.model import LMSPT


class TrainedLMSPT:
    """An LM-SPT network with its identity: a :class:`lmspt.tokenizer.interface.Tokenizer`."""

    can_decode = True

    def __init__(self, model: LMSPT, tok_id: str) -> None:
        self.model, self.tok_id = model.eval(), tok_id
        self.sample_rate, self.frame_rate = model.config.sample_rate, model.config.frame_rate
        self.streams = model.streams
        self.encode, self.decode = model.encode, model.decode


def save_tokenizer(folder: Path, state: dict[str, torch.Tensor], *configs: object) -> str:
    """Write config and weights and return the ``tok_id``: the folder's tag and a hash of both."""
    save_config(folder / "config.yaml", *configs)
    with atomic(folder / "model.safetensors") as temporary:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary)
    digest = hashlib.sha256((folder / "config.yaml").read_bytes() + sha256_of(folder / "model.safetensors").encode())
    tok_id = f"{folder.name.removeprefix('tok_')}-{digest.hexdigest()[:8]}"
    write_text(folder / "tok_id", tok_id + "\n")
    return tok_id


def load_tokenizer(folder: str | Path) -> Tokenizer:
    """The tokenizer of an experiment folder, trained there or published.

    Raises:
        InputError: the folder holds no finished tokenizer.
    """
    folder = Path(folder)
    _require(folder, "config.yaml", "tok_id")
    kind = tokenizer_kind(folder / "config.yaml")
    if kind in ADAPTERS:
        return load_adapter(folder)
    _require(folder, "model.safetensors")
    tok_id = (folder / "tok_id").read_text(encoding="utf-8").strip()
    state = load_file(folder / "model.safetensors")
    if kind == "kmeans":
        (config,) = load_config(folder / "config.yaml", [], KMeansConfig)
        return KMeansTokenizer(config, state["centroids"], tok_id)
    model_config, *_ = load_config(folder / "config.yaml", [], *CONFIGS)
    model = LMSPT(model_config)
    model.load_state_dict(state)
    return TrainedLMSPT(model, tok_id)


def _require(folder: Path, *names: str) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name}; run stage 4 (tok_train) first")
