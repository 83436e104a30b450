"""The archive: everything in it, the same bytes for the same content, loadable, refused when parts do not belong together."""

from __future__ import annotations

import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from lmspt.bin import pack as command
from lmspt.data.audio import write_wav
from lmspt.errors import InputError
from lmspt.files import write_json, write_text
from lmspt.report.benchmark import benchmark
from lmspt.report.results import read_experiment
from tests.report.experiment import Paths, make_experiment

NAME = "slm_resynthesis_12.5hz_small"
INSIDE = [
    *("NOTICE", "README.md", "RESULTS.md", "benchmark.json"),
    *("slm/backbone.json", "slm/config.yaml", "slm/model.safetensors", "slm/text.model", "slm/vocab.json"),
    *("tokenizer/config.yaml", "tokenizer/model.safetensors", "tokenizer/tok_id"),
]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = make_experiment(tmp_path / "egs/digits/slm1", n_utts=3)
    experiment = read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"])
    write_json(paths.root / "results/benchmark.json", benchmark(experiment))
    write_text(paths.root / "results/RESULTS.md", "# RESULTS\n")
    return paths


def pack(paths: Paths) -> Path:
    out = paths.exp / "pack" / f"{NAME}.tar.gz"
    parts = {"--slm": paths.exp / NAME, "--tokenizer": paths.exp / "tok_resynthesis_12.5hz", "--results": paths.root / "results"}
    command.main([str(word) for pair in {**parts, "--out": out}.items() for word in pair])
    return out


def test_content(paths: Paths, tmp_path: Path) -> None:
    with tarfile.open(pack(paths)) as tar:
        assert tar.getnames() == [f"{NAME}/{name}" for name in INSIDE]
        assert all(entry.isfile() and entry.mode == 0o644 for entry in tar)
        tar.extractall(tmp_path / "out", filter="data")
    for folder, source in (("slm", NAME), ("tokenizer", "tok_resynthesis_12.5hz")):
        for path in (tmp_path / "out" / NAME / folder).iterdir():
            assert path.read_bytes() == (paths.exp / source / path.name).read_bytes()
    assert "Whisper" in (tmp_path / "out" / NAME / "NOTICE").read_text()


def test_same_content_same_bytes(paths: Paths) -> None:
    first = pack(paths).read_bytes()
    for path in paths.exp.rglob("*"):
        os.utime(path, (1, 1))
    (paths.exp / NAME / "vocab.json").chmod(0o600)
    assert pack(paths).read_bytes() == first


def test_text_units_of_a_pretrained_model(paths: Paths) -> None:
    (paths.exp / NAME / "text.model").unlink()
    with pytest.raises(InputError, match=r"neither text.model nor text/"):
        pack(paths)
    write_json(paths.exp / NAME / "text/tokenizer.json", {})
    with tarfile.open(pack(paths)) as tar:
        assert f"{NAME}/slm/text/tokenizer.json" in tar.getnames()


@pytest.mark.parametrize("missing", [f"{NAME}/model.safetensors", "tok_resynthesis_12.5hz/tok_id", "../results/benchmark.json"])
def test_missing_file(paths: Paths, missing: str) -> None:
    (paths.exp / missing).unlink()
    with pytest.raises(InputError, match=rf"{Path(missing).name}: no such file"):
        pack(paths)
    assert not list(paths.exp.glob("pack/*"))


def test_another_tokenizer(paths: Paths) -> None:
    (paths.exp / "tok_resynthesis_12.5hz/tok_id").write_text("other-00000000\n")
    with pytest.raises(InputError, match=r"trained on codes of resynthesis_12.5hz-0123abcd, but .* is other-00000000"):
        pack(paths)


def test_a_teacher_that_lies_here_alone(paths: Paths) -> None:
    (paths.root / "whisper").mkdir()
    config = paths.exp / "tok_resynthesis_12.5hz/config.yaml"
    config.write_text(f"tokenizer: kmeans\nteacher: {paths.root}/whisper\n")
    with pytest.raises(InputError, match=r"its teacher lies in the folder .*/whisper, which the archive does not hold"):
        pack(paths)
    config.write_text("tokenizer: kmeans\nteacher: whisper-tiny.en\n")
    assert pack(paths).is_file()


def test_scores_of_another_training(paths: Paths) -> None:
    scores = paths.root / "results/benchmark.json"
    value = json.loads(scores.read_text())
    value["systems"][0]["tok_id"] = "resynthesis_12.5hz-ffffffff"
    write_json(scores, value)
    with pytest.raises(InputError, match=f"no scores of {NAME} with resynthesis_12.5hz-0123abcd; run stage 13"):
        pack(paths)


def test_the_readmes_lines_load_it(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python of the archive's README, run on an archive of a real tokenizer and a real model."""
    import torch

    from lmspt.slm.checkpoint import save_slm
    from lmspt.slm.config import CONFIGS
    from lmspt.slm.text import train_pieces
    from lmspt.tokenizer.checkpoint import save_tokenizer
    from lmspt.tokenizer.config import CONFIGS as TOK_CONFIGS
    from lmspt.tokenizer.config import ModelConfig
    from tests.slm.toy import CONFIG, WORDS, toy_model
    from tests.tokenizer.corpus import voiced
    from tests.tokenizer.test_model import tiny

    tok, slm = paths.exp / "tok_resynthesis_12.5hz", paths.exp / NAME
    network = tiny(semantic_size=16, acoustic_codebooks=2, acoustic_size=8)
    others = [cls() for cls in TOK_CONFIGS if cls is not ModelConfig]
    save_tokenizer(tok, network.state_dict(), network.config, *others)
    model = toy_model()
    save_slm(slm, model, (CONFIG, *(cls() for cls in CONFIGS[1:])), tok)
    train_pieces([" ".join(WORDS)], 10, slm / "text.model")
    (tok / "tok_id").write_text(model.vocab.tok_id + "\n")
    value = json.loads((paths.root / "results/benchmark.json").read_text())
    value["systems"][0]["tok_id"] = model.vocab.tok_id
    write_json(paths.root / "results/benchmark.json", value)

    with tarfile.open(pack(paths)) as tar:
        tar.extractall(tmp_path / "out", filter="data")
    monkeypatch.chdir(tmp_path / "out")
    write_wav("in.wav", voiced(1.0, 120, 0), 16000)
    lines = re.search(r"```python\n(.*?)```", Path(NAME, "README.md").read_text(), flags=re.DOTALL)[1]
    loaded: dict = {}
    exec(lines, loaded)
    assert loaded["codes"].shape == (3, 13) and isinstance(loaded["text"], str) and len(loaded["wav"]) % 1280 == 0
    assert torch.equal(loaded["model"].model.head.weight, model.head.weight)
