"""What new embeddings begin with: the statistics of those that are there, and the neighbourhoods of a tokenizer's codes."""

from __future__ import annotations

import torch
from torch import Tensor

from lmspt.errors import InputError
from lmspt.slm.model import SpeechLM
from lmspt.tokenizer.interface import Tokenizer


def like(rows: Tensor, n: int) -> Tensor:
    """``n`` draws (n, D) from the normal distribution with the mean and covariance of ``rows`` (N, D) (Hewitt 2021,
    "Initializing new word embeddings for pretrained language models")."""
    return _coloured(torch.randn(n, rows.shape[1]), rows)


def near(rows: Tensor, vectors: Tensor) -> Tensor:
    """As :func:`like`, one row (n, D) for each of ``vectors`` (n, d); rows are as near as their vectors are.

    The vectors, centred and of mean square 1, go through a random matrix of standard normal draws before they get the mean
    and covariance. Over its draws, covariances and squared distances (in proportion to the vectors') are right on average,
    whatever d: the lemma of Johnson and Lindenstrauss (1984). The mean is always right.
    """
    centred = vectors - vectors.mean(0)
    scaled = centred / centred.square().sum(1).mean().sqrt()
    return _coloured(scaled @ torch.randn(vectors.shape[1], rows.shape[1]), rows)


def place_codes(model: SpeechLM, tokenizer: Tokenizer) -> None:
    """Begin the codes of each stream, read and written, where they lie in its codebook, among the embeddings that are there.

    Those are the text's and draws like them in a pretrained model, and draws around zero in one from scratch.

    Raises:
        InputError: a tokenizer without codebooks, or another one than the vocabulary's.
    """
    wanted, codebooks = model.vocab.tok_id, tokenizer.codebooks()
    if tokenizer.tok_id != wanted:
        raise InputError(f"init_embeddings codebook: --tokenizer is {tokenizer.tok_id}, but the tokens are those of {wanted}")
    if codebooks is None:
        raise InputError(f"init_embeddings codebook: {wanted} has no codebooks to begin with; set init_embeddings: text_statistics")
    tables = [model.embedding.weight, model.head.weight][: 1 if model.tied else 2]
    with torch.no_grad():
        for table in tables:
            placed = [near(table, vectors) for vectors in codebooks]
            for block, rows in zip(model.vocab.streams, placed, strict=True):
                table[block.begin : block.begin + block.size] = rows


def _coloured(draws: Tensor, rows: Tensor) -> Tensor:
    """Draws (n, D) of mean 0 and covariance 1, with the mean and covariance of ``rows`` (N, D)."""
    values, vectors = torch.linalg.eigh(torch.cov(rows.T))
    root = vectors * values.clamp_min(0).sqrt()
    return rows.mean(0) + draws @ root.T
