"""The recipes end to end, at smoke size, on real speech: what a user runs, all fourteen stages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from tests.utils.shell import ROOT

pytestmark = pytest.mark.timeout(900)
SMOKE = [
    "--tok_list",
    "conf/tok/smoke.yaml conf/tok/kmeans_12.5hz.yaml",
    "--slm_config",
    "conf/slm/smoke.yaml",
    "--max_eval_utts",
    "3",
]
DATA = ["--local_data_opts", "--said 120"]
BESIDE = ["--tok_list", "conf/tok/kmeans_12.5hz.yaml", "--stage", "feats", "--stop_stage", "tts_score"]


def make_copy(folder: Path) -> Path:
    """The repository as a clone has it, in ``folder``; returns the recipe."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().split("\0"):
        if name and os.path.lexists(ROOT / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder / "egs" / "asterisk" / "slm1"


def command(*arguments: str) -> list[str]:
    return ["egs/asterisk/slm1/run.sh", *SMOKE, *DATA, *arguments]  # from the repository's root, as README has it


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def run(recipe: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=recipe.parents[2],
        env=environment(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=900,
    )


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The asterisk recipe after a smoke run whose tokenizer training and language model training were killed half-way,
    while a run beside it went ahead with the other tokenizer: two cores are in use."""
    folder = make_copy(tmp_path_factory.mktemp("clone"))
    kill_when(folder, "exp/tok_smoke/checkpoint.pth", "--stop_stage", "4")
    log = folder.parent / "beside.log"
    with log.open("w") as output, start(folder, *BESIDE, stdout=output, stderr=output) as beside:
        kill_when(folder, "exp/slm_smoke_smoke/checkpoint.pth", "--stop_stage", "8")
        done = run(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert beside.returncode == 0, log.read_text()[-3000:]
    return folder


def start(recipe: Path, *arguments: str, **streams: object) -> subprocess.Popen[bytes]:
    """Start the recipe in a process group of its own."""
    words, folder = command(*arguments), recipe.parents[2]
    return subprocess.Popen(words, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, start_new_session=True, **streams)


def kill_when(recipe: Path, begun: str, *arguments: str) -> None:
    """Start the recipe and SIGKILL it and all that it started once the file ``begun`` is there."""
    with start(recipe, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.time() + 600
        while not (recipe / begun).exists():
            assert process.poll() is None, "the recipe ended before it could be killed"
            assert time.time() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)


def test_killed_trainings_were_taken_up(recipe: Path) -> None:
    markers = {path.name: json.loads(path.read_text()) for path in (recipe / "exp/.done").glob("*.json")}
    assert markers["4_tok_train.smoke.json"]["sessions"] == 2
    assert markers["8_slm_train.smoke_smoke.json"]["sessions"] == 2
    for experiment in ("tok_smoke", "slm_smoke_smoke"):
        assert [row["epoch"] for row in json.loads((recipe / "exp" / experiment / "history.json").read_text())] == [1, 2]
    assert not list((recipe / "exp").glob("*.until_*"))


def test_a_second_run_does_nothing(recipe: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (recipe / "exp").rglob("*.json")}
    began = time.time()
    done = run(recipe)
    assert done.returncode == 0
    assert "to be done:" not in done.stdout
    assert time.time() - began < 20
    assert {path: path.stat().st_mtime_ns for path in (recipe / "exp").rglob("*.json")} == before


def test_error_rates_and_controls(recipe: Path) -> None:
    benchmark = json.loads((recipe / "results/benchmark.json").read_text())
    assert [system["name"] for system in benchmark["systems"]] and len(benchmark["systems"]) == 2
    for system in benchmark["systems"]:
        for name in ("test_prompts", "test_said"):
            asr = system["asr"][name]
            assert asr["n_utts"] == {"test_prompts": 60, "test_said": 150}[name]
            assert asr["errors"] == round(asr["wer"] * asr["n_words"])
            assert asr["ci95"][0] <= asr["wer"] <= asr["ci95"][1]
    judged = json.loads((recipe / "exp/groundtruth/test_prompts/result.json").read_text())
    assert judged["n_utts"] == 3
    assert judged["wer"] < 0.5, "the judge does not understand real speech"


def test_report(recipe: Path) -> None:
    text = (recipe / "results/RESULTS.md").read_text()
    for word in ("RESULTS", "test_said", "test_prompts", "kmeans_12.5hz", "whisper-base", "./slm.sh"):
        assert word in text
    page = (recipe / "results/report.html").read_text()
    assert "<audio" in page and "http://" not in page.replace("http://www.w3.org", "")


def test_pack(recipe: Path) -> None:
    with tarfile.open(recipe / "exp/pack/slm_smoke_smoke.tar.gz") as archive:
        names = [Path(name).name for name in archive.getnames()]
    for name in ("model.safetensors", "vocab.json", "tok_id", "RESULTS.md", "NOTICE"):
        assert name in names


def test_some_stages_only(recipe: Path) -> None:
    for stages in (("3", "5"), ("tok_train", "tok_dump")):
        done = run(recipe, "--stage", stages[0], "--stop_stage", stages[1])
        assert done.returncode == 0
        named = {line.split("stage ")[1].split()[0] for line in done.stdout.splitlines() if ":main) stage " in line}
        assert named == ({"3", "4", "5"} if stages[0] == "3" else {"4", "5"})


def test_tokens_are_those_of_each_utterance_alone(recipe: Path) -> None:
    import torch

    from lmspt.data.audio import Utterances
    from lmspt.data.datadir import DataDir
    from lmspt.data.tokens import TokenStore
    from lmspt.tokenizer.checkpoint import load_tokenizer

    tokenizer = load_tokenizer(recipe / "exp/tok_smoke")
    os.chdir(recipe)  # paths in wav.scp are those of the recipe
    try:
        data = DataDir("dump/raw/test_said")
        audio, tokens = Utterances(data, 16000), TokenStore(f"dump/tokens/{tokenizer.tok_id}/test_said", tokenizer.tok_id)
        tokens.verify()
        assert sorted(tokens) == data.utts
        for utt in data.utts[::5]:
            wav = torch.from_numpy(audio[utt])[None]
            codes, _ = tokenizer.encode(wav, torch.tensor([wav.shape[1]]))
            assert (codes[0].numpy() == tokens[utt]).all()
    finally:
        os.chdir(ROOT)
