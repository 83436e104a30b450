"""New embeddings: like the text's, and codes as near each other as in their codebook, in tied and untied tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from lmspt.errors import InputError
from lmspt.slm.config import SLMBatchConfig, SLMConfig
from lmspt.slm.embeddings import like, near, place_codes
from lmspt.slm.examples import prepare
from lmspt.slm.model import SpeechLM
from lmspt.slm.pretrained import from_pretrained
from lmspt.slm.training import train
from lmspt.train.config import TrainConfig
from tests.slm.test_pretrained import SHAPE
from tests.slm.test_vocab import META, toy
from tests.slm.toy import CONFIG, toy_model, write_corpus

TEXT = torch.randn(500, 64, generator=torch.Generator().manual_seed(1)) @ torch.diag(torch.linspace(0.1, 2, 64)) + 3


def clusters(size: int, dim: int) -> torch.Tensor:
    """``size`` points of the unit sphere in four clusters, one after the other."""
    torch.manual_seed(2)
    return F.normalize(torch.randn(4, dim).repeat_interleave(size // 4, 0) + 0.5 * torch.randn(size, dim), dim=1)


def cosines(rows: torch.Tensor) -> np.ndarray:
    """Of every two rows, less the rows' mean."""
    rows = F.normalize(rows - rows.mean(0), dim=1)
    return (rows @ rows.T)[tuple(torch.triu_indices(len(rows), len(rows), 1))].numpy()


def tokenizer(tok_id: str = "toy-1") -> SimpleNamespace:
    codebooks = [clusters(stream["size"], 6) for stream in META["streams"]]
    return SimpleNamespace(tok_id=tok_id, codebooks=lambda: codebooks)


@pytest.fixture(scope="module")
def backbones(tmp_path_factory) -> dict[bool, Path]:
    """Tied and untied Llamas with 10 embeddings."""
    folders = {}
    for tied in (False, True):
        torch.manual_seed(0)
        folders[tied] = tmp_path_factory.mktemp("tied" if tied else "untied")
        model = LlamaForCausalLM(LlamaConfig(vocab_size=10, tie_word_embeddings=tied, **SHAPE))
        model.get_input_embeddings().weight.data += torch.linspace(-1, 1, 32)
        model.save_pretrained(folders[tied])
    return folders


def begun(init: str, folder: Path) -> SpeechLM:
    torch.manual_seed(3)
    return from_pretrained(SLMConfig(backbone=str(folder), init_embeddings=init), toy())


def test_draws_have_the_mean_and_covariance_of_the_text():
    torch.manual_seed(1)
    rows = torch.randn(500, 4) @ torch.tensor([[1.0, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0.1, 0], [0, 0, 0, 0.0]]) + 3
    drawn = like(rows, 20000)
    assert torch.allclose(drawn.mean(0), rows.mean(0), atol=0.1)
    assert torch.allclose(torch.cov(drawn.T), torch.cov(rows.T), atol=0.2)


@pytest.mark.parametrize("dim", [8, 384])
def test_neighbours_in_the_codebook_are_neighbours_among_the_embeddings(dim):
    codebook = clusters(64, dim)
    placed = near(TEXT, codebook)
    assert spearmanr(cosines(placed), cosines(codebook)).statistic > 0.75
    assert abs(spearmanr(cosines(like(TEXT, 64)), cosines(codebook)).statistic) < 0.1
    nearest = torch.cdist(placed, placed).fill_diagonal_(torch.inf).argmin(1)
    assert (nearest // 16 == torch.arange(64) // 16).float().mean() > 0.9  # of one's own cluster


def test_placed_rows_have_the_mean_and_on_average_the_covariance_of_the_text():
    codebook = 100 * clusters(64, 6) + 7
    placed = [near(TEXT, codebook) for _ in range(800)]
    assert torch.allclose(placed[0].mean(0), TEXT.mean(0), atol=1e-3)
    mean = sum(torch.cov(rows.T, correction=0) for rows in placed) / len(placed)
    wanted = torch.cov(TEXT.T)
    assert (mean - wanted).norm() < 0.2 * wanted.norm()
    totals = [float(rows.var(0, correction=0).sum() / wanted.trace()) for rows in placed]
    assert min(totals) > 0.5 and max(totals) < 1.7  # each of them has the scale


@pytest.mark.parametrize("tied", [False, True])
def test_codes_are_placed_and_the_rest_is_untouched(backbones, tied):
    model, drawn = begun("codebook", backbones[tied]), begun("text_statistics", backbones[tied])
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), drawn.parameters(), strict=True))
    place_codes(model, tokenizer())
    assert (model.head.weight is model.embedding.weight) == tied
    begin = model.vocab.streams[0].begin
    for placed, before in ((model.embedding.weight, drawn.embedding.weight), (model.head.weight, drawn.head.weight)):
        placed, before = placed.detach(), before.detach()
        assert torch.equal(placed[:begin], before[:begin])  # reserved ids, text, speakers
        for block, codebook in zip(model.vocab.streams, tokenizer().codebooks(), strict=True):
            rows = slice(block.begin, block.begin + block.size)
            assert spearmanr(cosines(placed[rows]), cosines(codebook)).statistic > 0.5
            assert torch.allclose(placed[rows].mean(0), before.mean(0), atol=1e-4)


def test_the_same_seed_places_the_same(backbones):
    first, second = begun("codebook", backbones[False]), begun("codebook", backbones[False])
    for model in (first, second):
        torch.manual_seed(5)
        place_codes(model, tokenizer())
    assert torch.equal(first.embedding.weight, second.embedding.weight) and torch.equal(first.head.weight, second.head.weight)


def test_what_cannot_be_placed(backbones):
    model = begun("codebook", backbones[True])
    with pytest.raises(InputError, match="has no codebooks to begin with; set init_embeddings: text_statistics"):
        place_codes(model, SimpleNamespace(tok_id="toy-1", codebooks=lambda: None))
    with pytest.raises(InputError, match="--tokenizer is other-2, but the tokens are those of toy-1"):
        place_codes(model, tokenizer("other-2"))


def test_a_model_from_scratch_begins_with_placed_codes(tmp_path, monkeypatch):
    model = toy_model()
    place_codes(model, tokenizer())
    first = model.vocab.streams[0]
    for table in (model.embedding.weight.detach(), model.head.weight.detach()):
        assert spearmanr(cosines(table[first.begin : first.begin + first.size]), cosines(clusters(16, 6))).statistic > 0.5
    placed = []
    monkeypatch.setattr("lmspt.slm.training.place_codes", lambda model, tokenizer: placed.append(tokenizer.tok_id))
    write_corpus(tmp_path, n=4, n_train=8)
    prepare(CONFIG, tmp_path / "tokens", tmp_path / "raw", "train", "dev", tmp_path / "data")
    for number, init in enumerate(("codebook", "text_statistics")):
        configs = (replace(CONFIG, init_embeddings=init), SLMBatchConfig(batch_size=4), TrainConfig(max_epoch=1, steps_per_epoch=1))
        train(configs, tmp_path / "data", tmp_path / f"exp{number}", tokenizer())
    assert placed == ["toy-1"]
