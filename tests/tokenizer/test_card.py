"""What a model card says: the streams and their rates, what the tokens were distilled from."""

from __future__ import annotations

from lmspt.tokenizer.card import model_card
from lmspt.tokenizer.config import KMeansConfig, ModelConfig, ObjectiveConfig


def test_streams_and_teacher_are_in_it():
    config = ModelConfig(semantic_size=16384, acoustic_codebooks=7, acoustic_size=4096)
    card = model_card("v2-01234567", config, ObjectiveConfig(teacher="whisper-tiny.en"))
    assert card.startswith("---\nlibrary_name: lmspt\n") and "\n# v2-01234567\n" in card
    assert "12.5 tokens a second in each stream, 1225 bit/s in all" in card
    assert "| semantic | 16384 | 175.0 |\n| acoustic1 | 4096 | 150.0 |" in card and "| acoustic7 |" in card
    assert "for 16000 Hz, its semantic stream distilled from whisper-tiny.en (resynthesis)." in card


def test_without_an_objective_or_a_decoder():
    assert "distilled" not in model_card("none-01234567", ModelConfig(), ObjectiveConfig(objective="none"))
    card = model_card("kmeans-01234567", KMeansConfig(teacher_layer=3, size=256, frame_rate=25.0))
    assert "features of whisper-tiny.en, layer 3" in card and "| semantic | 256 | 200.0 |" in card
