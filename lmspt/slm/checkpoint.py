"""A trained speech language model on disk: ``config.yaml``, ``backbone.json``, ``vocab.json``, text units, weights, and where
its tokenizer lies."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from lmspt.config import load_config, save_config
from lmspt.errors import InputError
from lmspt.files import atomic, write_json, write_text
from lmspt.slm.config import CONFIGS
from lmspt.slm.model import SpeechLM
from lmspt.slm.vocab import load_vocabulary


def save_slm(folder: Path, model: SpeechLM, configs: tuple, tokenizer: Path) -> None:
    """Write all but the text units, which training has put there; the weights last, since they say that it is whole."""
    save_config(folder / "config.yaml", *configs)
    model.vocab.save(folder / "vocab.json")
    write_json(folder / "backbone.json", model.backbone.config.to_dict())
    write_text(folder / "tokenizer", f"{tokenizer}\n")
    state = model.state_dict()
    if model.tied:
        del state["head.weight"]
    with atomic(folder / "model.safetensors") as temporary:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, temporary)


def load_slm(folder: Path) -> SpeechLM:
    """The trained model of an experiment folder, in eval mode.

    Raises:
        InputError: the folder holds no finished model.
    """
    for name in ("config.yaml", "backbone.json", "vocab.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name}; run stage 8 (slm_train) first")
    config, *_ = load_config(folder / "config.yaml", [], *CONFIGS)
    backbone = json.loads((folder / "backbone.json").read_text(encoding="utf-8"))
    model = SpeechLM(config, load_vocabulary(folder / "vocab.json"), AutoConfig.for_model(**backbone))
    state = load_file(folder / "model.safetensors")
    if model.tied:
        state["head.weight"] = state["embedding.weight"]
    model.load_state_dict(state)
    return model.eval()
