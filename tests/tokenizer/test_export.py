"""ONNX graphs say and speak what the tokenizer does, for lengths and batches that they were not made with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch

from lmspt.bin import export_onnx
from lmspt.errors import InputError
from lmspt.tokenizer.checkpoint import load_tokenizer, save_tokenizer
from lmspt.tokenizer.config import CONFIGS, KMeansConfig, ModelConfig
from lmspt.tokenizer.decoder import InverseSTFT
from lmspt.tokenizer.encoder import PowerSpectrum
from lmspt.tokenizer.export import ConvolvedInverse, ConvolvedPower
from tests.test_start import heavy_imports
from tests.tokenizer.corpus import voiced
from tests.tokenizer.test_model import KINDS, tiny

HOP = 1280
FEW = {"encoder_layers": 1, "acoustic_codebooks": 1, "shared_encoder": True}  # an export takes seconds
EXPORTED = {
    "stft": FEW,
    "causal": {**FEW, "causal": True, "fsq_levels": [4, 4, 4]},
    "convolutions": {**KINDS["dac"], **KINDS["conv_transformer"], **FEW, "strides": [1280], "decoder_strides": [1280]},
}


@pytest.fixture(scope="module", params=EXPORTED)
def exported(request, tmp_path_factory):
    """A tokenizer, and sessions of its two graphs."""
    torch.set_num_threads(1)
    exp, out = tmp_path_factory.mktemp("exp") / "tok_tiny", tmp_path_factory.mktemp("onnx")
    model = tiny(**EXPORTED[request.param])
    save_tokenizer(exp, model.state_dict(), model.config, *(cls() for cls in CONFIGS if cls is not ModelConfig))
    export_onnx.main(["--model", str(exp), "--out", str(out)])
    assert sorted(path.name for path in out.iterdir()) == ["decode.onnx", "encode.onnx", "tokenizer.json"]
    tokenizer = load_tokenizer(exp)
    about = json.loads((out / "tokenizer.json").read_text())
    assert (about["tok_id"], about["hop_length"], len(about["streams"])) == (tokenizer.tok_id, HOP, 2)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return tokenizer, *(onnxruntime.InferenceSession(out / f"{name}.onnx", options) for name in ("encode", "decode"))


def sounds():
    speech, _ = soundfile.read(Path(__file__).with_name("speech.flac"), dtype="float32")
    return [speech, voiced(2.3, 150, 1), voiced(0.03, 120, 2)]


def test_codes_are_equal_and_speech_is_close(exported):
    tokenizer, encode, decode = exported
    wav, lengths = np.zeros((3, 29 * HOP), np.float32), np.array([len(sound) for sound in sounds()])
    for row, sound in zip(wav, sounds(), strict=True):
        row[: len(sound)] = sound
    batches = [(wav, lengths), (wav[1:2], lengths[1:2]), (wav[2:, :HOP], lengths[2:])]  # the last one is of a single frame
    for wav, lengths in batches:
        codes, frames = encode.run(None, {"wav": wav, "lengths": lengths})
        wanted, n_frames = tokenizer.encode(torch.from_numpy(wav), torch.from_numpy(lengths))
        assert np.array_equal(codes, wanted.numpy()) and frames.tolist() == n_frames.tolist()
        spoken, samples = decode.run(None, {"codes": codes, "lengths": frames})
        speech, n_samples = tokenizer.decode(wanted, n_frames)
        assert np.allclose(spoken, speech.numpy(), atol=1e-4) and samples.tolist() == n_samples.tolist()
        assert np.abs(spoken).max() > 1e-3


def test_spectra_by_convolution():
    power, istft = PowerSpectrum(160), InverseSTFT(320)
    wav = torch.randn(2, 160 * 23)
    assert torch.allclose(ConvolvedPower(power)(wav), power(wav), rtol=1e-4, atol=1e-3)
    magnitude, phase = torch.rand(2, 9, 641), 6 * torch.randn(2, 9, 641)
    assert torch.allclose(ConvolvedInverse(istft)(magnitude, phase), istft(magnitude, phase), atol=1e-5)


def test_clusters_have_no_graph(tmp_path):
    exp = tmp_path / "tok_clusters"
    config = KMeansConfig(teacher="logmel", teacher_layer=1, frame_rate=25.0, size=16)
    save_tokenizer(exp, {"centroids": torch.zeros(16, 80)}, config)
    with pytest.raises(InputError, match="only LM-SPT tokenizers are exported"):
        export_onnx.main(["--model", str(exp), "--out", str(tmp_path / "onnx")])


def test_help_is_light():
    assert heavy_imports(["export_onnx", "--help"]) == []
