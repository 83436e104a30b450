"""slm_train from the command line: codes begin where the tokenizer's folder says."""

from __future__ import annotations

from pathlib import Path

from scipy.stats import spearmanr

from lmspt.bin import slm_train
from lmspt.slm.checkpoint import load_slm
from lmspt.slm.examples import prepare
from lmspt.tokenizer.checkpoint import load_tokenizer, save_tokenizer
from lmspt.tokenizer.config import CONFIGS, ModelConfig
from tests.slm.test_embeddings import cosines
from tests.slm.test_vocab import META
from tests.slm.toy import CONFIG, write_corpus
from tests.tokenizer.test_model import tiny

SHAPE = {
    "dim": 32,
    "n_layers": 1,
    "n_heads": 2,
    "ff_dim": 32,
    "text_units": 20,
    "batch_size": 4,
    "max_epoch": 1,
    "steps_per_epoch": 1,
}


def test_codes_begin_like_the_codebooks_of_the_tokenizer(tmp_path: Path) -> None:
    codec = tiny(semantic_size=16, acoustic_size=8, acoustic_codebooks=2)
    save_tokenizer(tmp_path / "tok_toy", codec.state_dict(), codec.config, *(cls() for cls in CONFIGS if cls is not ModelConfig))
    (tmp_path / "tok_toy/tok_id").write_text(META["tok_id"] + "\n")  # as if the toy tokens were its own
    write_corpus(tmp_path, n=4, n_train=8)
    prepare(CONFIG, tmp_path / "tokens", tmp_path / "raw", "train", "dev", tmp_path / "data")
    (tmp_path / "slm.yaml").write_text("".join(f"{key}: {value}\n" for key, value in SHAPE.items()))
    found = {}
    for init in ("codebook", "text_statistics"):
        words = ["--data", str(tmp_path / "data"), "--tokenizer", str(tmp_path / "tok_toy"), "--out", str(tmp_path / init)]
        slm_train.main(["--config", str(tmp_path / "slm.yaml"), *words, "--", "--init_embeddings", init, "--lr", "1e-5"])
        model = load_slm(tmp_path / init)
        semantic = model.vocab.streams[0]
        rows = model.embedding.weight.detach()[semantic.begin : semantic.begin + semantic.size]
        found[init] = spearmanr(cosines(rows), cosines(load_tokenizer(tmp_path / "tok_toy").codebooks()[0])).statistic
    assert found["codebook"] > 0.5 > abs(found["text_statistics"]) + 0.2
