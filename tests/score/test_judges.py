"""Two judges: what they say of the same speech, and whom they order differently."""

from __future__ import annotations

import json

import pytest

from lmspt.errors import InputError
from lmspt.files import write_json
from lmspt.score.judges import disagreement, ordered_otherwise
from lmspt.score.results import Experiment, read_experiment
from tests.score.experiment import Paths, make_experiment

FIRST, SECOND = "resynthesis_12.5hz_small", "none_25hz_small"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return make_experiment(tmp_path_factory.mktemp("egs") / "digits/slm1", n_utts=12, second_judge=True)


def read(paths: Paths) -> Experiment:
    return read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", paths.exp / ".done", second_judge=True)


def result(errors: list[int]) -> dict:
    return {"utts": [{"utt": f"u{i}", "speaker": "s", "errors": count, "n_words": 5} for i, count in enumerate(errors)]}


def test_disagreement() -> None:
    found = disagreement(result([0, 1, 0, 2]), result([1, 0, 0, 3]))
    assert found["difference"] == pytest.approx(1 / 20) and found["utts"] == 0.5
    assert found["ci95"][0] < 0 < found["ci95"][1] and found["p"] > 0.3
    with pytest.raises(InputError, match="second judge has no score of utterance 'u2'"):
        disagreement(result([0, 1, 0]), result([0, 1]))


def test_report(paths: Paths) -> None:
    paths.report()
    text = (paths.root / "results/RESULTS.md").read_text()
    assert "### Two judges on `test`" in text and "| whisper-base WER | ctc WER |" in text
    assert "ctc has read it, too" in text and "A judge of another kind has not been asked" not in text
    assert "- second.judge.name: `ctc`" in text
    judges = json.loads((paths.root / "results/benchmark.json").read_text())["judges"]["test"]
    assert [(row["name"], row["audio"]) for row in judges["systems"]] == [
        (name, audio) for name in (FIRST, SECOND) for audio in ("all", "semantic", "tts")
    ]
    assert judges["recordings"]["disagreement"]["difference"] == pytest.approx(1 / 50)
    assert judges["ordered_otherwise"] == []


def test_systems_in_another_order(paths: Paths) -> None:
    experiment = read(paths)
    first, second = (s for s in experiment.systems if s.speaks)
    assert first.judged["test"]["tts"]["wer"] < second.judged["test"]["tts"]["wer"]
    second.second["test"]["tts"]["wer"] = 0.0
    assert ordered_otherwise(experiment, "test") == [[FIRST, SECOND]]


def test_what_the_second_judge_has_not_read(paths: Paths) -> None:
    path = paths.exp / f"tok_{FIRST.removesuffix('_small')}/eval/test/all/second/result.json"
    whole = json.loads(path.read_text())
    write_json(path, {**whole, "contract": {**whole["contract"], "judge": {"name": "ctc", "sha256": "other"}}})
    with pytest.raises(InputError, match="second judge were scored under different contracts"):
        read(paths)
    path.unlink()
    with pytest.raises(InputError, match=r"second/result.json: no such file; run stage 12"):
        read(paths)
    write_json(path, whole)
