"""Two judges: what they say of the same speech, and whom they order differently."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lmspt.bin.compare import main
from lmspt.errors import InputError
from lmspt.files import write_json
from lmspt.report.counts import Counts
from lmspt.report.judges import disagreement, judges_table, ordered_otherwise
from lmspt.report.results import Experiment, read_experiment
from lmspt.report.system import CANNOT_SPEAK
from tests.report.experiment import Paths, make_experiment

FIRST, SECOND = "resynthesis_12.5hz_small", "none_25hz_small"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    paths = make_experiment(tmp_path_factory.mktemp("egs") / "digits/slm1", n_utts=12, second_judge=True)
    paths.report()
    return paths


def read(paths: Paths) -> Experiment:
    return read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"], second_judge=True)


def counts(*errors: list[int], tokenizers: tuple[str, ...] = ()) -> Counts:
    """Of utterances of five words, a row a seed."""
    utts = tuple(f"u{i}" for i in range(len(errors[0])))
    return Counts(utts, ("s",) * len(utts), np.full(len(utts), 5), np.array(errors), tokenizers or ("",) * len(errors))


def test_disagreement() -> None:
    found = disagreement(counts([0, 1, 0, 2]), counts([1, 0, 0, 3]))
    assert found["difference"] == pytest.approx(1 / 20) and found["utts"] == 0.5
    assert found["ci95"][0] < 0 < found["ci95"][1] and found["p"] > 0.3
    with pytest.raises(InputError, match="second judge has no score of utterance 'u2'"):
        disagreement(counts([0, 1, 0]), counts([0, 1]))


def test_seeds_are_paired() -> None:
    """The same seeds have been read twice: how far they lie apart is no doubt about the judges."""
    found = disagreement(counts([0, 0, 0], [5, 5, 5]), counts([1, 1, 1], [6, 6, 6]))
    assert found["difference"] == pytest.approx(1 / 5) and found["ci95"] == pytest.approx([1 / 5, 1 / 5])


def test_more_language_models_are_no_more_tokenizers() -> None:
    """As one judge has it, one tokenizer is better; as the other, the other one is: with two of them that says little."""
    first = counts(*[[1] * 12] * 6, tokenizers=("a", "a", "a", "b", "b", "b"))
    second = counts(*[[3] * 12] * 3, *[[1] * 12] * 3, tokenizers=first.tokenizers)
    assert disagreement(first, second)["p"] > 0.2
    assert disagreement(replace(first, tokenizers=tuple("abcdef")), replace(second, tokenizers=tuple("abcdef")))["p"] < 0.1


def test_report(paths: Paths) -> None:
    text = (paths.root / "results/RESULTS.md").read_text()
    assert "### Two judges on `test`" in text and "| whisper-base WER | ctc WER |" in text
    assert "ctc has read it, too" in text and "A judge of another kind has not been asked" not in text
    assert "- second.judge.name: `ctc`" in text
    judges = json.loads((paths.root / "results/benchmark.json").read_text())["judges"]["test"]
    assert [(row["name"], row["audio"]) for row in judges["groups"]] == [
        (name, audio) for name in (FIRST, SECOND) for audio in ("all", "semantic", "tts")
    ]
    assert judges["recordings"]["disagreement"]["difference"] == pytest.approx(1 / 50)
    assert judges["ordered_otherwise"] == []
    assert "| system | ASR WER | resynthesis WER | TTS WER by whisper-base | TTS WER by ctc |" in text
    assert "Probes against scores" not in text, "three systems are too few"
    assert "### TTS differences by ctc on `test`" in text and "order differently: 0 of 1; those of them with p < 0.05" in text


def test_both_judges_are_compared_by(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    table = paths.root / "results/benchmark.json"
    found = json.loads(table.read_text())
    row, group = found["systems"][0]["tts_second"]["test"], found["groups"][0]["tts_second"]["test"]
    assert row["wer"] == group["wer"] == pytest.approx(found["systems"][0]["tts"]["test"]["wer"] + 1 / row["n_words"])
    assert found["groups"][2]["tts_second"]["test"] == {"not_run": CANNOT_SPEAK}
    assert [(pair["a"], pair["b"]) for pair in found["comparisons"]["test"]["tts_second"]] == [(FIRST, SECOND)]
    lines = (table.with_name("counts.tsv")).read_text().splitlines()
    assert sum(line.startswith("test\ttts_second\t") and line.endswith("\t-") for line in lines) == 12
    for names in ([f"{table}:{name}" for name in (FIRST, SECOND)], [str(paths.exp / f"slm_{name}") for name in (FIRST, SECOND)]):
        main(names)
        said = capsys.readouterr().out.splitlines()
        titles = [line.partition(":")[0] for line in said if not line.startswith(" ") and line]
        assert titles == ["ASR on test", "TTS on test, read by whisper-base", "TTS on test, read by ctc"]
        difference = 100 * found["comparisons"]["test"]["tts_second"][0]["difference"]
        assert f"{difference:+.1f} points" in said[-1]


def test_systems_in_another_order(paths: Paths) -> None:
    experiment = read(paths)
    first, second, kmeans = experiment.groups
    right = replace(second.second["test"]["tts"], errors=np.zeros_like(second.second["test"]["tts"].errors))
    second = replace(second, second={"test": {**second.second["test"], "tts": right}})
    changed = replace(experiment, groups=(first, second, kmeans))
    (pair,) = ordered_otherwise(changed, "test")
    assert (pair["a"], pair["b"]) == (FIRST, SECOND) and pair["differences"][0] < 0 < pair["differences"][1]
    assert "order differently: 1 of 1" in judges_table(changed, "test", {}).note


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
