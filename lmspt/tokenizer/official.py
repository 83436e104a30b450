"""The released LM-SPT (``kakaocorp/lmspt`` on the Hugging Face hub, CC BY-NC 4.0): its safetensors as a model of ours.

The file names parts by their place in a sequence and says nothing of shapes, but every shape follows from its tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, takewhile
from math import prod
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lmspt.errors import InputError
from lmspt.tokenizer.config import ModelConfig
from lmspt.tokenizer.model import LMSPT

HUB = "kakaocorp/lmspt"
FILE = "lmspt_12d5hz_16384_4096.safetensors"
SAMPLE_RATE = 24000  # Hz, the one thing that no tensor tells

TENSORS = {
    "weight_g": ".parametrizations.weight.original0",
    "weight_v": ".parametrizations.weight.original1",
    "bias": ".bias",
    "alpha": ".alpha",
    "weight": "",  # of a codebook
}
USAGE = ("quantizer.semantic_vocab_usage", "quantizer.acoustic_vocab_usage")  # a record of the training, for no one to read


def find_official(name: str | Path) -> Path | None:
    """The released file: ``name`` itself, in the folder ``name``, or from the hub under the name ``kakaocorp/lmspt``.

    Returns:
        None if ``name`` is none of these.

    Raises:
        InputError: the hub cannot be reached and its cache does not hold the file.
    """
    path = Path(name)
    if path.suffix == ".safetensors":
        return path
    if (path / FILE).is_file():
        return path / FILE
    if str(name) != HUB:
        return None
    try:
        return Path(hf_hub_download(HUB, FILE))
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{HUB}: not on this machine and no download ({reason}); fetch {FILE} and give its path") from None


def read_official(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Config and state dict of :class:`lmspt.tokenizer.model.LMSPT` that the file ``path`` amounts to.

    Raises:
        InputError: no such file, or one with tensors that a released LM-SPT lacks, or without some that it has.
    """
    try:
        released = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: not readable as safetensors ({error})") from None
    try:
        config = _config(released)
        modules = {theirs: ours for ours, theirs in _modules(config)}
        names = {
            modules[name.rpartition(".")[0]] + TENSORS[name.rpartition(".")[2]]: name for name in released if name not in USAGE
        }
    except KeyError as error:
        raise InputError(f"{path}: {error} is not what a released LM-SPT has there; is it {FILE} of {HUB}?") from None
    with torch.device("meta"):
        wanted = LMSPT(config).state_dict()
    state = {name: torch.zeros(tensor.shape) for name, tensor in wanted.items() if name.endswith(".count")}  # of training alone
    for ours in sorted(wanted.keys() - state.keys()):
        if ours not in names or released[names[ours]].numel() != wanted[ours].numel():
            raise InputError(f"{path}: no tensor for {ours} {tuple(wanted[ours].shape)}; fetch {FILE} of {HUB} again")
        # a convolution of one tap is a linear layer of ours
        state[ours] = released[names[ours]].reshape(wanted[ours].shape)
    return config, state


def _config(released: dict[str, Tensor]) -> ModelConfig:
    """The shape of a released model.

    Raises:
        KeyError: a tensor that every one has.
    """

    def strides(part: str, place: int) -> list[int]:
        names = (f"{part}.{block}.block.{place}.weight_v" for block in count(1))
        return [released[name].shape[2] // 2 for name in takewhile(released.__contains__, names)]  # of 2 strides of taps each

    down, up, aux = strides("semantic_encoder.block", 4), strides("decoder.model", 1), strides("aux_decoder.model", 1)
    acoustic = sum(name.startswith("quantizer.rvq_rest.") and name.endswith(".codebook.weight") for name in released)
    semantic_size, code_dim = released["quantizer.rvq_first.quantizers.0.codebook.weight"].shape
    frame_rate = SAMPLE_RATE / prod(down)
    return ModelConfig(
        sample_rate=SAMPLE_RATE,
        frame_rate=frame_rate,
        dim=released[f"semantic_encoder.block.{len(down) + 2}.weight_v"].shape[0],
        encoder="dac",
        encoder_dim=released["semantic_encoder.block.0.weight_v"].shape[0],
        strides=down,
        decoder="dac",
        decoder_dim=released["decoder.model.0.weight_v"].shape[0],
        decoder_strides=up,
        aux_dim=released["aux_decoder.model.0.weight_v"].shape[0],
        aux_strides=aux,
        aux_sample_rate=int(frame_rate * prod(aux)),
        quantizer="gradient",
        semantic_size=semantic_size,
        acoustic_codebooks=acoustic,
        acoustic_size=released["quantizer.rvq_rest.quantizers.0.codebook.weight"].shape[0],
        code_dim=code_dim,
    )


def _modules(config: ModelConfig) -> Iterator[tuple[str, str]]:
    """Our name and theirs of every module that holds tensors."""
    for encoder in ("semantic_encoder", "acoustic_encoder"):
        yield from _chain(encoder, f"{encoder}.block", len(config.strides), ["units.0", "units.1", "units.2", "snake", "down"])
    for decoder, strides in (("decoder", config.decoder_strides), ("aux_decoder", config.aux_strides)):
        yield from _chain(decoder, f"{decoder}.model", len(strides), ["snake", "up", "units.0", "units.1", "units.2"])
    quantizers = [("semantic_quantizer", "quantizer.rvq_first.quantizers.0")]
    quantizers += [
        (f"acoustic_quantizer.stages.{n}", f"quantizer.rvq_rest.quantizers.{n}") for n in range(config.acoustic_codebooks)
    ]
    for ours, theirs in quantizers:
        for part, place in (("project_in", "in_proj"), ("project_out", "out_proj"), ("codebook", "codebook")):
            yield f"{ours}.{part}", f"{theirs}.{place}"


def _chain(ours: str, theirs: str, n_blocks: int, parts: list[str]) -> Iterator[tuple[str, str]]:
    """An encoder or decoder: a stem, blocks of ``parts``, a nonlinearity and a head."""
    yield f"{ours}.stem", f"{theirs}.0"
    for block in range(n_blocks):
        for place, part in enumerate(parts):
            inside = f"{ours}.blocks.{block}.{part}", f"{theirs}.{block + 1}.block.{place}"
            if not part.startswith("units"):
                yield inside
                continue
            for step, layer in enumerate(("snake", "dilated", "snake2", "pointwise")):
                yield f"{inside[0]}.{layer}", f"{inside[1]}.block.{step}"
    yield f"{ours}.snake", f"{theirs}.{n_blocks + 1}"
    yield f"{ours}.head", f"{theirs}.{n_blocks + 2}"
