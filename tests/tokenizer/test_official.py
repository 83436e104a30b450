"""The released LM-SPT, without its weights: tensors of its names and shapes, and its computation written again here."""

from __future__ import annotations

from math import ceil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from lmspt.errors import InputError
from lmspt.tokenizer.checkpoint import load_tokenizer, save_tokenizer
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.official import FILE, read_official
from tests.tokenizer.released import AUX, DOWN, UP, released, small_release


class Reference:
    """The released model's computation, of one utterance of whole frames."""

    def __init__(self, state):
        self.state = state

    def weight(self, name):
        direction = self.state[f"{name}.weight_v"]
        return self.state[f"{name}.weight_g"] * direction / direction.flatten(1).norm(dim=1)[:, None, None]

    def conv(self, x, name, **kw):
        return F.conv1d(x, self.weight(name), self.state[f"{name}.bias"], **kw)

    def snake(self, x, name):
        alpha = self.state[f"{name}.alpha"]
        return x + torch.sin(alpha * x) ** 2 / (alpha + 1e-9)

    def units(self, x, name, first):
        for unit, dilation in zip(range(first, first + 3), (1, 3, 9), strict=True):
            y = self.snake(x, f"{name}.{unit}.block.0")
            y = self.conv(y, f"{name}.{unit}.block.1", dilation=dilation, padding=3 * dilation)
            x = x + self.conv(self.snake(y, f"{name}.{unit}.block.2"), f"{name}.{unit}.block.3")
        return x

    def encoder(self, wav, stream):
        name = f"{stream}_encoder.block"
        x = self.conv(wav, f"{name}.0", padding=3)
        for block, stride in enumerate(DOWN, 1):
            x = self.snake(self.units(x, f"{name}.{block}.block", 0), f"{name}.{block}.block.3")
            x = self.conv(x, f"{name}.{block}.block.4", stride=stride, padding=ceil(stride / 2))
        return self.conv(self.snake(x, f"{name}.6"), f"{name}.7", padding=1)

    def decoder(self, x, part, strides):
        name = f"{part}.model"
        x = self.conv(x, f"{name}.0", padding=3)
        for block, stride in enumerate(strides, 1):
            up = f"{name}.{block}.block.1"
            x = self.snake(x, f"{name}.{block}.block.0")
            x = F.conv_transpose1d(x, self.weight(up), self.state[f"{up}.bias"], stride=stride, padding=ceil(stride / 2))
            x = self.units(x, f"{name}.{block}.block", 2)
        return self.conv(self.snake(x, f"{name}.{len(strides) + 1}"), f"{name}.{len(strides) + 2}", padding=3).tanh()[0, 0]

    def code(self, z, name):
        vectors, book = self.conv(z, f"quantizer.{name}.in_proj")[0].T, self.state[f"quantizer.{name}.codebook.weight"]
        return torch.cdist(F.normalize(vectors), F.normalize(book)).argmin(1)

    def latents(self, codes, name):
        return self.conv(self.state[f"quantizer.{name}.codebook.weight"][codes].T[None], f"quantizer.{name}.out_proj")

    def encode(self, wav):
        codes = [self.code(self.encoder(wav, "semantic"), "rvq_first.quantizers.0")]
        left = self.encoder(wav, "acoustic") - self.latents(codes[0], "rvq_first.quantizers.0")
        for n in range(7):
            codes.append(self.code(left, f"rvq_rest.quantizers.{n}"))
            left = left - self.latents(codes[-1], f"rvq_rest.quantizers.{n}")
        return torch.stack(codes)

    def quantized(self, codes):
        names = ["rvq_first.quantizers.0", *(f"rvq_rest.quantizers.{n}" for n in range(7))]
        return sum(self.latents(row, name) for row, name in zip(codes, names, strict=False))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A released file of a small width, and its state."""
    path = small_release(tmp_path_factory.mktemp("released")) / FILE
    return path, load_file(path)


@pytest.fixture(scope="module")
def tokenizer(small):
    return load_tokenizer(small[0])


def test_names_and_shapes_of_the_release_are_ours(tmp_path):
    """At full width and without numbers: every tensor finds its place, none is left over or missing."""
    path = tmp_path / FILE
    save_file(released(32, 1024, 1536, 128, 16384, 4096, lambda *shape: torch.zeros(*shape, dtype=torch.float16)), path)
    config, state = read_official(path)
    with torch.device("meta"):
        model = LMSPT(config)
    assert {name: tensor.shape for name, tensor in state.items()} == {n: t.shape for n, t in model.state_dict().items()}
    assert (config.sample_rate, config.frame_rate, config.aux_rate) == (24000, 12.5, 16000)
    assert [stream.size for stream in model.streams] == [16384, *7 * [4096]]
    assert (config.strides, config.decoder_strides, config.aux_strides) == (list(DOWN), list(UP), list(AUX))


@torch.inference_mode()
def test_codes_and_speech_are_the_released_model_s(small, tokenizer):
    reference = Reference(small[1])
    wav = torch.randn(1, 5 * 1920, generator=torch.Generator().manual_seed(1))
    codes, frames = tokenizer.encode(wav, torch.tensor([wav.shape[1]]))
    assert frames.tolist() == [5] and len(codes[0].unique()) > 8
    assert torch.equal(codes[0], reference.encode(wav[:, None]))
    expected = reference.decoder(reference.quantized(codes[0]), "decoder", UP)
    assert expected.shape == (5 * 1920 - 4,) and expected.std() > 0.05
    spoken, samples = tokenizer.decode(codes, frames)
    assert samples.tolist() == [5 * 1920] and torch.allclose(spoken[0, :-4], expected, atol=1e-5)
    from_semantic, _ = tokenizer.decode(codes[:, :1], frames)
    assert torch.allclose(from_semantic[0, :-4], reference.decoder(reference.quantized(codes[0, :1]), "decoder", UP), atol=1e-5)
    aux, samples = tokenizer.decode_aux(codes, frames)
    assert tokenizer.aux_sample_rate == 16000 and samples.tolist() == [5 * 1280]
    assert torch.allclose(aux[0, :-4], reference.decoder(reference.quantized(codes[0, :1]), "aux_decoder", AUX), atol=1e-5)


def test_a_folder_will_do_and_the_id_is_of_the_weights(small, tokenizer):
    again = load_tokenizer(small[0].parent)
    assert again.tok_id == tokenizer.tok_id and again.tok_id.startswith("lmspt_12d5hz_16384_4096-")


def test_exported_as_ours_it_is_the_same(small, tokenizer, tmp_path):
    config, state = read_official(small[0])
    folder = tmp_path / "tok_released"
    tok_id = save_tokenizer(folder, state, config)
    assert all(torch.equal(state[name], tensor) for name, tensor in load_file(folder / "model.safetensors").items())
    exported = load_tokenizer(folder)
    assert exported.tok_id == tok_id and f"# {tok_id}" in (folder / "README.md").read_text()
    codes, frames = tokenizer.encode(torch.randn(2, 4000), torch.tensor([4000, 3000]))
    assert all(torch.equal(a, b) for a, b in zip(exported.decode(codes, frames), tokenizer.decode(codes, frames), strict=True))


def test_another_file_is_refused(small, tmp_path):
    path = tmp_path / "other.safetensors"
    with pytest.raises(InputError, match=r"other\.safetensors: not readable"):
        read_official(path)
    state = dict(small[1])
    save_file({**state, "decoder.model.9.bias": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"'decoder\.model\.9' is not what a released LM-SPT has"):
        read_official(path)
    del state["acoustic_encoder.block.3.block.4.bias"]
    save_file(state, path)
    with pytest.raises(InputError, match=r"no tensor for acoustic_encoder\.blocks\.2\.down\.bias \(32,\)"):
        read_official(path)


def test_without_the_network_the_hub_s_name_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=f"kakaocorp/lmspt: .*fetch {FILE} and give its path"):
        load_tokenizer("kakaocorp/lmspt")
