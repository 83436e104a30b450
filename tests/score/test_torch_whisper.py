"""torch reads what CTranslate2 reads in the same arithmetic. Here it computes on a CPU."""

from __future__ import annotations

import ctranslate2
import numpy as np
import pytest
import torch

from lmspt.data.weights import find_weights
from lmspt.errors import InputError
from lmspt.score.ct2_whisper import Ct2Whisper
from lmspt.score.judge import Judge, log_mel
from lmspt.score.torch_whisper import TorchWhisper
from lmspt.teacher.ctranslate import read_variables, whisper_state
from tests.score.sounds import voice

MELS = np.stack([log_mel(wav, 80) for wav in (voice(3.0), voice(0.7, 200.0), voice(1.5, 220.0, (700.0, 1200.0, 2600.0)))])


@pytest.fixture(scope="module")
def english() -> TorchWhisper:
    return TorchWhisper(find_weights("whisper-tiny.en"), torch.device("cpu"))


@pytest.mark.parametrize("beam_size", [1, 5])
@pytest.mark.parametrize("no_repeat", [0, 3])
def test_reads_as_ctranslate2_in_float32(english: TorchWhisper, beam_size: int, no_repeat: int) -> None:
    folder = find_weights("whisper-tiny.en")
    theirs = Ct2Whisper(folder, 1)
    theirs.model = ctranslate2.models.Whisper(str(folder), compute_type="float32", intra_threads=1)
    prompts = [[50257, 50362]] * len(MELS)
    read = english.generate(MELS, prompts, beam_size, no_repeat)
    assert read == theirs.generate(MELS, prompts, beam_size, no_repeat)
    assert any(read) and not english.is_multilingual and not theirs.is_multilingual
    assert read[1:2] == english.generate(MELS[1:2], prompts[:1], beam_size, no_repeat), "alone it is read as in a batch"


def test_hears_the_language_that_ctranslate2_hears() -> None:
    folder = find_weights("whisper-base")
    ours, theirs = TorchWhisper(folder, torch.device("cpu")), Ct2Whisper(folder, 1)
    assert ours.is_multilingual and ours.n_mels == theirs.n_mels == 80
    assert ours.detect_language(MELS) == theirs.detect_language(MELS)


def test_every_weight_is_in_its_place() -> None:
    path = find_weights("whisper-tiny.en") / "model.bin"
    variables, state = read_variables(path), whisper_state(path)
    used = sum(a.size for name, a in variables.items() if a.dtype.kind == "f" and a.ndim)
    missing_k_biases = 12 * 384  # zeros there: of 4 encoder layers, and twice of 4 decoder layers
    assert sum(tensor.numel() for tensor in state.values()) == used - missing_k_biases


def test_a_judge_on_a_gpu_has_a_contract_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmspt.device.device_of", lambda ngpu: torch.device("cpu"))
    on_cpu, on_gpu = (Judge("whisper-tiny.en", 1, ngpu=ngpu).contract() for ngpu in (0, 1))
    assert {key for key in on_gpu if on_gpu[key] != on_cpu.get(key)} == {"compute_type", "device", "engine"}


def test_unknown_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmspt.device.device_of", lambda ngpu: torch.device("cpu"))
    with pytest.raises(InputError, match=r"whisper-tiny\.en does not read 'es'"):
        Judge("whisper-tiny.en", 1, language="es", ngpu=1)
