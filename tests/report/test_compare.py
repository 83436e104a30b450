"""Systems against each other: from folders and from a published table, the same; and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lmspt.bin.compare import main
from lmspt.errors import InputError
from lmspt.files import write_json
from lmspt.report.compare import compare, read_scored, warnings_of
from tests.report.experiment import Paths, make_experiment

RESYNTHESIS, NONE, KMEANS = "resynthesis_12.5hz_small", "none_25hz_small", "kmeans_12.5hz_small"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    paths = make_experiment(tmp_path_factory.mktemp("egs") / "digits/slm1", n_utts=12, seeds=(1, 2))
    paths.report()
    return paths


def benchmark(paths: Paths) -> dict:
    return json.loads((paths.root / "results/benchmark.json").read_text())


def test_seeds_are_grouped(paths: Paths) -> None:
    table = benchmark(paths)
    assert [group["name"] for group in table["groups"]] == [RESYNTHESIS, NONE, KMEANS]
    assert table["groups"][0]["systems"] == [f"{RESYNTHESIS}_s1", f"{RESYNTHESIS}_s2"]
    rows = {row["name"]: row for row in table["systems"]}
    assert len(rows) == 6 and rows[f"{NONE}_s2"]["slm_seed"] == 2
    for group in table["groups"]:
        seeds = [rows[name]["asr"]["test"]["wer"] for name in group["systems"]]
        assert group["asr"]["test"]["seeds"]["wer"] == pytest.approx(seeds)
        assert group["asr"]["test"]["wer"] == pytest.approx(sum(seeds) / 2)
    assert table["groups"][2]["tts"]["test"]["not_run"]
    pairs = table["comparisons"]["test"]
    assert len(pairs["asr"]) == 3 and [(pair["a"], pair["b"]) for pair in pairs["tts"]] == [(RESYNTHESIS, NONE)]
    summary = (paths.root / "results/RESULTS.md").read_text()
    assert f"| {RESYNTHESIS} | " in summary and " ± " in summary
    assert "### ASR differences on `test`" in summary


def test_folders_and_table_say_the_same(paths: Paths) -> None:
    table = paths.root / "results/benchmark.json"
    from_table = compare([read_scored(f"{table}:{name}") for name in (RESYNTHESIS, NONE)])
    from_folders = compare([read_scored(str(paths.exp / f"slm_{name}")) for name in (RESYNTHESIS, NONE)])
    assert [line.partition(" points, ")[2] for line in from_table] == [line.partition(" points, ")[2] for line in from_folders]
    assert sum(" points, 95 % [" in line for line in from_table) == 2  # ASR and TTS
    pair = benchmark(paths)["comparisons"]["test"]["asr"][0]
    said = f"{100 * pair['difference']:+.1f} points, 95 % [{100 * pair['ci95'][0]:+.1f}, {100 * pair['ci95'][1]:+.1f}]"
    assert said in from_table[3]


def test_from_any_folder(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a language model says of its tokenizer is true in the recipe's folder."""
    shutil.copytree(paths.exp, tmp_path / "exp")
    (tmp_path / f"exp/slm_{RESYNTHESIS}_s1/tokenizer").write_text("exp/tok_resynthesis_12.5hz\n")
    monkeypatch.chdir(tmp_path / "exp")
    assert read_scored(f"slm_{RESYNTHESIS}_s1").teachers == {"whisper-tiny.en"}
    assert read_scored(str(tmp_path / f"exp/slm_{RESYNTHESIS}_s1")).teachers == {"whisper-tiny.en"}


def test_a_torn_file(paths: Paths, tmp_path: Path) -> None:
    shutil.copytree(paths.exp / f"slm_{RESYNTHESIS}_s1", tmp_path / "slm_x")
    (tmp_path / "slm_x/asr_test/stats.json").write_text('{"contr')
    with pytest.raises(InputError, match=r"asr_test/stats.json: not JSON .* run stage 9 again"):
        read_scored(str(tmp_path / "slm_x"))


def test_what_was_put_aside_is_no_seed(paths: Paths, tmp_path: Path) -> None:
    for seed in (1, 2):
        shutil.copytree(paths.exp / f"slm_{NONE}_s{seed}", tmp_path / f"slm_x_t{seed}_small_s1")
    shutil.copytree(tmp_path / "slm_x_t1_small_s1", tmp_path / "slm_x_t1_small_s1.until_20260101-000000")
    shutil.copytree(tmp_path / "slm_x_t1_small_s1", tmp_path / "slm_x_t1_large_s1")
    assert len(read_scored(str(tmp_path / "slm_x_small")).counts["test", "asr"].wers) == 2
    with pytest.raises(InputError, match="no such system"):
        read_scored(str(tmp_path / "slm_x"))


def test_one_seed_and_more_than_two(paths: Paths) -> None:
    names = [str(paths.exp / f"slm_{RESYNTHESIS}_s1"), *(str(paths.exp / f"slm_{name}") for name in (NONE, KMEANS))]
    lines = compare([read_scored(name) for name in names])
    assert lines[0] == "ASR on test: 12 utterances, 50 words, 3 speakers"
    assert "one seed" in lines[1] and "seeds: " in lines[2]
    assert len(lines) == 1 + 3 + 3  # k-means cannot speak, so they have ASR in common alone


def test_command(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(paths.exp / f"slm_{name}") for name in (RESYNTHESIS, NONE)])
    out, err = capsys.readouterr()
    assert "with Holm's correction" in out
    assert "judge whisper-base is of its teacher's family (whisper-tiny.en)" in err and err.count("warning") == 1
    with pytest.raises(SystemExit):
        main(["x", "x"])


def test_scores_that_one_lacks_are_told(paths: Paths) -> None:
    names = [f"{paths.root}/results/benchmark.json:{name}" for name in (NONE, KMEANS)]
    assert warnings_of([read_scored(name) for name in names]) == [f"{names[1]}: has no tts score on test, which is left out"]


def test_teachers(paths: Paths) -> None:
    assert read_scored(str(paths.exp / f"slm_{NONE}")).teachers == frozenset()
    assert warnings_of([read_scored(f"{paths.root}/results/benchmark.json:{NONE}")]) == []
    assert len(warnings_of([read_scored(f"{paths.root}/results/benchmark.json:{RESYNTHESIS}_s1")])) == 1
    scored = read_scored(str(paths.exp / f"slm_{RESYNTHESIS}"))
    taught = replace(scored, teachers=frozenset({"whisper-base"}))
    assert "judge whisper-base is its teacher, and may read" in warnings_of([taught])[0]


def test_tokenizers_alone(paths: Paths, tmp_path: Path) -> None:
    alone = replace(paths, root=tmp_path / "egs/digits/slm1", models=False)
    shutil.copytree(paths.root, alone.root)
    alone.report()
    folders = [str(alone.exp / f"tok_{name}") for name in ("resynthesis_12.5hz", "none_25hz")]
    rows = [f"{alone.root}/results/benchmark.json:{name}" for name in ("resynthesis_12.5hz", "none_25hz")]
    found, published = (compare([read_scored(name) for name in names]) for names in (folders, rows))
    assert found[0].startswith("resynthesis on test, read by whisper-base: 12 utterances")
    assert found[3].split(": ")[-1] == published[3].split(": ")[-1]
    assert len(published) == 4 and found[5] == "PNMI above chance on test: 12 utterances, 3 speakers"
    assert found[6].endswith("tok_resynthesis_12.5hz  0.60 [0.53, 0.67]")
    assert re.search(r"tok_none_25hz: \+0.100, 95 % \[.*\] by utterances, \[.*\] by speakers, p < 0.0001, with Holm's", found[8])
    assert "judge whisper-base is of its teacher's family" in warnings_of([read_scored(folders[0])])[0]


def test_refusals(paths: Paths) -> None:
    for name in (f"{paths.exp}/slm_nothing", f"{paths.exp}/nothing.json:row"):
        with pytest.raises(InputError, match=r"give exp/slm_<tag>, exp/tok_<tag>, or results/benchmark.json:<row>"):
            read_scored(name)
    with pytest.raises(InputError, match=f"has no row 'typo'; it has {RESYNTHESIS}"):
        read_scored(f"{paths.root}/results/benchmark.json:typo")


def test_another_contract_and_missing_utterances_are_refused(paths: Paths, tmp_path: Path) -> None:
    other = make_experiment(tmp_path / "egs/digits/slm1", n_utts=12, seeds=(1,))
    changed = other.exp / f"slm_{NONE}_s1/asr_test/result.json"
    result = json.loads(changed.read_text())
    systems = [str(paths.exp / f"slm_{RESYNTHESIS}"), str(other.exp / f"slm_{NONE}")]
    write_json(changed, {**result, "contract": {**result["contract"], "normalizer": "none"}})
    with pytest.raises(InputError, match=r"different contracts \(normalizer: digits and none\)"):
        compare([read_scored(name) for name in systems])
    write_json(changed, {**result, "utts": result["utts"][1:]})
    with pytest.raises(InputError, match=r"has no score of utterance 'ann-000'"):
        compare([read_scored(name) for name in systems])


def test_torch_is_not_imported(paths: Paths) -> None:
    code = "import sys; from lmspt.bin.compare import main; main(sys.argv[1:]); print('torch' in sys.modules)"
    words = [str(paths.exp / f"slm_{name}") for name in (RESYNTHESIS, NONE)]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "False"
