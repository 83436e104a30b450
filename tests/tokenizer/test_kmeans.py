"""The topline: pooled teacher features, nearest centroid, no voice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lmspt.data.features import read_features
from lmspt.errors import InputError
from lmspt.tokenizer.batches import pad
from lmspt.tokenizer.config import KMeansConfig
from lmspt.tokenizer.health import count_codes, health
from lmspt.tokenizer.kmeans import KMeansTokenizer, dump_teacher_features, train_kmeans
from tests.tokenizer.corpus import voiced, write_corpus

CONFIG = KMeansConfig(size=8)


@pytest.fixture(scope="module")
def feats(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kmeans")
    data = write_corpus(folder / "raw")
    assert dump_teacher_features(CONFIG, data, folder / "feats") == len(data.utts)
    return folder / "feats"


def test_centroids_are_means_of_pooled_frames(feats):
    centroids = train_kmeans(CONFIG, feats)
    pooled = np.concatenate([f[: len(f) // 4 * 4].reshape(-1, 4, 384).mean(1) for _, f in read_features(feats)]).astype(np.float32)
    nearest = torch.cdist(torch.from_numpy(pooled), centroids).argmin(1).numpy()
    for code in range(8):
        assert np.allclose(pooled[nearest == code].mean(0), centroids[code].numpy(), atol=2e-2)


def test_codes_alone_equal_codes_in_a_batch(feats):
    tokenizer = KMeansTokenizer(CONFIG, train_kmeans(CONFIG, feats), "toy")
    wavs = [voiced(seconds, 120, i) for i, seconds in enumerate((0.5, 1.3, 0.9))]
    together, lengths = tokenizer.encode(**pad(wavs))
    for i, wav in enumerate(wavs):
        alone, n = tokenizer.encode(**pad([wav]))
        assert n[0] == lengths[i] == -(-len(wav) // 1280)
        assert torch.equal(alone[0], together[i, :, : n[0]])


def test_it_cannot_speak(feats):
    tokenizer = KMeansTokenizer(CONFIG, train_kmeans(CONFIG, feats), "toy")
    assert not tokenizer.can_decode
    with pytest.raises(InputError, match="no decoder"):
        tokenizer.decode(torch.zeros(1, 1, 3, dtype=torch.long), torch.tensor([3]))


def test_too_few_frames_and_an_impossible_rate(feats):
    with pytest.raises(InputError, match="dump more utterances"):
        train_kmeans(KMeansConfig(size=10_000), feats)
    with pytest.raises(InputError, match="must divide"):
        KMeansTokenizer(KMeansConfig(frame_rate=12), torch.zeros(8, 384), "toy")


def test_health_by_hand():
    class Stream:
        size = 4

    (counts,) = count_codes([np.array([[0, 0, 1]]), np.array([[1]])], [Stream()])
    assert counts.tolist() == [2, 2, 0, 0]
    measured = health(counts)
    assert (measured.use, measured.dead, measured.entropy, measured.perplexity) == (0.5, 2, 1.0, 2.0)
