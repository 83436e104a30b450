"""Shapes that cannot be are refused when a config is read, before torch is imported, with what would be right."""

from __future__ import annotations

import pytest

from lmspt.errors import InputError
from lmspt.tokenizer.config import ModelConfig

DAC = {"sample_rate": 24000, "encoder": "dac", "strides": [4, 5, 6, 8, 2]}
SPEAK = {"decoder": "dac", "decoder_strides": [2, 8, 6, 5, 4], "aux_strides": [8, 8, 5, 4], "aux_sample_rate": 16000}


def test_the_released_shape_is_one():
    assert ModelConfig(**DAC, **SPEAK).aux_rate == 16000 and ModelConfig().aux_rate == 16000


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"frame_rate": 13.0}, r"frame_rate 13.0 at 16000 Hz: choose one of 50, 25, 12.5, 6.25 Hz"),
        ({"sample_rate": 22050}, r"at 22050 Hz: choose one of 68.90625, 34.453125, 17.2265625, 8.61328125 Hz"),
        ({"strides": [8, 8, 20]}, r"strides \[8, 8, 20\]: encoder stft .* no use for them"),
        ({**DAC, "strides": [4, 5, 6, 8]}, r"strides \[4, 5, 6, 8\]: their product must be 24000 Hz / 12.5 Hz = 1920"),
        ({**DAC, **SPEAK, "decoder_strides": []}, r"decoder_strides \[\]: their product must be .* 1920"),
        ({**DAC, **SPEAK, "aux_sample_rate": None}, r"aux_strides \[8, 8, 5, 4\]: their product must be 24000"),
        ({**DAC, **SPEAK, "aux_decoder": "shared"}, r"aux_decoder shared is the main decoder: leave out aux_strides"),
        ({"aux_decoder": "frozen", "aux_sample_rate": 8000}, r"aux_decoder frozen is the main decoder"),
        ({"encoder": "conv_transformer", "strides": [5, 8, 32], "dim": 96}, r"dim 96: .* multiple of 64"),
        ({**DAC, **SPEAK, "causal": True}, r"causal: encoder dac and decoder dac look ahead; choose stft and vocos"),
        ({"acoustic_codebooks": 0}, r"acoustic_codebooks 0: must be 1 or more"),
        ({"fsq_levels": [8, 8, 8, 6, 5]}, r"fsq_levels \[8, 8, 8, 6, 5\]: semantic_size 512 must be 15360"),
    ],
)
def test_parts_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(InputError, match=message):
        ModelConfig(**shape)
