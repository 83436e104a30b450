"""The published shapes: their parameters are counted, and a step of training takes a real second of speech."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import soxr
import torch

from lmspt.config import load_config
from lmspt.tokenizer.config import CONFIGS
from lmspt.tokenizer.model import LMSPT
from tests.utils.shell import ROOT

CONF = ROOT / "egs/librispeech/slm1/conf/tok"
NAMES = ("v1_25hz", "v1_12.5hz", "v1_6.25hz", "v2")


def shape(name):
    return load_config(CONF / f"{name}.yaml", [], *CONFIGS)[0]


def millions(module):
    return sum(p.numel() for p in module.parameters()) / 1e6


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_the_papers(name):
    with torch.device("meta"):
        model = LMSPT(shape(name))
    print(f"{name}: {millions(model):.2f} M parameters")
    if name == "v2":
        parts = (model, model.semantic_encoder, model.acoustic_encoder, model.decoder, model.aux_decoder)
        assert [round(millions(part), 2) for part in parts] == [74.65, 16.24, 16.24, 40.45, 1.22]
    else:  # what the source fixes; the total of 99.7 M holds guesses
        assert millions(model.aux_decoder) == pytest.approx(2.4, abs=0.05)
        assert millions(model.acoustic_encoder) == pytest.approx(22, abs=0.5)
        assert millions(model) == pytest.approx(99.7, rel=0.03)


@pytest.mark.parametrize(("name", "frames"), list(zip(NAMES, (25, 13, 7, 13), strict=True)))
def test_a_second_of_speech_trains_every_part(name, frames):
    torch.manual_seed(0)
    model = LMSPT(shape(name))
    speech, rate = soundfile.read(Path(__file__).with_name("speech.flac"), dtype="float32")
    wav = torch.from_numpy(soxr.resample(speech, rate, model.config.sample_rate))[None]
    output = model(wav, torch.tensor([wav.shape[1]]), torch.tensor([7]))
    assert output.wav.shape == wav.shape and output.aux_wav.shape == (1, 16000) and output.codes.shape == (1, 8, frames)
    ((output.wav - wav).abs().mean() + output.aux_wav.square().mean() + output.commitment).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()]
    assert silent == []
