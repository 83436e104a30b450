"""tokenize, detokenize, speak, transcribe and the Python API, on a small packed model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from lmspt.bin import detokenize, speak, tokenize, transcribe
from lmspt.data.audio import write_wav
from lmspt.errors import InputError
from tests.test_start import heavy_imports
from tests.tokenizer.corpus import voiced


@dataclass
class World:
    """A packed model's folder, and one with recordings ``a.flac``, ``sub/b.wav`` (44.1 kHz, stereo) and a note."""

    model: Path
    sounds: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    from lmspt.slm.checkpoint import save_slm
    from lmspt.slm.config import CONFIGS
    from lmspt.slm.text import train_pieces
    from lmspt.tokenizer.checkpoint import save_tokenizer
    from lmspt.tokenizer.config import CONFIGS as TOK_CONFIGS
    from lmspt.tokenizer.config import ModelConfig
    from tests.slm.toy import CONFIG, WORDS, toy_model
    from tests.tokenizer.test_model import tiny

    folder = tmp_path_factory.mktemp("world")
    packed, sounds = folder / "slm_toy", folder / "sounds"
    network = tiny(semantic_size=16, acoustic_codebooks=2, acoustic_size=8)
    save_tokenizer(packed / "tokenizer", network.state_dict(), network.config, *(c() for c in TOK_CONFIGS if c is not ModelConfig))
    model = toy_model()
    (packed / "tokenizer/tok_id").write_text(model.vocab.tok_id + "\n")
    save_slm(packed / "slm", model, (CONFIG, *(cls() for cls in CONFIGS[1:])), packed / "tokenizer")
    train_pieces([" ".join(WORDS)], 10, packed / "slm/text.model")
    write_wav(sounds / "a.flac", voiced(1.0, 120, 0), 16000)
    fine = soxr.resample(voiced(1.3, 160, 1), 16000, 44100)
    (sounds / "sub").mkdir()
    soundfile.write(sounds / "sub/b.wav", np.stack([fine, fine], axis=1), 44100)
    (sounds / "notes.txt").write_text("no sound\n")
    return World(packed, sounds)


def run(command, *words: object) -> None:
    command.main([str(word) for word in words])


@pytest.mark.parametrize("command", ["tokenize", "detokenize", "transcribe", "speak"])
def test_help_is_light(command: str) -> None:
    assert heavy_imports([command, "--help"]) == []


def test_tokens_of_files_and_back(world: World, tmp_path: Path) -> None:
    from lmspt import Tokenizer

    tokenizer = Tokenizer.from_pretrained(world.model)
    run(tokenize, world.sounds, "--model", world.model, "--out", tmp_path / "codes")
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*")) == [
        "codes/a.npy", "codes/sub/b.npy", "codes/tokenizer.json",
    ]  # fmt: skip
    a, b = (np.load(tmp_path / "codes" / name) for name in ("a.npy", "sub/b.npy"))
    assert (a.shape, b.shape, a.dtype) == ((3, 13), (3, 17), np.int32)
    assert np.array_equal(a, tokenizer.encode(world.sounds / "a.flac"))
    assert np.array_equal(a, tokenizer.encode(soundfile.read(world.sounds / "a.flac", dtype="float32")[0]))
    run(detokenize, tmp_path / "codes", "--model", world.model, "--out", tmp_path / "wavs")
    wav, rate = soundfile.read(tmp_path / "wavs/sub/b.wav", dtype="float32")
    assert (rate, len(wav)) == (16000, 17 * 1280)
    assert np.allclose(wav, tokenizer.decode(b).clip(-1, 1), atol=1 / 32768)


def test_a_token_store_goes_on(world: World, tmp_path: Path) -> None:
    out = ("--model", world.model, "--out", tmp_path / "store", "--format", "arrow")
    run(tokenize, world.sounds / "a.flac", *out)
    run(tokenize, world.sounds / "a.flac", world.sounds / "sub/b.wav", *out)
    run(detokenize, tmp_path / "store", "--model", world.model, "--out", tmp_path / "wavs")
    assert sorted(path.name for path in (tmp_path / "wavs").iterdir()) == ["a.wav", "b.wav"]


def test_one_bad_file_does_not_stop_the_others(world: World, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"1 files were left out:\n.*broken\.wav"):
        run(tokenize, tmp_path / "broken.wav", world.sounds, "--model", world.model, "--out", tmp_path / "codes")
    assert (tmp_path / "codes/a.npy").is_file() and (tmp_path / "codes/sub/b.npy").is_file()


def test_what_was_spoken_is_transcribed(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from lmspt import SpeechLM
    from lmspt.slm.config import SamplingConfig

    (tmp_path / "decode.yaml").write_text("temperature: 100.0\n")  # the toy's own choice is always the same
    model = ("--model", world.model, "--config", tmp_path / "decode.yaml")
    for name, seed in (("out", 0), ("again", 0), ("other", 1)):
        run(speak, *model, "three one two", "--speaker", "ann", tmp_path / f"{name}.wav", "--seed", seed)
    out, again, other = ((tmp_path / f"{name}.wav").read_bytes() for name in ("out", "again", "other"))
    assert out == again != other
    assert re.search(r"out\.wav: \d+\.\d\d s", capsys.readouterr().out)
    run(transcribe, tmp_path / "out.wav", world.sounds, "--model", world.model)
    lines = dict(line.partition(" ")[::2] for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["a", "out", "sub/b"]
    model = SpeechLM.from_pretrained(world.model)
    assert model.transcribe(tmp_path / "out.wav") == lines["out"]
    wav = model.speak("three one two", speaker="ann", sampling=SamplingConfig(temperature=100.0))
    assert np.allclose(soundfile.read(tmp_path / "out.wav", dtype="float32")[0], wav.clip(-1, 1), atol=1 / 32768)
    pieces = list(model.speak_live("three one two", speaker="ann", sampling=SamplingConfig(temperature=100.0)))
    assert np.allclose(np.concatenate(pieces), wav, atol=1e-4)
    with pytest.raises(InputError, match="speaker 'eve'"):
        model.speak_live("three one two", speaker="eve")


def test_a_model_moved_elsewhere(world: World, tmp_path: Path) -> None:
    from lmspt import SpeechLM

    moved = world.model.rename(tmp_path / "elsewhere")
    try:
        assert SpeechLM.from_pretrained(moved).speakers == ("ann", "bob")
    finally:
        moved.rename(world.model)


def test_samples_of_any_kind(world: World) -> None:
    """What libraries that read audio give: float32, float64, int16; a click, too."""
    from lmspt import Tokenizer

    tokenizer, wav = Tokenizer.from_pretrained(world.model), (np.round(voiced(0.5, 120, 0) * 2**15) / 2**15).astype(np.float32)
    codes = tokenizer.encode(wav)
    assert np.array_equal(tokenizer.encode(wav.astype(np.float64)), codes)
    assert np.array_equal(tokenizer.encode((wav * 2**15).astype(np.int16)), codes)
    assert tokenizer.encode(wav[:100]).shape == (len(codes), 1)
    assert not torch.backends.cudnn.allow_tf32, "on a GPU the codes would be others"
    for bad, message in ((np.stack([wav, wav]), "one channel"), (wav[:0], "no samples"), (wav > 0, "type bool")):
        with pytest.raises(InputError, match=message):
            tokenizer.encode(bad)


def test_what_is_refused(world: World, tmp_path: Path) -> None:
    from lmspt import SpeechLM, Tokenizer

    model, tokenizer = SpeechLM.from_pretrained(world.model), Tokenizer.from_pretrained(world.model)
    for words, message in (
        (("one", "eve"), "speaker 'eve': the model knows ann, bob"),
        (("", "ann"), "nothing to say"),
    ):
        with pytest.raises(InputError, match=message):
            model.speak(*words)
    for codes, message in (
        (np.zeros((4, 3), int), r"codes of shape \(4, 3\): toy-1 has \(1 to 3 streams, frames\)"),
        (np.full((2, 3), 9), "codes from 9 to 9 in stream 1: toy-1 has 8 there"),
    ):
        with pytest.raises(InputError, match=message):
            tokenizer.decode(codes)
    with pytest.raises(InputError, match="no slm/ in it; unpack an archive"):
        SpeechLM.from_pretrained(world.model / "slm")


def test_a_name_that_is_no_recording(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"out.mp3: audio is written as .wav or .flac"):
        run(speak, "one", tmp_path / "out.mp3", "--model", tmp_path / "nowhere")


def test_codes_below_a_model_of_another_program(world: World, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", "model": {}}')
    run(tokenize, world.sounds, "--model", world.model, "--out", tmp_path / "codes")
    (tmp_path / "codes/tokenizer.json").unlink()
    run(detokenize, tmp_path / "codes", "--model", world.model, "--out", tmp_path / "wavs")
    assert (tmp_path / "wavs/a.wav").is_file()
    with pytest.raises(InputError, match=r"tokenizer.json: is another program's"):
        run(tokenize, world.sounds, "--model", world.model, "--out", tmp_path)


def test_codes_of_another_tokenizer(world: World, tmp_path: Path) -> None:
    run(tokenize, world.sounds / "a.flac", "--model", world.model, "--out", tmp_path / "codes")
    meta = tmp_path / "codes/tokenizer.json"
    meta.write_text(meta.read_text().replace("toy-1", "toy-2"))
    for command, words in (
        (tokenize, (world.sounds / "a.flac", "--out", tmp_path / "codes")),
        (detokenize, (tmp_path / "codes", "--out", tmp_path / "wavs")),
    ):
        with pytest.raises(InputError, match="codes of 'toy-2'"):
            run(command, *words, "--model", world.model)


def test_files_that_are_not_codes(world: World, tmp_path: Path) -> None:
    np.save(tmp_path / "wav.npy", np.zeros(16000, np.float32))
    with pytest.raises(InputError, match=r"wav\.npy: holds float32 of shape \(16000,\); codes are whole numbers"):
        run(detokenize, tmp_path / "wav.npy", "--model", world.model, "--out", tmp_path / "wavs")
