"""What stages 4 to 12 left: read whole or refused, one row a system."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lmspt.errors import InputError
from lmspt.files import write_json
from lmspt.report.benchmark import benchmark, counts_table
from lmspt.report.markers import commands_of, markers_of, read_markers, seconds_of, shared_markers, taken_up
from lmspt.report.results import Experiment, read_experiment
from lmspt.report.system import CANNOT_SPEAK
from tests.report.experiment import COMMANDS, Paths, make_experiment

TOK, SLM = "exp/tok_resynthesis_12.5hz", "exp/slm_resynthesis_12.5hz_small"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return make_experiment(tmp_path / "egs/digits/slm1")


def read(paths: Paths) -> Experiment:
    return read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"])


def change(path: Path, what: Callable[[dict], None]) -> None:
    value = json.loads(path.read_text())
    what(value)
    write_json(path, value)


def test_benchmark(paths: Paths) -> None:
    rows = {row["name"]: row for row in benchmark(read(paths))["systems"]}
    assert list(rows) == ["resynthesis_12.5hz_small", "none_25hz_small", "kmeans_12.5hz_small"]
    row = rows["resynthesis_12.5hz_small"]
    assert (row["objective"], row["teacher"], row["frame_rate"], row["bitrate"]) == ("resynthesis", "whisper-tiny.en", 12.5, 200.0)
    assert (row["tok_id"], row["seed"], row["slm_seed"]) == ("resynthesis_12.5hz-0123abcd", 0, 3)
    assert row["codebook_use"] == {"semantic": 0.5, "acoustic1": 0.5, "acoustic2": 0.5}
    assert row["given"] == {"steps": 1200, "heard_seconds": 3600.0, "spoken_seconds": 3600.0, "positions": 72000.0}
    written = json.loads((paths.root / SLM / "asr_test/result.json").read_text())
    for key in ("wer", "ci95", "n_utts", "n_words", "errors"):
        assert row["asr"]["test"][key] == written[key]
    assert row["asr"]["test"]["no_end"] == 1
    assert row["tts"]["test"]["failures"] == {"not_ended": 2, "repeated": 1, "empty": 1}
    controls = {"groundtruth", "resynthesis_all", "resynthesis_semantic", "asr_other", "asr_shuffled"}
    assert set(row["controls"]["test"]) == controls
    assert row["codec"]["test"]["pesq"]["not_run"].startswith("pesq is not installed")
    assert rows["none_25hz_small"]["teacher"] is None


def test_tokenizers_alone(paths: Paths) -> None:
    found = benchmark(read(replace(paths, models=False)))
    assert set(found["contract"]) == {"speech", "codec"} and found["probe_correlations"] == {}
    first, _, kmeans = found["systems"]
    assert first["name"] == "resynthesis_12.5hz" and not {"asr", "tts", "given", "slm_seed"} & set(first)
    written = json.loads((paths.root / TOK / "eval/test/all/result.json").read_text())
    assert first["resynthesis"]["test"]["wer"] == first["controls"]["test"]["resynthesis_all"]["wer"] == written["wer"]
    assert kmeans["resynthesis"]["test"] == {"not_run": CANNOT_SPEAK}
    (pair,) = found["comparisons"]["test"]["resynthesis"]
    assert (pair["a"], pair["b"]) == ("resynthesis_12.5hz", "none_25hz")


def test_without_a_judge(paths: Paths) -> None:
    found = benchmark(read_experiment(paths.systems, paths.sets, "dev", None, [paths.exp / ".done"]))
    asked = benchmark(read(paths))
    assert set(found["contract"]) == {"asr", "codec"} and set(found["comparisons"]["test"]) == {"asr"}
    assert found["comparisons"]["test"]["asr"] == asked["comparisons"]["test"]["asr"]
    for ours, theirs in zip(found["systems"], asked["systems"], strict=True):
        assert "tts" not in ours and ours.items() <= {**theirs, "controls": ours["controls"]}.items()
        assert set(ours["controls"]["test"]) == {"asr_other", "asr_shuffled"}


def test_probes_alone(paths: Paths) -> None:
    experiment = read_experiment(replace(paths, models=False).systems, paths.sets, "dev", None, [paths.exp / ".done"])
    found = benchmark(experiment)
    assert set(found["contract"]) == {"codec"} and found["comparisons"] == {"test": {}} and found["probe_correlations"] == {}
    assert counts_table(experiment) == {}
    told = found["groups"][0]["told"]["test"]["pnmi"]
    assert told["value"] == pytest.approx(0.6) and told["ci95"][0] < 0.6 < told["ci95"][1]
    first, *_ = found["told_comparisons"]["test"]["purity"]
    assert (first["a"], first["b"]) == ("resynthesis_12.5hz", "none_25hz")
    assert found["systems"][0]["codec"]["test"]["stoi"]["mean"] == pytest.approx(0.8)


def test_tokenizers_alone_and_language_models_are_two_reports(paths: Paths) -> None:
    mixed = [*paths.systems, paths.root / TOK]
    with pytest.raises(InputError, match=r"tok_resynthesis_12.5hz is a tokenizer alone"):
        read_experiment(mixed, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"])


def test_codebook_use_is_that_of_the_validation_set(paths: Paths) -> None:
    change(paths.root / TOK / "eval/dev/tokens.json", lambda tokens: tokens["streams"]["semantic"].update(use=0.31))
    assert benchmark(read(paths))["systems"][0]["codebook_use"]["semantic"] == 0.31


def test_kmeans_has_no_speech(paths: Paths) -> None:
    row = benchmark(read(paths))["systems"][2]
    assert row["objective"] == "kmeans"
    assert row["tts"] == {"test": {"not_run": CANNOT_SPEAK}}
    assert row["controls"]["test"]["resynthesis_all"] == {"not_run": CANNOT_SPEAK}
    assert row["codec"] == {"not_run": CANNOT_SPEAK}
    assert row["controls"]["test"]["groundtruth"]["n_utts"] == 6


@pytest.mark.parametrize(
    ("missing", "stage"),
    [
        (f"{SLM}/asr_test/result.json", 10),
        (f"{SLM}/asr_test_shuffled/result.json", 10),
        (f"{SLM}/asr_test_other/stats.json", 9),
        (f"{SLM}/tts_test/result.json", 12),
        (f"{SLM}/history.json", 8),
        (f"{SLM}/tokenizer", 8),
        (f"{TOK}/eval/test/semantic/result.json", 12),
        (f"{TOK}/eval/test/codec.json", 6),
        (f"{TOK}/eval/dev/tokens.json", 6),
        (f"{TOK}/history.json", 4),
        (f"{TOK}/config.yaml", 4),
        ("exp/groundtruth/test/result.json", 12),
    ],
)
def test_missing_file_is_an_error(paths: Paths, missing: str, stage: int) -> None:
    (paths.root / missing).unlink()
    with pytest.raises(InputError, match=rf"{missing}: no such file.*run stage {stage}\b"):
        read(paths)


def test_torn_file_and_missing_part(paths: Paths) -> None:
    path = paths.root / SLM / "tts_test/result.json"
    change(path, lambda result: result.pop("dnsmos"))
    with pytest.raises(InputError, match="has no 'dnsmos'; delete it and run stage 12"):
        read(paths)
    path.write_text('{"wer": 0.')
    with pytest.raises(InputError, match=r"tts_test/result.json: not JSON"):
        read(paths)


@pytest.mark.parametrize("place", [f"{SLM}/tts_test", f"{TOK}/eval/test/all", "exp/groundtruth/test"])
def test_another_judge_is_refused(paths: Paths, place: str) -> None:
    change(paths.root / place / "result.json", lambda result: result["contract"]["judge"].update(name="other"))
    with pytest.raises(InputError, match=r"different contracts .*judge"):
        read(paths)


def test_judge_and_recogniser_share_their_normaliser(paths: Paths) -> None:
    for path in paths.exp.glob("slm_*/asr_test*/result.json"):
        change(path, lambda result: result["contract"].update(normalizer="none"))
    with pytest.raises(InputError, match=r"what the recogniser wrote and what the judge read .*normalizer: none and digits"):
        read(paths)


def test_other_utterances_are_refused(paths: Paths) -> None:
    change(paths.root / TOK / "eval/test/semantic/result.json", lambda result: result["utts"].pop())
    with pytest.raises(InputError, match=r"set test: recordings and resynthesis_12.5hz_small, semantic .*'eve-005'.*max_eval_utts"):
        read(paths)


def test_seconds(paths: Paths) -> None:
    experiment = read(paths)
    seconds = [row["seconds"] for row in benchmark(experiment)["systems"]]
    # 10 s a unit times the number of its stage; dev and test are two units of tok_dump
    assert seconds[0] == {"tok_train": 40.0, "tok_dump": 100.0, "slm_train": 80.0}
    assert seconds[2] == {"feats": 30.0, **seconds[0]}
    assert seconds_of(shared_markers(experiment.markers)) == {"data": 10.0, "format": 20.0, "tts_score": 120.0}
    assert taken_up(experiment.markers) == {"slm_train"}
    assert list(commands_of(experiment.markers)) == COMMANDS
    stranger = {"stage": 4, "name": "tok_train", "tag": "other_25hz", "seconds": 1.0, "sessions": 1, "inputs": {}, "command": "no"}
    write_json(paths.exp / ".done/4_tok_train.other_25hz.json", {**stranger, "finished": "2026-11-24T10:00:00+0000"})
    assert read(paths).markers == experiment.markers, "what else is in the folder of experiments is not reported"
    assert "report" not in {marker["name"] for marker in experiment.markers}


def test_markers_of_a_tokenizer_whose_name_begins_as_anothers(tmp_path: Path) -> None:
    def marker(stage: int, tag: str, tok: str) -> dict:
        return {"stage": stage, "name": "x", "tag": tag, "seconds": 1.0, "inputs": {"dump/raw/x": "", f"exp/{tok}/x": ""}}

    evaluated = [marker(6, f"{name}.test", f"tok_{name}") for name in ("resynthesis_12", "resynthesis_12.5hz")]
    dumped = [marker(5, f"{name}.test", "any") for name in ("resynthesis_12-01", "resynthesis_12-02", "resynthesis_12.5hz-01")]
    folders = Path("exp/slm_resynthesis_12_small"), Path("exp/tok_resynthesis_12")
    assert markers_of([*dumped, *evaluated], *folders, "resynthesis_12-01") == [dumped[0], evaluated[0]]


def test_data_of_a_language_model_and_probes_belong_to_all_its_seeds() -> None:
    def marker(stage: int, name: str, tag: str) -> dict:
        return {"stage": stage, "name": name, "tag": tag, "seconds": 1.0, "inputs": {"dump/tokens/a-1/train/manifest.json": ""}}

    own = [marker(7, "slm_data", "a_small"), marker(6, "tok_eval", "a.test.probes")]
    others = [marker(7, "slm_data", "a_large"), marker(6, "tok_eval", "a.5hz.test.probes"), marker(8, "slm_train", "a_small_s2")]
    assert markers_of([*own, *others], Path("exp/slm_a_small_s1"), Path("exp/tok_a"), "a-1") == own


def test_markers_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no marker"):
        read_markers([tmp_path])
    (tmp_path / "4_tok_train.json").write_text("[]")
    with pytest.raises(InputError, match=r"4_tok_train.json: not a marker"):
        read_markers([tmp_path])
