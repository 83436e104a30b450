"""slm.sh: order, markers, failures and resuming, with a stub in the place of the commands."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.utils.shell import ROOT

STAGES = [
    *("data", "format", "feats", "tok_train", "tok_dump", "tok_eval", "slm_data", "slm_train"),
    *("asr_decode", "asr_score", "tts_decode", "tts_score", "report", "pack"),
]
LOCAL_DATA = """#!/usr/bin/env bash
set -euo pipefail
echo "local/data.sh $*" >> calls.txt
for set in train dev test; do
    mkdir -p data/${set}
    for file in wav.scp text utt2spk; do [ -e data/${set}/${file} ] || echo "u x" > data/${set}/${file}; done
done
"""
KMEANS = "tokenizer: kmeans\nteacher: some/whisper\nteacher_layer: 4\n"
OPTIONS = ["--tok_list", "conf/tok/resynthesis.yaml conf/tok/kmeans.yaml"]


def make_recipe(repository: Path) -> Path:
    """A recipe in a small copy of the repository, made with setup.sh; its python is the stub."""
    for part in ("egs/TEMPLATE", "utils"):
        shutil.copytree(ROOT / part, repository / part, symlinks=True)
    folder = repository / "egs" / "toy" / "slm1"
    subprocess.run([repository / "egs/TEMPLATE/slm1/setup.sh", folder], check=True, capture_output=True)
    (folder / "local" / "data.sh").write_text(LOCAL_DATA)
    for name in ("tok/resynthesis", "tok/kmeans", "slm/small"):
        config = folder / "conf" / f"{name}.yaml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(f"name: {name}\n")
    (folder / "conf/tok/kmeans.yaml").write_text(KMEANS)
    (repository / "bin").mkdir()
    shutil.copy(ROOT / "tests/utils/stub_python.sh", repository / "bin" / "python")
    (folder / "path.sh").unlink()
    (folder / "path.sh").write_text(
        f"export REAL_PYTHON={sys.executable}\n"
        f"export PATH=${{PWD}}/../../../bin:${{PWD}}/utils:{Path(sys.executable).parent}:${{PATH}}\n"
    )
    # the fronts of the data commands would set the environment up
    front = repository / "utils" / "validate_data_dir.sh"
    front.write_text('#!/bin/sh\nexec python -m lmspt.bin.validate_data "$@"\n')
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe where nothing has run."""
    return make_recipe(tmp_path)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A recipe after all stages, and what they said."""
    folder = make_recipe(tmp_path_factory.mktemp("repository"))
    return folder, slm(folder)


@pytest.fixture
def finished(first_run: tuple[Path, object], tmp_path: Path) -> Path:
    """A copy of a recipe after all stages."""
    shutil.copytree(first_run[0].parents[2], tmp_path / "repository", symlinks=True)
    folder = tmp_path / "repository" / "egs" / "toy" / "slm1"
    (folder / "calls.txt").unlink()
    return folder


def slm(recipe: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["./slm.sh", *OPTIONS, *arguments]
    return subprocess.run(command, cwd=recipe, capture_output=True, text=True, env={**os.environ, **environment}, timeout=280)


def wait_for(path: Path) -> None:
    deadline = time.time() + 120
    while not path.exists():
        assert time.time() < deadline
        time.sleep(0.05)


def wait_for_unlocked(folder: Path) -> None:
    """Until nobody holds a lock on a file of ``folder``."""
    deadline = time.time() + 120
    while any(subprocess.run(["flock", "-n", path, "true"]).returncode for path in folder.iterdir()):
        assert time.time() < deadline
        time.sleep(0.05)


def calls(recipe: Path) -> list[str]:
    """Commands called since the last time this was asked."""
    path = recipe / "calls.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def names(lines: list[str]) -> list[str]:
    """Command names in order, each run of equal ones once."""
    found = [line.split()[0] for line in lines]
    return [name for index, name in enumerate(found) if index == 0 or found[index - 1] != name]


def test_all_stages(first_run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = first_run
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (folder / "calls.txt").read_text().splitlines()
    count = Counter(line.split()[0] for line in lines)
    assert count == {
        "local/data.sh": 1, "validate_data": 3, "format_data": 3, "dump_features": 1, "tok_train": 2, "tok_dump": 6,
        "tok_eval": 4, "codec_score": 2, "tok_probe": 2, "slm_data": 2, "slm_train": 2, "asr_decode": 6, "asr_score": 6,
        "tts_decode": 1, "tts_score": 4, "report": 1, "pack": 2,
    }  # fmt: skip
    control = "asr_decode --slm exp/slm_kmeans_small .* --out exp/slm_kmeans_small/asr_test_other --control other"
    assert any(re.fullmatch(control, line) for line in lines)
    last = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d \(slm.sh:\d+:main\) Successfully finished. \[elapsed=\d+s\]"
    assert re.fullmatch(last, done.stdout.splitlines()[-1])


def test_nothing_is_done_twice(finished: Path) -> None:
    began = time.time()
    done = slm(finished)
    assert done.returncode == 0
    assert calls(finished) == []
    assert time.time() - began < 20
    hint = r" \(slm.sh:\d+:stage_tok_train\) resynthesis is done \(to do it again: rm exp/.done/4_tok_train.resynthesis"
    assert re.search(hint, done.stdout)


def test_a_changed_tokenizer_is_trained_anew_and_the_old_one_kept(finished: Path) -> None:
    (finished / "conf/tok/kmeans.yaml").write_text(KMEANS + "seed: 2\n")
    assert slm(finished, "--stop_stage", "5").returncode == 0
    lines = calls(finished)
    assert names(lines) == ["dump_features", "tok_train", "tok_dump"]
    assert not any("resynthesis" in line for line in lines)
    assert len(list((finished / "exp").glob("tok_kmeans.until_*/model.safetensors"))) == 1


def test_a_language_model_of_other_texts_is_trained_anew(finished: Path) -> None:
    """Not all of its data is in vocab.json, which other texts of as many words leave as it was."""
    path = next((finished / "exp").glob("data_*/train.jsonl"))
    path.write_text("other texts")
    assert slm(finished, "--stop_stage", "8").returncode == 0
    (line,) = calls(finished)
    assert line.startswith("slm_train")
    assert f"--data {path.parent.relative_to(finished)} " in line


def test_other_audio_of_the_same_names_and_lengths_is_other_audio(finished: Path) -> None:
    (finished / "dump/raw/test/audio.sha256").write_text("another")
    assert slm(finished, "--stop_stage", "9").returncode == 0
    assert set(names(calls(finished))) >= {"tok_dump", "tok_eval", "tok_probe", "asr_decode"}


def test_what_is_trained_on_has_limits_of_length(recipe: Path) -> None:
    assert slm(recipe, "--test_sets", "dev test", "--stop_stage", "2").returncode == 0
    limited = [" --max_seconds " in line for line in calls(recipe) if line.startswith("format_data")]
    assert limited == [True, True, False]


@pytest.mark.parametrize("kind", ["tok", "slm"])
def test_two_configurations_of_one_name(recipe: Path, kind: str) -> None:
    other = recipe / "conf/other/small.yaml"
    other.parent.mkdir()
    shutil.copy(recipe / "conf/slm/small.yaml", other)
    shutil.copy(other, recipe / "conf/tok/small.yaml")
    both = f"conf/{kind}/small.yaml conf/other/small.yaml"
    run = slm(recipe, "--tok_list" if kind == "tok" else "--slm_config", both)
    assert run.returncode != 0
    assert "two configurations are called small.yaml" in run.stdout + run.stderr
    assert calls(recipe) == []


def test_kmeans_of_one_teacher_share_its_features(recipe: Path) -> None:
    for frame_rate in (50, 12.5):
        (recipe / f"conf/tok/at_{frame_rate}.yaml").write_text(f"{KMEANS}frame_rate: {frame_rate}\nmax_utts: 9\n")
    options = ["--tok_list", "conf/tok/at_50.yaml conf/tok/at_12.5.yaml", "--stop_stage", "4"]
    assert slm(recipe, *options).returncode == 0
    features = "dump/feats/whisper_layer4_utts9/train"
    assert [line.split(" --out ")[1] for line in calls(recipe) if line.startswith("dump_features")] == [f"{features} --"]
    assert slm(recipe, *options).returncode == 0
    assert calls(recipe) == []
    assert slm(recipe, *options, "--tok_args", "--teacher another --max_utts=5").returncode == 0
    lines = calls(recipe)
    assert names(lines) == ["dump_features", "tok_train"]
    assert lines[0].endswith(" --out dump/feats/another_layer4_utts5/train -- --teacher another --max_utts=5")
    assert all("--feats dump/feats/another_layer4_utts5/train" in line for line in lines[1:])


def test_values_are_read_as_python_reads_them(recipe: Path) -> None:
    (recipe / "conf/tok/quoted.yaml").write_text("tokenizer: 'kmeans'\nteacher : \"some/whisper\"  # a teacher\nteacher_layer: 4\n")
    options = ["--tok_list", "conf/tok/quoted.yaml", "--dry_run", "--stage", "3", "--stop_stage", "3"]
    for words, name in (
        ("", "whisper_layer4"),
        ("--teacher-layer 2", "whisper_layer2"),
        ("--teacher_layer   '2' --note teacher_layer=7", "whisper_layer2"),
        ("teacher_layer=3 --max_epoch 1 --teacher-layer=2", "whisper_layer2"),
    ):
        assert f"--out dump/feats/{name}/train " in slm(recipe, *options, "--tok_args", words).stdout


def test_a_published_tokenizer_is_looked_up_not_trained(recipe: Path) -> None:
    (recipe / "conf/tok/mimi.yaml").write_text("tokenizer: mimi\npath: kyutai/mimi\n")
    arguments = ("--tok_list", "conf/tok/mimi.yaml", "--stop_stage", "5")
    assert slm(recipe, *arguments).returncode == 0
    assert names(calls(recipe))[-2:] == ["tok_train", "tok_dump"]
    (recipe / "exp/tok_mimi/model.safetensors").unlink()  # it is not among what stage 4 promises
    (recipe / "dump/raw/train/wav.scp").write_text("other audio\n")
    assert slm(recipe, *arguments, "--stage", "3").returncode == 0
    assert names(calls(recipe)) == ["tok_dump"], "the audio has changed, the tokenizer has not heard it"


def test_scoring_options_redo_scores_only(finished: Path) -> None:
    assert slm(finished, "--normalizer", "digits").returncode == 0
    assert names(calls(finished)) == ["asr_score", "tts_score", "report", "pack"]


def test_a_ctm_is_for_the_probes_alone(finished: Path) -> None:
    (finished / "data/test/ctm").write_text("u 1 0 0.1 AH\n")
    assert slm(finished).returncode == 0
    lines = calls(finished)
    assert names(lines) == ["tok_probe", "report", "pack"]
    assert all(" --ctm data/test/ctm " in line for line in lines[:2])


@pytest.mark.parametrize("ends", [("4", "6"), ("tok_train", "tok_eval"), ("tok_train", "6")])
def test_stages_by_number_and_name(finished: Path, ends: tuple[str, str]) -> None:
    for place in ("data", "dump", "exp"):
        shutil.rmtree(finished / place / ".done")
    assert slm(finished, "--stage", ends[0], "--stop_stage", ends[1], "--skip_stages", "tok_dump 9").returncode == 0
    assert set(names(calls(finished))) == {"tok_train", "tok_eval", "codec_score", "tok_probe"}


def test_a_stage_without_its_inputs(recipe: Path) -> None:
    done = slm(recipe, "--stage", "slm_train")
    assert done.returncode == 1
    assert "vocab.json is missing: run stage 7 (slm_data) first" in done.stderr
    (recipe / "conf/slm/small.yaml").unlink()
    assert "conf/slm/small.yaml is missing: it is for you to write" in slm(recipe, "--stage", "slm_train").stderr
    assert "there is no stage tok_trian: --list_stages shows all" in slm(recipe, "--stage", "tok_trian").stderr
    assert calls(recipe) == []


def test_failure_names_stage_place_command_and_log(recipe: Path) -> None:
    done = slm(recipe, "--stop_stage", "5", FAIL="tok_dump")
    assert done.returncode == 1
    assert "run.py: the last lines of " in done.stderr and "    tok_dump is told to fail" in done.stderr
    assert re.search(r"error: the command was: run.py .* lmspt.bin.tok_dump ", done.stderr)
    place = r"\(slm.sh:\d+:stage_tok_dump\) error: stage 5 \(tok_dump\) of id\w+.train stopped with status 1"
    assert re.search(place, done.stderr)
    assert "Successfully finished" not in done.stdout
    calls(recipe)
    assert slm(recipe, "--stop_stage", "5").returncode == 0
    assert names(calls(recipe)) == ["tok_dump"]


def test_killed_run_is_taken_up_and_leaves_no_orphan(recipe: Path) -> None:
    command = ["./slm.sh", *OPTIONS, "--stop_stage", "4"]
    process = subprocess.Popen(command, cwd=recipe, stdout=subprocess.DEVNULL, env={**os.environ, "HANG": "tok_train"})
    wait_for(recipe / "hanging")
    process.kill()
    process.wait()
    calls(recipe)
    done = slm(recipe, "--stop_stage", "4")
    assert done.returncode == 0, done.stderr
    assert "resynthesis is to be done: was not finished" in done.stdout
    assert not list((recipe / "exp").glob("*.until_*"))
    assert names(calls(recipe)) == ["tok_train"]


def test_resume_script(finished: Path) -> None:
    (finished / f"dump/.done/5_tok_dump.{(finished / 'exp/tok_kmeans/tok_id').read_text().strip()}.test.json").unlink()
    script = finished / "exp/tok_kmeans/run.sh"
    script.write_text(re.sub("^cd .*", f"cd {finished}", script.read_text(), flags=re.MULTILINE))
    assert subprocess.run([script, "--stop_stage", "5"], cwd="/", capture_output=True).returncode == 0
    assert [line.split()[0] for line in calls(finished)] == ["tok_dump"]


def test_words_of_options(recipe: Path) -> None:
    options = ["--tok_args", "--max_epoch 3 --note 'a b'", "--local_data_opts", '--langs "en es"', "--train_variants=2"]
    assert slm(recipe, "--stop_stage", "5", *options).returncode == 0
    lines = calls(recipe)
    assert lines[0] == "local/data.sh --langs en es"
    assert next(line for line in lines if line.startswith("tok_train")).endswith(" -- --max_epoch 3 --note a b")
    assert sum(line.endswith("--variants 2") for line in lines) == 2


def test_lists_on_several_lines_and_quotes_that_do_not_match(recipe: Path) -> None:
    assert slm(recipe, "--stop_stage", "4", "--tok_list", "conf/tok/resynthesis.yaml\nconf/tok/kmeans.yaml\n").returncode == 0
    assert sum(line.startswith("tok_train") for line in calls(recipe)) == 2
    done = slm(recipe, "--stop_stage", "4", "--tok_args", "--note it's --max_epoch 3")
    assert done.returncode != 0 and "quotes do not match in: --note it's --max_epoch 3" in done.stderr
    assert slm(recipe, "--stop_stage", "1", "--local_data_opts", "--language ''").returncode == 0
    assert calls(recipe)[-4] == "local/data.sh --language "


def test_dry_run_runs_and_writes_nothing(recipe: Path) -> None:
    done = slm(recipe, "--dry_run")
    assert done.returncode == 0
    assert calls(recipe) == []
    assert not (recipe / "exp").exists()
    assert not (recipe / "dump").exists()
    for number, name in enumerate(STAGES, start=1):
        assert f" stage {number} ({name}): " in done.stdout
    assert "     run.py --num_threads 1 exp/logs/pack." not in done.stdout
    assert "    run.py --num_threads 1 exp/logs/pack.slm_kmeans_small.log python -m lmspt.bin.pack " in done.stdout


def test_dry_run_tells_what_is_stale(finished: Path) -> None:
    (finished / "conf/tok/kmeans.yaml").write_text(KMEANS + "seed: 3\n")
    plan = slm(finished, "--dry_run", "--stage", "4", "--stop_stage", "6").stdout
    assert "kmeans is to be done: conf/tok/kmeans.yaml changed" in plan
    assert "ID_OF_kmeans.train is to be done" in plan, "whose id is known only then"
    assert f"{(finished / 'exp/tok_resynthesis/tok_id').read_text().strip()}.train is done" in plan
    assert calls(finished) == []


def test_list_stages_and_help(recipe: Path) -> None:
    listed = slm(recipe, "--list_stages").stdout.splitlines()
    assert [line.split()[1] for line in listed] == STAGES
    text = slm(recipe, "--help").stdout
    for option in ("stage", "tok_list", "skip_stages", "judge", "max_eval_utts"):
        assert f"  --{option} " in text
    assert slm(recipe, "extra").returncode == 2
    assert calls(recipe) == []


def test_a_run_waits_for_another_at_the_same_unit(recipe: Path) -> None:
    command = ["./slm.sh", *OPTIONS, "--stop_stage", "2"]
    environment = {**os.environ, "HANG": "validate_data", "SECONDS_TO_HANG": "3"}
    with subprocess.Popen(command, cwd=recipe, stdout=subprocess.DEVNULL, env=environment) as first:
        wait_for(recipe / "hanging")
        done = slm(recipe, "--stop_stage", "2")
    assert (first.returncode, done.returncode) == (0, 0)
    waits = rf"it: another run is at work on it: process {first.pid} on {os.uname().nodename}, since 20.*: \./slm\.sh .* Waiting"
    assert re.search(waits, done.stdout)
    assert "(slm.sh:" in done.stdout and "it is done" in done.stdout
    lines = Counter(calls(recipe))
    assert len(lines) == 7 and set(lines.values()) == {1}, "something was done twice"


def test_what_another_run_may_read_is_not_replaced(finished: Path) -> None:
    (finished / "exp/.done/8_slm_train.kmeans_small.json").unlink()
    environment = {**os.environ, "HANG": "slm_train"}
    with subprocess.Popen(["./slm.sh", *OPTIONS], cwd=finished, stdout=subprocess.DEVNULL, env=environment) as other:
        try:
            wait_for(finished / "hanging")
            done = slm(finished, "--sample_rate", "8000")
            other_stages = slm(finished, "--stage", "4", "--stop_stage", "6")
        finally:
            other.kill()
    assert done.returncode == 1
    message = rf"error: dump/raw/train would be replaced, and another run may be reading it: process {other.pid} on .*slm\.sh"
    assert re.search(message, done.stderr)
    assert other_stages.returncode == 0
    wait_for_unlocked(finished / ".runs")  # its commands end a moment after it
    again = slm(finished, "--sample_rate", "8000", "--stop_stage", "2")  # the dead hold nothing
    assert again.returncode == 0
    assert not list((finished / ".runs").iterdir())


def test_experiments_know_what_others_made_of_their_data(finished: Path) -> None:
    """data and dump are shared, whatever --expdir says; what another made of them by other options is made again."""
    other = ("--expdir", "exp/other", "--stop_stage", "2")
    assert slm(finished, *other).returncode == 0
    assert calls(finished) == []
    assert slm(finished, *other, "--local_data_opts", "--other").returncode == 0
    assert names(calls(finished))[:1] == ["local/data.sh"]
    assert slm(finished, "--stop_stage", "2").returncode == 0
    assert names(calls(finished))[:1] == ["local/data.sh"]
    (finished / "db.sh").write_text("CORPUS=/elsewhere\n")
    assert slm(finished, "--stop_stage", "1").returncode == 0
    assert names(calls(finished))[:1] == ["local/data.sh"]


def test_tokenizers_of_one_name_in_two_experiments_leave_each_others_tokens_alone(recipe: Path) -> None:
    other = ("--expdir", "exp/other", "--tok_args", "--seed 3")
    for options in ((), other):
        assert slm(recipe, "--stop_stage", "7", *options).returncode == 0
        assert names(calls(recipe))[-1] == "slm_data"
    for options in ((), other):
        assert slm(recipe, "--stop_stage", "7", *options).returncode == 0
        assert calls(recipe) == []


def test_experiments_that_share_a_tokenizer_share_its_tokens_and_no_more(finished: Path) -> None:
    """What one makes of the tokens is its own; tokens that one made by other options are made again for the other."""
    other = ("--expdir", "exp/other", "--stop_stage", "8")
    assert slm(finished, *other, "--slm_args", "--text_units 256").returncode == 0
    assert set(names(calls(finished))) == {"tok_train", "tok_eval", "codec_score", "tok_probe", "slm_data", "slm_train"}
    assert slm(finished, "--stop_stage", "8").returncode == 0
    assert calls(finished) == []
    assert slm(finished, *other, "--stop_stage", "5", "--train_variants", "2").returncode == 0
    assert names(calls(finished)) == ["tok_dump"]
    assert slm(finished, "--stop_stage", "5").returncode == 0
    assert names(calls(finished)) == ["tok_dump"]


def test_killed_while_it_puts_aside_what_other_options_made(finished: Path) -> None:
    (finished.parents[2] / "bin/mv").write_text('#!/bin/sh\nkill -9 "$PPID"\n')
    (finished.parents[2] / "bin/mv").chmod(0o755)
    options = ("--slm_args", "--lr 9", "--stop_stage", "8")
    assert slm(finished, *options).returncode == -signal.SIGKILL
    (finished.parents[2] / "bin/mv").unlink()
    calls(finished)
    assert slm(finished, *options).returncode == 0
    assert names(calls(finished))[-1] == "slm_train"
    assert len(list((finished / "exp").glob("slm_*.until_*/model.safetensors"))) == 2, "none of the two is trained over the old one"


def test_another_corpus_is_read(finished: Path) -> None:
    """Where db.sh says that it lies, and what its table says, decide what stage 1 writes."""
    corpus = finished / "corpus"
    corpus.mkdir()
    (corpus / "metadata.csv").write_text("a|one\n")
    for there in (corpus, finished):
        assert slm(finished, "--stop_stage", "1", MYCORPUS=str(there)).returncode == 0
        assert names(calls(finished))[:1] == ["local/data.sh"]
    assert slm(finished, "--stop_stage", "1", MYCORPUS=str(corpus)).returncode == 0
    (corpus / "metadata.csv").write_text("a|two\n")
    calls(finished)
    assert slm(finished, "--stop_stage", "1", MYCORPUS=str(corpus)).returncode == 0
    assert names(calls(finished))[:1] == ["local/data.sh"]
    assert slm(finished, "--stop_stage", "1", MYCORPUS=str(corpus)).returncode == 0
    assert calls(finished) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--normalizer", "englsh"], "--normalizer englsh: not one of english, digits"),
        (["--ngpu", "abc"], "--ngpu abc: give a whole number"),
        (["--nj", "0"], "--nj 0: give 1 or more"),
        (["--slm_config", "conf/slm/nope.yaml"], "conf/slm/nope.yaml is missing: it is for you to write"),
        (["--decode_config", "conf/nope.yaml"], "conf/nope.yaml is missing: it is for you to write"),
        (["--dry_run", "--tok_list", "conf/tok/nope.yaml"], "conf/tok/nope.yaml is missing: it is for you to write"),
        (["--stage", "15"], "there is no stage 15"),
        (["--stage", "5", "--stop_stage", "3"], "--stop_stage 3 comes before --stage 5"),
    ],
)
def test_what_is_told_before_anything_is_done(recipe: Path, options: list[str], message: str) -> None:
    done = slm(recipe, *options)
    assert done.returncode != 0 and message in done.stderr
    assert calls(recipe) == []


def test_numbers_of_stages_as_elsewhere(recipe: Path) -> None:
    assert slm(recipe, "--stage", "0", "--stop_stage", "02").returncode == 0
    assert names(calls(recipe)) == ["local/data.sh", "validate_data", "format_data"]
    assert "(slm.sh" in slm(recipe, "--stage", "14", "--stop_stage", "10000", "--dry_run").stdout


def test_two_language_models_a_tokenizer(finished: Path) -> None:
    (finished / "conf/slm/large.yaml").write_text("name: slm/large\n")
    models = ("--slm_config", "conf/slm/small.yaml conf/slm/large.yaml")
    assert slm(finished, *models).returncode == 0
    lines = calls(finished)
    count = Counter(line.split()[0] for line in lines)
    assert count == {
        "slm_data": 2, "slm_train": 2, "asr_decode": 6, "asr_score": 6, "tts_decode": 1, "tts_score": 1, "report": 1, "pack": 4,
    }  # fmt: skip
    assert all("--config conf/slm/large.yaml" in line for line in lines if re.match("slm_(data|train)", line))
    (report,) = (line for line in lines if line.startswith("report"))
    for system in ("resynthesis_small", "resynthesis_large", "kmeans_small", "kmeans_large"):
        assert f"exp/slm_{system} " in report


def test_no_language_model(recipe: Path) -> None:
    done = slm(recipe, "--slm_config", "", "--stage", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = calls(recipe)
    count = Counter(line.split()[0] for line in lines)
    assert not {"slm_data", "slm_train", "asr_decode", "asr_score", "tts_decode", "pack"} & set(count)
    assert (count["tok_train"], count["tts_score"], count["report"]) == (2, 3, 1)  # recordings and two kinds of resynthesis
    (report,) = (line for line in lines if line.startswith("report"))
    assert "--systems exp/tok_resynthesis exp/tok_kmeans --sets" in report


def test_no_judge(recipe: Path) -> None:
    done = slm(recipe, "--judge", "")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = calls(recipe)
    count = Counter(line.split()[0] for line in lines)
    assert not {"tts_decode", "tts_score"} & set(count) and (count["asr_score"], count["report"]) == (6, 1)
    (report,) = (line for line in lines if line.startswith("report"))
    assert "--groundtruth" not in report
    assert slm(recipe).returncode == 0
    assert names(calls(recipe)) == ["tts_decode", "tts_score", "report", "pack"], "a judge may be asked later"


def test_neither_judge_nor_language_model(recipe: Path) -> None:
    done = slm(recipe, "--judge", "", "--slm_config", "")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = calls(recipe)
    assert not {"slm_data", "slm_train", "asr_decode", "tts_decode", "tts_score", "pack"} & set(names(lines))
    (report,) = (line for line in lines if line.startswith("report"))
    assert "--systems exp/tok_resynthesis exp/tok_kmeans --sets" in report and "--groundtruth" not in report


def test_a_second_judge_needs_a_first(recipe: Path) -> None:
    done = slm(recipe, "--judge", "", "--second_judge", "ctc")
    assert done.returncode == 1 and "give --judge" in done.stderr and calls(recipe) == []


def test_a_lone_training_has_all_threads(recipe: Path) -> None:
    """Of three places: one tokenizer is trained in steps, two language models are."""
    threads = {"OMP_NUM_THREADS": "6", "TELL_THREADS": "1"}
    assert slm(recipe, "--side_by_side", "3", "--stop_stage", "8", **threads).returncode == 0
    told = {line.split()[0]: line.rpartition(" threads ")[2] for line in calls(recipe)}
    assert (told["tok_train"], told["tok_dump"], told["slm_train"]) == ("6", "2", "3")


def test_units_side_by_side(recipe: Path, first_run: tuple[Path, object]) -> None:
    done = slm(recipe, "--side_by_side", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    expected = Counter((first_run[0] / "calls.txt").read_text().splitlines())
    assert Counter(calls(recipe)) == expected
    ours, theirs = ({path.name for path in folder.glob("*/.done/*.json")} for folder in (recipe, first_run[0]))
    assert ours == theirs
    assert slm(recipe, "--side_by_side", "2").returncode == 0
    assert calls(recipe) == []


def test_side_by_side_one_fails_the_others_end(finished: Path) -> None:
    for name in ("resynthesis", "kmeans"):
        (finished / f"exp/.done/8_slm_train.{name}_small.json").unlink()
    done = slm(finished, "--side_by_side", "2", FAIL_IF="--out exp/slm_resynthesis_small")
    assert done.returncode == 1
    assert "stage 8 (slm_train) failed for resynthesis_small\n" in done.stderr
    assert (finished / "exp/.done/8_slm_train.kmeans_small.json").exists()


def test_side_by_side_ends_with_the_script(finished: Path) -> None:
    for name in ("resynthesis", "kmeans"):
        (finished / f"exp/.done/8_slm_train.{name}_small.json").unlink()
    command = ["./slm.sh", *OPTIONS, "--side_by_side", "2"]
    with subprocess.Popen(command, cwd=finished, stdout=subprocess.DEVNULL, env={**os.environ, "HANG": "slm_train"}) as run:
        try:
            wait_for(finished / "hanging")
        finally:
            run.kill()
    wait_for_unlocked(finished / ".runs")
    assert not list((finished / "exp/.done").glob("8_*.json"))
    assert slm(finished, "--side_by_side", "2").returncode == 0


def test_plan_says_what_it_takes(recipe: Path) -> None:
    (recipe / "conf/tok/resynthesis.yaml").write_text("tokenizer: lmspt\nmax_epoch: 18   # of 20\nsteps_per_epoch: 100\n")
    plan = slm(recipe, "--dry_run", "--tok_args", "--max_epoch 2").stdout
    writes = "resynthesis is to be done: not done yet; writes exp/tok_resynthesis: "
    assert writes + "about 306 MB, 3 min (as on two cores, utils/rates.tsv)" in plan
    assert "kmeans is to be done: not done yet; writes exp/tok_kmeans: how much there is to do is not known yet" in plan
    assert re.search(r"^to be done: 47 units; about \d+ MB and \d+ min for \d+ of them, not known for \d+$", plan, re.MULTILINE)
    plan = slm(recipe, "--dry_run", "--max_eval_utts", "0").stdout
    assert "writes exp/slm_resynthesis_small/tts_test: how much there is to do is not known yet" in plan, "0 is all of them"
    plan = slm(recipe, "--dry_run", "--ngpu", "4").stdout
    assert "writes exp/tok_resynthesis: nothing like it was measured" in plan
    launched = "torchrun --standalone --nproc_per_node 4 --no-python bound.py python -m lmspt.bin."
    assert f"{launched}tok_train --config conf/tok/resynthesis" in plan
    assert re.search(rf"--gpu 4 exp/slm_kmeans_small/train\.log {launched}slm_train .* --ngpu 1 ", plan)


def test_gpus_are_given_to_what_uses_them(recipe: Path) -> None:
    def given(*options: str) -> set[tuple[str, ...]]:
        plan = slm(recipe, "--dry_run", *options).stdout
        return set(re.findall(r"^ +run\.py --gpu (\d) .* -m lmspt\.bin\.(\w+) .*--ngpu (\d)", plan, re.MULTILINE))

    users, trainings = ("dump_features", "tok_dump", "tok_eval", "asr_decode", "tts_decode"), ("tok_train", "slm_train")
    others = {("0", "tok_train", "0"), ("0", "tts_score", "0")}  # k-means is no training of ours
    assert given("--ngpu", "4") == {*(("4", name, "1") for name in trainings), *(("1", user, "1") for user in users), *others}
    assert given("--judge_ngpu", "1") == {("1", "tts_score", "1"), *(("0", user, "0") for user in (*users, *trainings))}


def test_a_dump_in_several_jobs(recipe: Path) -> None:
    done = slm(recipe, "--stop_stage", "5", "--dump_nj", "3", OMP_NUM_THREADS="7")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in calls(recipe) if line.startswith(("tok_dump", "tok_join"))]
    assert [line.split()[0] for line in lines] == (["tok_dump"] * 3 + ["tok_join"]) * 6
    assert {line.split()[-1] for line in lines[:3]} == {"1/3", "2/3", "3/3"}
    assert re.fullmatch(r"tok_join --tokens dump/tokens/\S+/train --shares 3", lines[3])
    assert slm(recipe, "--stop_stage", "5").returncode == 0
    assert calls(recipe) == [], "into how many jobs it was split makes no other tokens"


def test_another_judge_reads_all_again(finished: Path) -> None:
    assert slm(finished, "--judge_ngpu", "1", CUDA_VISIBLE_DEVICES="0").returncode == 0
    assert names(calls(finished)) == ["tts_score", "report", "pack"]


def test_setup_keeps_what_is_there_and_refuses_other_places(recipe: Path, tmp_path: Path) -> None:
    before = (recipe / "local" / "data.sh").read_text()
    setup = tmp_path / "egs/TEMPLATE/slm1/setup.sh"
    assert subprocess.run([setup, recipe], capture_output=True).returncode == 0
    assert (recipe / "local" / "data.sh").read_text() == before
    assert os.readlink(recipe / "slm.sh") == "../../TEMPLATE/slm1/slm.sh"
    assert subprocess.run([setup, tmp_path / "elsewhere"], capture_output=True).returncode == 1
