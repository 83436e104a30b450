"""Tables: controls in all of them, no blank cell, reasons where a number is not; and RESULTS.md around them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lmspt.report.amounts import amounts_table
from lmspt.report.environment import environment
from lmspt.report.markdown import flat, markdown, results_md, warnings_of
from lmspt.report.results import Experiment, read_experiment
from lmspt.report.speech_tables import RECORDINGS, SPOKEN
from lmspt.report.system import CANNOT_SPEAK
from lmspt.report.table import Table, mean, rate
from lmspt.report.tables import tables_of
from tests.report.experiment import COMMANDS, make_experiment


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    paths = make_experiment(tmp_path_factory.mktemp("egs"), ("test", "test_said"))
    return read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"])


@pytest.fixture(scope="module")
def tables(experiment: Experiment) -> dict[str, Table]:
    return {table.title: table for table in tables_of(experiment)}


def column(table: Table, name: str) -> dict[tuple[str, ...], str]:
    where = table.head.index(name)
    return {row[: table.labels]: row[where] for row in table.rows if len(row) > where}


def test_cells() -> None:
    assert rate({"wer": 0.123, "ci95": [0.1, 0.149]}) == "12.3 [10.0, 14.9]"
    assert rate({"not_run": "why"}) == "not run (why)"
    assert mean({"mean": 3.14159, "ci95": [3.0, 3.3], "n": 9, "nan": 0}) == "3.14 [3.00, 3.30]"
    assert mean({"mean": 3.14159, "ci95": [3.0, 3.3], "n": 9, "nan": 2}) == "3.14 [3.00, 3.30], 2 not measured"
    assert mean({"not_run": "pesq is not installed"}) == "not run (pesq is not installed)"


def test_all_there(tables: dict[str, Table]) -> None:
    of_set = ("Summary on `{}`", "ASR on `{}`", "TTS on `{}`, read by whisper-base", "Sound on `{}`", "WER by speaker on `{}`")
    titles = [title.format(name) for title in of_set for name in ("test", "test_said")]
    titles += [f"{task} differences on `{name}`" for name in ("test", "test_said") for task in ("ASR", "TTS")]
    of_tokens = ("Token probes on `{}`", "PNMI differences on `{}`", "Purity differences on `{}`")  # against scores: of five on
    titles += [title.format(name) for name in ("test", "test_said") for title in of_tokens]
    assert list(tables) == [*titles, "Codec", "Codebooks", "Token edit distance", "Given to the language models", "Seconds a stage"]


def test_no_cell_is_blank(tables: dict[str, Table]) -> None:
    for table in tables.values():
        assert table.rows and table.note
        for row in table.rows:
            assert all(cell.strip() for cell in row)
            assert len(row) == len(table.head) or (len(row) < len(table.head) and row[-1] == CANNOT_SPEAK)


def test_tokenizers_alone(tmp_path: Path) -> None:
    paths = replace(make_experiment(tmp_path, second_judge=True), models=False)
    experiment = read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"], True)
    tables = {table.title: table for table in tables_of(experiment)}
    of_set = ["Summary on `test`", "Resynthesis on `test`, read by whisper-base", "Sound on `test`", "WER by speaker on `test`"]
    of_set += [
        "Two judges on `test`",
        "Resynthesis differences by whisper-base on `test`",
        "Resynthesis differences by ctc on `test`",
    ]
    of_set += ["Token probes on `test`", "PNMI differences on `test`", "Purity differences on `test`"]
    assert list(tables) == [*of_set, "Codec", "Codebooks", "Token edit distance", "Seconds a stage"]
    summary = tables["Summary on `test`"]
    assert summary.head[1:4] == ("resynthesis WER by whisper-base", "resynthesis WER by ctc", "semantic only WER")
    recordings, first, _, kmeans = summary.rows
    assert all(len(row) == len(summary.head) for row in summary.rows)
    assert first[3] == rate(experiment.systems[0].judged["test"]["semantic"])
    assert recordings[1] == rate(experiment.groundtruth["test"]) and kmeans[1] == "not run (no decoder)"
    assert "language model" not in tables["Two judges on `test`"].note and "resynthesis" in tables["Two judges on `test`"].note
    assert column(tables["Sound on `test`"], "DistillMOS")["recordings", "as they are"] == "3.20 [3.10, 3.30]"


def test_probes_alone(tmp_path: Path) -> None:
    paths = replace(make_experiment(tmp_path), models=False)
    experiment = read_experiment(paths.systems, paths.sets, "dev", None, [paths.exp / ".done"])
    tables = {table.title: table for table in tables_of(experiment)}
    of_set = ["Summary on `test`", "Token probes on `test`", "PNMI differences on `test`", "Purity differences on `test`"]
    assert list(tables) == [*of_set, "Codec", "Codebooks", "Token edit distance", "Seconds a stage"]
    first, *_ = tables["Summary on `test`"].rows
    assert first[:3] == ("resynthesis_12.5hz", "0.60 [0.54, 0.66]", "0.50 [0.50, 0.50]")
    assert column(tables["Token probes on `test`"], "PNMI")["resynthesis_12.5hz",] == "0.60 [0.54, 0.66]"
    assert column(tables["Token probes on `test`"], "place, bit")["resynthesis_12.5hz",] == "0.40"
    assert tables["PNMI differences on `test`"].rows[0][1:3] == ("–", "+0.10 *")


def test_without_a_judge(experiment: Experiment, tables: dict[str, Table]) -> None:
    unread = replace(experiment, groundtruth={}, systems=tuple(replace(s, judged={}) for s in experiment.systems))
    found = {table.title: table for table in tables_of(unread)}
    of_speech = {title for title in tables if title.startswith(("TTS", "Sound", "WER by speaker"))}
    assert of_speech and set(tables) - set(found) == of_speech
    summary = found["Summary on `test`"]
    assert summary.head[:3] == ("system", "ASR WER", "ASR controls") and "No judge was asked" in summary.note
    assert all(len(row) == len(table.head) for table in found.values() for row in table.rows if row[-1] != CANNOT_SPEAK)
    assert [row[1] for row in summary.rows] == [row[1] for row in tables["Summary on `test`"].rows[1:]]


def test_recordings_in_every_table_of_scores(tables: dict[str, Table]) -> None:
    for title, table in tables.items():
        if title.startswith(("Summary", "ASR on", "TTS on", "Sound", "WER", "Codec")) and title != "Codebooks":
            assert any(RECORDINGS in row[0] for row in table.rows) or RECORDINGS in table.head


def test_summary_says_what_the_results_say(experiment: Experiment, tables: dict[str, Table]) -> None:
    system = experiment.systems[0]
    row = dict(zip(tables["Summary on `test`"].head, tables["Summary on `test`"].rows[1], strict=True))
    assert row["ASR WER"] == rate(system.asr["test"]["own"])
    assert row["TTS WER"] == rate(system.judged["test"]["tts"])
    assert row["resynthesis WER"] == rate(system.judged["test"]["all"])
    assert row["in use %"] == "50.0" and row["Hz"] == "12.5"
    kmeans = tables["Summary on `test`"].rows[3]
    assert kmeans[0] == "kmeans_12.5hz_small" and kmeans[2] == kmeans[3] == "not run (no decoder)"


def test_asr_controls(experiment: Experiment, tables: dict[str, Table]) -> None:
    errors = column(tables["ASR on `test`"], "Err")
    for system in experiment.systems:
        assert errors[system.name, "another utterance's tokens"] == rate(system.asr["test"]["other"])
        assert errors[system.name, "its tokens, shuffled in time"] == rate(system.asr["test"]["shuffled"])
    assert errors[RECORDINGS, "as they are, by the judge"] == rate(experiment.groundtruth["test"])
    assert column(tables["ASR on `test`"], "no end")["kmeans_12.5hz_small", "its tokens"] == "1"


def test_edit_distances_have_intervals(tables: dict[str, Table]) -> None:
    found = column(tables["Token edit distance"], "speed 0.95")
    assert found["kmeans_12.5hz", "test"].startswith("45.0 [4") and found["the same audio again (by definition)", "all"] == "0.0"


def test_columns_add_up(tables: dict[str, Table]) -> None:
    table = tables["ASR on `test`"]
    for row in table.rows:
        cells = dict(zip(table.head, row, strict=True))
        assert float(cells["Corr"]) + float(cells["Sub"]) + float(cells["Del"]) == pytest.approx(100, abs=0.2)
        parts = float(cells["Sub"]) + float(cells["Del"]) + float(cells["Ins"])
        assert parts == pytest.approx(float(cells["Err"].split()[0]), abs=0.2)


def test_tts_rows_and_failures(experiment: Experiment, tables: dict[str, Table]) -> None:
    table = tables["TTS on `test`, read by whisper-base"]
    assert table.rows[0][:2] == (RECORDINGS, "as they are")
    assert [row[1] for row in table.rows[1:4]] == list(SPOKEN.values())
    assert table.rows[-1] == ("kmeans_12.5hz", CANNOT_SPEAK)
    assert column(table, "not ended")["resynthesis_12.5hz_small", "TTS"] == "2"
    speakers = tables["WER by speaker on `test`"]
    assert speakers.head == ("speaker", "ann", "bob", "eve")
    by_speaker = experiment.systems[0].judged["test"]["tts"]["by_speaker"]
    assert column(speakers, "eve")["resynthesis_12.5hz_small: TTS",] == rate(by_speaker["eve"])


def test_seconds(tables: dict[str, Table]) -> None:
    table = tables["Seconds a stage"]
    assert column(table, "data")["all systems",] == "10"
    assert column(table, "slm_train")["kmeans_12.5hz_small",] == "> 80"  # broken off and taken up
    assert column(table, "sum")["kmeans_12.5hz_small",] == "300"


def test_amounts(experiment: Experiment, tables: dict[str, Table]) -> None:
    table = tables["Given to the language models"]
    assert table.rows[0] == ("resynthesis_12.5hz_small", "1200", "1.00", "1.00", "45000", "72000")
    assert column(table, "tokens heard")["none_25hz_small",] == "90000"
    assert table.note.endswith("Here: steps are equal, audio is equal.")
    first, second, older = experiment.groups
    more = [{**row, "valid": {**row["valid"], "heard_seconds": 900.0}} for row in second.first.slm_history]
    second = replace(second, systems=(replace(second.first, slm_history=more),))
    assert amounts_table(replace(experiment, groups=(first, second))).note.endswith("audio is not equal, from 3600 to 7200 s.")
    uncounted = [{**row, "valid": {"loss": 1.0}} for row in older.first.slm_history]
    older = replace(older, systems=(replace(older.first, slm_history=uncounted),))
    table = amounts_table(replace(experiment, groups=(first, older)))
    assert table.rows[1] == ("kmeans_12.5hz_small", "1200", *["not run"] * 4)
    assert table.note.endswith("Here: steps are equal, audio was not counted for all.")


def test_markdown() -> None:
    table = Table("t", "n", ("system", "a|b", "c"), [("x", "1", "2"), ("y", CANNOT_SPEAK)])
    assert markdown(table).splitlines() == [
        "| system | a/b | c |",
        "| --- | ---: | ---: |",
        "| x | 1 | 2 |",
        f"| y | {CANNOT_SPEAK} | – |",
    ]


def test_results_md(experiment: Experiment) -> None:
    text = results_md("digits/slm1", experiment, environment())
    assert text.startswith("# RESULTS\n")
    for heading in ("## Environments", "## Contract", "## Commands", "## Scores", "### Codec"):
        assert f"\n{heading}\n" in text
    for key in ("date", "python", "torch", "espnet", "transformers", "git hash", "cpu", "threads"):
        assert f"\n- {key}: `" in text
    assert "- speech.judge.name: `whisper-base`" in text
    assert all(f"\n{command}\n" in text for command in COMMANDS)
    assert "not run (pesq is not installed; its core" in text


def test_warning_of_a_judge_of_the_teachers_family(experiment: Experiment) -> None:
    (warning,) = warnings_of(experiment)
    assert "whisper-tiny.en" in warning and "whisper-base" in warning
    assert f"> **Warning.** {warning}" in results_md("x", experiment, {"date": "today"})


def test_warning_of_two_judges_of_the_teachers_family(experiment: Experiment) -> None:
    second = {"judge": {"name": "whisper-small"}}
    first, other = warnings_of(replace(experiment, contract={**experiment.contract, "second": second}))
    assert "judge (whisper-base)" in first and "judge (whisper-small)" in other
    assert "A judge of another kind has not been asked" in first


@pytest.mark.parametrize(("judge", "warned"), [("faster-whisper-base", True), ("hubert-base", False), ("parakeet-tiny", False)])
def test_families(experiment: Experiment, judge: str, warned: bool) -> None:
    contract = {**experiment.contract, "speech": {"judge": {"name": judge}}}
    assert bool(warnings_of(replace(experiment, contract=contract))) == warned


def test_contract_is_flattened() -> None:
    assert list(flat({"a": {"b": {"c": 1}, "d": "e"}, "f": None})) == [("a.b.c", "1"), ("a.d", "e"), ("f", "null")]


def test_environment_names_gpus_without_asking_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("lmspt.report.environment.DRIVER", tmp_path)
    assert environment()["gpu"] == "none"
    for slot in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / slot).mkdir()
        (tmp_path / slot / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 100\n")
    assert environment()["gpu"] == "NVIDIA H100 80GB HBM3, NVIDIA H100 80GB HBM3"


def test_environment_without_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("lmspt.report.environment.ROOT", tmp_path)
    assert environment()["git hash"] == "unknown: this is no git checkout"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment()["git hash"] == "unknown: this is no git checkout"
