"""DistillMOS is asked window by window; the package itself is optional and not installed for tests."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest
import torch

from lmspt.score import distillmos as module
from lmspt.score.distillmos import WINDOW, DistillMos, windows
from lmspt.score.measure import NotRun


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(NotRun, match="pip install --no-deps distillmos"):
        DistillMos()


@pytest.mark.parametrize(("n_samples", "n_windows"), [(1, 1), (WINDOW, 1), (WINDOW + 1, 2), (2 * WINDOW, 2), (300_000, 3)])
def test_windows_cover_all(n_samples: int, n_windows: int) -> None:
    wav = np.arange(1, n_samples + 1, dtype=np.float32)
    found = windows(wav)
    assert found.shape == (n_windows, WINDOW) and found.dtype == np.float32
    assert set(found.ravel()) - {0.0} == set(wav)


def test_mean_over_windows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Model(torch.nn.Module):
        """Says the peak of each window."""

        def __init__(self, segmenting_in_forward: bool) -> None:
            super().__init__()
            assert not segmenting_in_forward
            print("weights loaded")  # as the package does

        def forward(self, wav: torch.Tensor) -> torch.Tensor:
            return wav.amax(1)

    package = ModuleType("distillmos")
    package.__spec__, package.ConvTransformerSQAModel = ModuleSpec("distillmos", None), Model
    monkeypatch.setitem(sys.modules, "distillmos", package)
    monkeypatch.setitem(sys.modules, "torchaudio", ModuleType("torchaudio"))
    monkeypatch.setattr(module, "find_spec", lambda name: package.__spec__)
    monkeypatch.setattr(module, "model_in", lambda *what: None)
    wav = np.zeros(2 * WINDOW)
    wav[[100, -100]] = 0.5, 0.25
    distillmos = DistillMos()
    assert distillmos(wav) == pytest.approx(0.375)
    assert np.isnan(distillmos(wav[:0]))
    assert capsys.readouterr().out == ""
