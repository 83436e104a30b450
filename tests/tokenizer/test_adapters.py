"""Published tokenizers: rates, codebooks, identity, and what is refused. What all must do is in test_conformance.py."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from lmspt.bin import tok_train
from lmspt.config import load_config
from lmspt.data.tokens import TokenStore
from lmspt.errors import InputError
from lmspt.tokenizer.adapter import load_adapter, save_adapter
from lmspt.tokenizer.batches import pad
from lmspt.tokenizer.checkpoint import load_tokenizer
from lmspt.tokenizer.config import AdapterConfig
from lmspt.tokenizer.dump import dump
from lmspt.tokenizer.evaluate import resynthesise, token_report
from tests.tokenizer import codecs
from tests.tokenizer.corpus import voiced, write_corpus


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    return {"mimi": codecs.mimi(folder / "mimi"), "dac": codecs.dac(folder / "dac"), "folder": folder}


def adapted(folder, kind, weights, n_codebooks=None):
    save_adapter(folder, AdapterConfig(kind, str(weights), n_codebooks))
    return load_adapter(folder)


@pytest.mark.parametrize("kind", ["mimi", "dac"])
def test_fewer_codebooks_are_the_first_ones(weights, tmp_path, kind):
    every, two = (adapted(tmp_path / f"tok_{n}", kind, weights[kind], n) for n in (None, 2))
    assert (len(every.streams), len(two.streams), two.can_decode) == (4, 2, True)
    batch = pad([voiced(0.5, 140, 1)])
    codes, lengths = every.encode(**batch)
    assert torch.equal(two.encode(**batch)[0], codes[:, :2])
    assert torch.equal(two.decode(codes[:, :2], lengths)[0], every.decode(codes[:, :2], lengths)[0])
    with pytest.raises(InputError, match="n_codebooks 5: this tokenizer has 1 to 4"):
        adapted(tmp_path / "tok_5", kind, weights[kind], 5)


def test_another_rate_than_its_own_is_resampled(weights, tmp_path):
    """Mimi hears 24 kHz; given 16 kHz it has the same codes as given the resampled speech, and answers at 16 kHz."""
    import soxr

    slow, own = tmp_path / "tok_slow", tmp_path / "tok_own"
    save_adapter(slow, AdapterConfig("mimi", str(weights["mimi"]), 3))
    save_adapter(own, AdapterConfig("mimi", str(weights["mimi"]), 3, sample_rate=24000))
    slow, own = load_adapter(slow), load_adapter(own)
    wav = voiced(0.64, 140, 1)  # eight frames
    codes, lengths = slow.encode(**pad([wav]))
    fine, _ = own.encode(**pad([soxr.resample(wav, 16000, 24000, quality="HQ")]))
    assert (slow.frame_rate, own.frame_rate, lengths.tolist()) == (12.5, 12.5, [8]) and torch.equal(codes, fine)
    (spoken,), n = slow.decode(codes, lengths)
    (spoken_fine,), n_fine = own.decode(codes, lengths)
    assert (n.tolist(), n_fine.tolist()) == ([10240], [15360])
    assert np.allclose(soxr.resample(spoken_fine.numpy(), 24000, 16000, quality="HQ"), spoken.numpy(), atol=1e-6)


def test_a_rate_without_whole_samples_a_frame(weights, tmp_path):
    """44.1 kHz in hops of 320: 137.8125 Hz, 116.1 samples a frame at 16 kHz."""
    torch.manual_seed(0)
    tokenizer = adapted(tmp_path / "tok_dac", "dac", codecs.dac(tmp_path / "dac", sampling_rate=44100))
    assert tokenizer.frame_rate == 137.8125
    for n_samples in (1, 116, 117, 7999, 8000):
        codes, lengths = tokenizer.encode(torch.full((1, n_samples), 0.1), torch.tensor([n_samples]))
        assert lengths[0] == codes.shape[2] == int(np.ceil(n_samples * 137.8125 / 16000))
        assert 0 <= tokenizer.decode(codes, lengths)[1][0] - n_samples < 117


def test_stage_4_looks_it_up_and_stage_5_goes_on(weights, tmp_path):
    config = tmp_path / "mimi.yaml"
    config.write_text(f"tokenizer: mimi\npath: {weights['mimi']}\nn_codebooks: 3\n")
    tok_train.main(["--config", str(config), "--out", str(tmp_path / "exp/tok_mimi"), "--ngpu", "0", "--", "--n_codebooks", "2"])
    assert sorted(path.name for path in (tmp_path / "exp/tok_mimi").iterdir()) == ["config.yaml", "tok_id"]
    tokenizer = load_tokenizer(tmp_path / "exp/tok_mimi")
    assert tokenizer.tok_id == (tmp_path / "exp/tok_mimi/tok_id").read_text().strip() and len(tokenizer.streams) == 2
    data = write_corpus(tmp_path / "raw", n=3)
    assert dump(tokenizer, data, tmp_path / "tokens") == 4
    store = TokenStore(tmp_path / "tokens", tokenizer.tok_id)
    resynthesise(tokenizer, store, data.utts, tmp_path / "all", 2)
    assert token_report(tokenizer, data, store, data.utts)["bitrate"] == 12.5 * 2 * 4


def test_other_weights_are_another_tokenizer(weights, tmp_path):
    torch.manual_seed(1)
    config = AdapterConfig("dac", str(codecs.dac(tmp_path / "dac")))
    first = save_adapter(tmp_path / "tok_dac", config)
    model = tmp_path / "dac/model.safetensors"
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    with pytest.raises(InputError, match=f"have changed since {first}; move .* away and run stage 4"):
        load_tokenizer(tmp_path / "tok_dac")
    assert save_adapter(tmp_path / "tok_dac", config) != first


def test_what_is_refused(weights, tmp_path, monkeypatch):
    def refused(config, message):
        with pytest.raises(InputError, match=message):
            save_adapter(tmp_path / "tok_x", config)
        assert not (tmp_path / "tok_x").exists()

    refused(AdapterConfig("mimi"), "'path' is missing")
    refused(AdapterConfig("mimi", "nobody/nothing"), "is no folder, and not on the hub")
    refused(AdapterConfig("mimi", str(tmp_path)), r"none of config\.json, .* is there; is it a folder of mimi\?")
    refused(AdapterConfig("dac", str(weights["mimi"])), "a model of type mimi, not dac")
    refused(AdapterConfig("encodec", str(codecs.encodec(tmp_path / "stereo", audio_channels=2))), "2 channels")
    (tmp_path / "lyra").mkdir()
    (tmp_path / "lyra/quantizer.tflite").touch()
    refused(AdapterConfig("lyra", str(tmp_path / "lyra")), "soundstream_encoder.tflite: no such file; take it from")
    monkeypatch.setitem(sys.modules, "speechtokenizer", None)
    (tmp_path / "config.json").touch()
    refused(AdapterConfig("speechtokenizer", str(tmp_path)), "its own package .*: pip install speechtokenizer")
    (tmp_path / "x.yaml").write_text("tokenizer: mimi\ncodebooks: 3\n")
    with pytest.raises(InputError, match="did you mean 'n_codebooks'"):
        load_config(tmp_path / "x.yaml", [], AdapterConfig)


def test_weights_that_are_not_all_there(weights, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = codecs.dac(tmp_path / "dac")
    state = load_file(folder / "model.safetensors")
    del state["encoder.conv1.bias"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"weights of DacModel are missing, e\.g\. encoder\.conv1\.bias"):
        save_adapter(tmp_path / "tok_dac", AdapterConfig("dac", str(folder)))


def test_lyra_speaks_better_for_more_bits(tmp_path):
    folder = codecs.lyra(tmp_path)
    wav = voiced(2.0, 120, 3)
    errors = []
    for n_codebooks in (1, 8, 23):
        tokenizer = adapted(tmp_path / f"tok_{n_codebooks}", "lyra", folder, n_codebooks)
        codes, lengths = tokenizer.encode(**pad([wav]))
        spoken = tokenizer.decode(codes, lengths)[0][0, : len(wav)]
        mel = [torch.stft(w, 512, 160, window=torch.hann_window(512), return_complex=True).abs().clamp_min(1e-3).log()
               for w in (torch.from_numpy(wav), spoken)]  # fmt: skip
        errors.append((mel[0] - mel[1]).abs().mean().item())
    assert errors[0] > errors[1] > errors[2], errors
