"""``--ngpu``: without a GPU a clear error; with what stands for one, every tensor follows its model, and results are the CPU's."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lmspt.data.datadir import DataDir
from lmspt.data.features import read_features
from lmspt.data.tokens import TokenStore
from lmspt.device import device_of, inference_device, on_device
from lmspt.errors import InputError
from lmspt.score.judge import Judge
from lmspt.slm.config import SamplingConfig
from lmspt.slm.generate import speak, transcribe
from lmspt.tokenizer.adapter import AdaptedTokenizer, first_codebooks
from lmspt.tokenizer.batches import pad
from lmspt.tokenizer.checkpoint import TrainedLMSPT, load_tokenizer
from lmspt.tokenizer.config import ADAPTERS, KMeansConfig
from lmspt.tokenizer.evaluate import resynthesise
from lmspt.tokenizer.kmeans import dump_teacher_features
from lmspt.tokenizer.long import decode_long, encode_long
from lmspt.train.config import TrainConfig
from lmspt.train.engine import fit
from tests.slm.toy import toy_model
from tests.stub_gpu import DEVICE, stand_in
from tests.tokenizer.corpus import voiced, write_corpus
from tests.tokenizer.test_conformance import make
from tests.tokenizer.test_model import KINDS, tiny

COMMANDS = {
    "dump_features": ["--config", "c", "--data", "d", "--out", "o"],
    "tok_dump": ["--tokenizer", "t", "--data", "d", "--out", "o"],
    "tok_eval": ["--tokenizer", "t", "--data", "d", "--tokens", "t", "--out", "o"],
    "asr_decode": ["--slm", "s", "--tokens", "t", "--out", "o"],
    "tts_decode": ["--slm", "s", "--tokenizer", "t", "--data", "d", "--out", "o"],
    "tokenize": ["in.wav", "--model", "m", "--out", "o"],
    "detokenize": ["codes", "--model", "m", "--out", "o"],
    "transcribe": ["in.wav", "--model", "m"],
    "speak": ["one", "out.wav", "--model", "m"],
}
WAVS = [voiced(0.9, 120, 0), voiced(0.4, 160, 1)]


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    return write_corpus(tmp_path_factory.mktemp("corpus"), n=3)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_gpu(no_gpu: None, command: str) -> None:
    with pytest.raises(InputError, match=r"--ngpu 1: torch \S+ (was built|finds no GPU).*--ngpu 0 computes on the CPU"):
        import_module(f"lmspt.bin.{command}").main([*COMMANDS[command], "--ngpu", "1"])


@pytest.mark.parametrize(
    ("cuda", "said"), [(None, "built without CUDA .tools/setup.sh"), ("13.0", "finds no GPU .does nvidia-smi")]
)
def test_why_there_is_no_gpu(no_gpu: None, monkeypatch: pytest.MonkeyPatch, cuda: str | None, said: str) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    with pytest.raises(InputError, match=said):
        device_of(1)


def test_training_without_a_gpu(no_gpu: None, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--ngpu 1: torch"):
        fit(torch.nn.Linear(2, 2), None, None, TrainConfig(ngpu=1), tmp_path)


def test_judge_without_a_gpu(no_gpu: None) -> None:
    with pytest.raises(InputError, match="--ngpu 1: torch"):
        Judge("whisper-base", 1, ngpu=1)


def test_cpu() -> None:
    before = torch.get_num_threads()
    try:
        assert inference_device(0, 1) == torch.device("cpu") and torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_the_stand_in_is_as_strict_as_a_gpu() -> None:
    with stand_in() as device:
        there, here = torch.arange(3.0).to(device), torch.ones(3)
        assert there.device == DEVICE and (there + 1).device == DEVICE and torch.zeros(2, device=device).device == DEVICE
        assert (there * torch.tensor(2.0)).tolist() == [0, 2, 4] and torch.tensor([4.0], device=device).item() == 4
        for mix in (torch.add, torch.dot, lambda *both: torch.cat(both)):
            with pytest.raises(RuntimeError, match="same device"):
                mix(there, here)
        with pytest.raises((TypeError, RuntimeError)):
            there.numpy()
        assert type(there.cpu()) is torch.Tensor and np.array_equal(there.cpu().numpy(), [0, 1, 2])


def test_on_device() -> None:
    def function(x: torch.Tensor, *, y: torch.Tensor | None) -> tuple:
        assert x.device == DEVICE and (y is None or y.device == DEVICE)
        return [x + 1], y, "word"

    with stand_in() as device:
        (x,), y, word = on_device(function, device)(torch.ones(2), y=torch.zeros(1))
    assert type(x) is torch.Tensor and x.tolist() == [2, 2] and y.tolist() == [0] and word == "word"


def same(here: object, there: object) -> None:
    """Do two tokenizers, on the CPU and on the stand-in, give the same?"""
    codes, lengths = here.encode(**pad(WAVS))
    theirs = there.encode(**pad(WAVS))
    assert all(type(tensor) is torch.Tensor for tensor in theirs)
    assert torch.equal(theirs[0], codes) and torch.equal(theirs[1], lengths)
    if here.can_decode:
        (wav, samples), (their_wav, their_samples) = here.decode(codes, lengths), there.decode(codes, lengths)
        assert torch.allclose(their_wav, wav, atol=1e-6) and torch.equal(their_samples, samples)


@pytest.mark.parametrize("kind", sorted({*ADAPTERS} - {"lyra"}))  # Lyra is not of torch
def test_published_tokenizers(tmp_path: Path, kind: str) -> None:
    exp = make(kind, tmp_path)
    here, other = load_tokenizer(exp), load_tokenizer(exp)  # loading makes tensors on "meta" of its own
    with stand_in() as device:
        same(here, AdaptedTokenizer(other.codec, other.sample_rate, other.tok_id, device))


def test_what_is_not_of_torch_stays_on_the_cpu() -> None:
    codec = SimpleNamespace(sample_rate=16000, hop_length=320, streams=first_codebooks(1, 1, 8), decode=None)
    codec.encode = lambda wav: torch.from_numpy(wav.numpy().reshape(1, -1, 320)[:, :, 0] > 0).long()
    codes, _ = AdaptedTokenizer(codec, 16000, "toy-0", DEVICE).encode(**pad(WAVS))
    assert type(codes) is torch.Tensor and codes.device.type == "cpu"


def test_clusters(tmp_path: Path) -> None:
    exp = make("kmeans", tmp_path)
    with stand_in() as device:
        same(load_tokenizer(exp), load_tokenizer(exp, device))


@pytest.mark.parametrize("kind", KINDS)
def test_our_parts(kind: str) -> None:
    model = tiny(**KINDS[kind])
    here = TrainedLMSPT(model.config, model.state_dict(), "toy-0")
    with stand_in() as device:
        there = TrainedLMSPT(model.config, model.state_dict(), "toy-0", device)
        same(here, there)
        codes = encode_long(there, torch.from_numpy(WAVS[0]), window=0.3, context=0.2)
        assert torch.equal(codes, encode_long(here, torch.from_numpy(WAVS[0]), window=0.3, context=0.2))
        assert torch.allclose(decode_long(there, codes, 0.3, 0.2), decode_long(here, codes, 0.3, 0.2), atol=1e-6)
        aux = [tokenizer.decode_aux(codes[None], torch.tensor([codes.shape[1]]))[0] for tokenizer in (here, there)]
        assert torch.allclose(*aux, atol=1e-6)


@pytest.mark.parametrize("teacher", ["whisper-tiny.en", "wakehubert-tiny"])
def test_teacher_features(tmp_path: Path, corpus: DataDir, teacher: str) -> None:
    config = KMeansConfig(teacher=teacher, teacher_layer=1)
    with stand_in() as device:
        for place in ("cpu", device):
            dump_teacher_features(config, corpus, tmp_path / str(place), place)
    theirs = dict(read_features(tmp_path / str(DEVICE)))
    for utt, feats in read_features(tmp_path / "cpu"):
        assert np.allclose(feats, theirs[utt], atol=1e-3)


def test_tok_dump_and_eval(tmp_path: Path, corpus: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    from lmspt.bin import tok_dump

    exp = make("lmspt", tmp_path)
    for ngpu in ("0", "1"):
        words = ["--tokenizer", exp, "--data", corpus.folder, "--out", tmp_path / ngpu, "--num_threads", 1, "--ngpu", ngpu]
        with stand_in() as device:
            monkeypatch.setattr("lmspt.device.device_of", lambda ngpu, there=device: there if ngpu else torch.device("cpu"))
            tok_dump.main([*map(str, words)])
            tokens, tokenizer = TokenStore(tmp_path / ngpu), load_tokenizer(exp, device if ngpu == "1" else "cpu")
            resynthesise(tokenizer, tokens, corpus.utts, tmp_path / f"wavs{ngpu}", 2)
    here, there = (TokenStore(tmp_path / ngpu) for ngpu in ("0", "1"))
    assert all(np.array_equal(here[utt], there[utt]) for utt in corpus.utts)
    for path in (tmp_path / "wavs0/wav").iterdir():
        assert path.read_bytes() == (tmp_path / "wavs1/wav" / path.name).read_bytes()


@pytest.mark.parametrize("pattern", ["delay", "coarse_first"])
def test_language_model(pattern: str) -> None:
    heard = [np.array([1, 2, 3, 4, 5]), np.array([7])]
    drawn = SamplingConfig(temperature=0.9, top_k=5, top_p=0.9)
    voices = [np.array([[3, 4, 5], [1, 2, 3], [0, 0, 0]]), None]
    said = {}
    with stand_in() as device:
        for place in (torch.device("cpu"), device):
            model = toy_model(seed=3, pattern=pattern, voice_seconds=0.16).to(place)
            written = transcribe(model, heard, max_units=12)
            said[place] = written, speak(model, [[1, 2], [3]], [266, 3], [11, 12], drawn, voices)
    (texts, speech), (their_texts, their_speech) = said.values()
    assert their_texts == texts
    for (codes, ended), (their_codes, their_end) in zip(speech, their_speech, strict=True):
        assert np.array_equal(codes, their_codes) and ended == their_end
