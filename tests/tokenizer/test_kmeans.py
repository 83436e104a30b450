"""The topline: pooled teacher features, nearest centroid, no voice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lmspt.data.features import read_features, write_features
from lmspt.errors import InputError
from lmspt.teacher.load import load_teacher
from lmspt.tokenizer.batches import pad
from lmspt.tokenizer.config import KMeansConfig
from lmspt.tokenizer.dump import encode_batch
from lmspt.tokenizer.health import count_codes, health
from lmspt.tokenizer.kmeans import KMeansTokenizer, dump_teacher_features, train_kmeans
from lmspt.tokenizer.long import encode_long
from tests.tokenizer.corpus import voiced, write_corpus

CONFIG = KMeansConfig(size=8)


@pytest.fixture(scope="module")
def feats(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kmeans")
    data = write_corpus(folder / "raw")
    assert dump_teacher_features(CONFIG, data, folder / "feats") == len(data.utts)
    return folder / "feats"


def test_centroids_are_means_of_pooled_frames(feats):
    centroids = train_kmeans(CONFIG, feats)["centroids"]
    pooled = np.concatenate([f[: len(f) // 4 * 4].reshape(-1, 4, 384).mean(1) for _, f in read_features(feats)]).astype(np.float32)
    nearest = torch.cdist(torch.from_numpy(pooled), centroids).argmin(1).numpy()
    for code in range(8):
        assert np.allclose(pooled[nearest == code].mean(0), centroids[code].numpy(), atol=2e-2)


def test_mini_batches_find_clusters_as_tight(feats):
    """Read in pieces, the centroids explain nearly as much as those of all frames at once, and the same every time."""
    frames = torch.from_numpy(np.concatenate([f for _, f in read_features(feats)]).astype(np.float32))
    config = replace(CONFIG, frame_rate=50.0)

    def inertia(centroids):
        return torch.cdist(frames, centroids).amin(1).square().mean()

    at_once, in_pieces = (train_kmeans(replace(config, batch_frames=n), feats)["centroids"] for n in (0, 64))
    assert inertia(in_pieces) < 1.2 * inertia(at_once) < 0.8 * inertia(frames.mean(0, keepdim=True))
    assert torch.equal(in_pieces, train_kmeans(replace(config, batch_frames=64), feats)["centroids"])


def test_what_a_whisper_cannot_hear_at_once_is_heard_in_windows():
    """An utterance of 31 s has the codes that a recording of that length is given, another one in its batch its own."""
    config = replace(CONFIG, teacher="whisper-tiny.en")
    tokenizer = KMeansTokenizer(config, {"centroids": torch.randn(8, 384, generator=torch.Generator().manual_seed(0))}, "topline")
    long, short = voiced(31.0, 120, 0), voiced(1.0, 150, 1)
    with pytest.raises(InputError, match="at most 30 s"):
        tokenizer.encode(**pad([long]))
    found = encode_batch(tokenizer, [short, long])
    assert [codes.shape for codes in found] == [(1, 13), (1, 388)]
    assert np.array_equal(found[1], encode_long(tokenizer, torch.from_numpy(long)).numpy())
    assert np.array_equal(found[0], encode_batch(tokenizer, [short])[0])


@pytest.mark.parametrize("batch_frames", [0, 500])
def test_standardized_channels_count_alike(tmp_path, batch_frames):
    """A loud channel that tells the place, and a quiet one that tells the sound: which of the two the codes tell."""
    rng = np.random.default_rng(0)
    sounds, place = rng.integers(0, 2, (4, 250)), np.arange(250) / 250
    loud, quiet = np.broadcast_to(100 * place, sounds.shape), sounds + 0.01 * rng.standard_normal(sounds.shape)
    utts = np.stack([loud, quiet], axis=-1).astype(np.float16)
    write_features(tmp_path, ((f"u{i}", feats) for i, feats in enumerate(utts)))
    config = KMeansConfig(size=4, frame_rate=50, batch_frames=batch_frames)
    for standardize in (False, True):
        state = train_kmeans(replace(config, standardize=standardize), tmp_path)
        frames = torch.from_numpy(utts.reshape(-1, 2).astype(np.float32))
        codes = torch.cdist(frames * state["scale"], state["centroids"] * state["scale"]).argmin(1).numpy()
        told = [sounds.ravel()[codes == code].mean() for code in range(4)]
        assert all(min(share, 1 - share) < 0.1 for share in told) == standardize


def test_codes_are_nearest_in_standardized_channels(feats):
    config = replace(CONFIG, frame_rate=50.0, standardize=True)
    state = train_kmeans(config, feats)
    batch = pad([voiced(1.0, 120, 0)])
    tokenizer = KMeansTokenizer(config, state, "toy")
    codes, _ = tokenizer.encode(**batch)
    (heard,), _ = load_teacher(config.teacher)(batch["wav"], batch["lengths"], [config.teacher_layer])
    distances = (heard[0, :, None] - state["centroids"]).mul(state["scale"]).square().sum(-1)
    assert torch.equal(codes[0, 0], distances.argmin(-1))
    (codebook,) = tokenizer.codebooks()  # whose distances are those
    assert torch.equal(codes[0, 0], torch.cdist(heard[0] * state["scale"], codebook).argmin(-1))
    plain, _ = KMeansTokenizer(config, {"centroids": state["centroids"]}, "toy").encode(**batch)
    assert not torch.equal(codes, plain)


def test_the_floor_does_not_hear_the_level():
    wav = torch.from_numpy(voiced(1.0, 120, 0))[None]
    (loud,), mask = load_teacher("logmel")(wav, torch.tensor([16000]), [1])
    (quiet,), _ = load_teacher("logmel")(0.1 * wav, torch.tensor([16000]), [1])
    assert loud.shape == (1, 50, 80) and mask.all() and loud.max() == 0.0 and loud.min() >= -6.0
    near = loud > -3.0  # far from the floor that silence has
    assert torch.allclose(quiet[near], loud[near], atol=1e-2)


def test_less_than_a_frame_in_a_batch():
    """It has no loudest frame, and its neighbours' views stay whole."""
    wav = torch.zeros(2, 16000)
    wav[0], wav[1, :300] = torch.from_numpy(voiced(1.0, 120, 0)), 0.1
    (features,), mask = load_teacher("logmel")(wav, torch.tensor([16000, 300]), [1])
    assert mask.sum(1).tolist() == [50, 0] and features.isfinite().all()


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
        KMeansTokenizer(KMeansConfig(frame_rate=12), {"centroids": torch.zeros(8, 384)}, "toy")


def test_health_by_hand():
    class Stream:
        size = 4

    (counts,) = count_codes([np.array([[0, 0, 1]]), np.array([[1]])], [Stream()])
    assert counts.tolist() == [2, 2, 0, 0]
    measured = health(counts)
    assert (measured.use, measured.dead, measured.entropy, measured.perplexity) == (0.5, 2, 1.0, 2.0)
