"""DNSMOS gives the numbers of ``speechmos.dnsmos.run`` (0.0.1.1), which were recorded once: its first call takes 30 s."""

from __future__ import annotations

import numpy as np
import pytest

from lmspt.score.mos import HOP, SCORES, WINDOW, Dnsmos
from tests.score.sounds import RATE, voice

RECORDED = {  # seconds of voice -> sig, bak, ovrl, p808
    9.5: (2.8119, 3.4303, 2.2997, 2.7175),
    2.3: (2.7691, 3.6691, 2.3497, 2.7384),
    0.6: (2.0747, 2.6453, 1.4965, 2.6735),
}


@pytest.fixture(scope="module")
def dnsmos() -> Dnsmos:
    return Dnsmos(num_threads=1)


@pytest.mark.parametrize("seconds", RECORDED)
def test_numbers_of_speechmos(dnsmos: Dnsmos, seconds: float) -> None:
    assert SCORES == ("sig", "bak", "ovrl", "p808")
    assert dnsmos(voice(seconds)) == pytest.approx(RECORDED[seconds], abs=0.002)


def test_long_audio_is_the_mean_of_its_windows(dnsmos: Dnsmos) -> None:
    wav = np.concatenate([voice(9.0), voice(8.5, 200.0)])
    windows = [dnsmos(wav[start : start + WINDOW]) for start in range(0, 9 * RATE, HOP * RATE)]
    assert dnsmos(wav) == pytest.approx(np.mean(windows, axis=0), abs=1e-4)


def test_no_samples_have_no_score(dnsmos: Dnsmos) -> None:
    assert np.isnan(dnsmos(np.zeros(0, np.float32))).all()
