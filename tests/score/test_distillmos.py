from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest
import torch

from lmspt.score import distillmos as module
from lmspt.score.distillmos import distillmos
from lmspt.score.measure import NotRun


@pytest.fixture(autouse=True)
def no_model_is_kept() -> Iterator[None]:
    module._model.cache_clear()
    yield
    module._model.cache_clear()


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(NotRun, match="pip install --no-deps distillmos"):
        distillmos(np.zeros(16000, np.float32))


def test_mean_over_windows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Model(torch.nn.Module):
        """Says the peak of each of two windows."""

        def forward(self, wav: torch.Tensor) -> torch.Tensor:
            assert wav.shape == (1, 32000) and wav.dtype == torch.float32
            return wav.reshape(2, -1).amax(1)

    def load() -> Model:
        print("weights loaded")  # as the package does
        return Model()

    package = ModuleType("distillmos")
    package.__spec__, package.ConvTransformerSQAModel = ModuleSpec("distillmos", None), load
    monkeypatch.setitem(sys.modules, "distillmos", package)
    monkeypatch.setitem(sys.modules, "torchaudio", ModuleType("torchaudio"))
    monkeypatch.setattr(module, "find_spec", lambda name: package.__spec__)
    wav = np.zeros(32000)
    wav[100], wav[20000] = 0.5, 0.25
    assert distillmos(wav) == pytest.approx(0.375)
    assert np.isnan(distillmos(wav[:0]))
    assert capsys.readouterr().out == ""
