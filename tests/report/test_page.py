"""The page: whole, offline, playable; and the command that writes it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from lmspt.data.scp import read_scp
from lmspt.errors import InputError
from lmspt.report import listen, page, plots
from lmspt.report.page import SECTIONS
from lmspt.report.results import Experiment, read_experiment
from lmspt.report.table import Table
from lmspt.report.tables import tables_of
from tests.report.experiment import RATE, Paths, make_experiment

HOSTILE = "<script>alert(1)</script>"
VOID = {"meta", "br", "img", "input", "link"}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    paths = make_experiment(tmp_path_factory.mktemp("egs") / "digits/slm1")
    result = paths.systems[0] / "asr_test/result.json"
    value = json.loads(result.read_text())
    for row in value["utts"]:
        row["hyp"] = HOSTILE
    result.write_text(json.dumps(value))
    return paths


@pytest.fixture(scope="module")
def html(paths: Paths) -> str:
    paths.report()
    return (paths.root / "results/report.html").read_text(encoding="utf-8")


def experiment_of(paths: Paths) -> Experiment:
    return read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"])


class Elements(HTMLParser):
    """Start tags and their attributes; complains of tags that are not closed in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_all_files(html: str, paths: Paths) -> None:
    results = paths.root / "results"
    assert {path.name for path in results.iterdir()} == {"RESULTS.md", "report.html", "benchmark.json", "counts.tsv"}
    assert "<h1>digits/slm1</h1>" in html
    assert (results / "RESULTS.md").read_text().startswith("# RESULTS")
    assert len(json.loads((results / "benchmark.json").read_text())["systems"]) == 3


def test_tokenizers_alone(paths: Paths, tmp_path: Path) -> None:
    alone = replace(paths, root=tmp_path / "egs/digits/slm1", models=False)
    shutil.copytree(paths.root, alone.root)
    alone.report()
    html = (alone.root / "results/report.html").read_text()
    assert "no language models" in html and "recognised as" not in html and "Language models" not in html
    assert "of the language model" not in html
    assert "Speech, by token rate" in html and "ASR, by token rate" not in html
    assert "cannot speak" in html and "resynthesis, semantic only" in html


def test_without_a_judge(paths: Paths, tmp_path: Path) -> None:
    unread = replace(paths, root=tmp_path / "egs/digits/slm1", judged=False)
    shutil.copytree(paths.root, unread.root, ignore=shutil.ignore_patterns("groundtruth", "tts_*", "wav", "results"))
    shutil.copytree(paths.root / "dump", unread.root / "dump", dirs_exist_ok=True)
    unread.report()
    html = (unread.root / "results/report.html").read_text()
    assert "ASR, by token rate" in html and "Speech, by token rate" not in html and "judge on the recordings" not in html
    assert 'id="tokens"' in html and 'id="listen"' not in html and "#listen" not in html and "<audio" not in html


def test_probes_alone(paths: Paths, tmp_path: Path) -> None:
    """Neither a judge nor a language model: what the tokens tell is all there is, and it is drawn."""
    alone = replace(paths, root=tmp_path / "egs/digits/slm1", models=False, judged=False)
    shutil.copytree(paths.root, alone.root, ignore=shutil.ignore_patterns("groundtruth", "slm_*", "results"))
    alone.report()
    html = (alone.root / "results/report.html").read_text()
    assert (
        "What codes tell of words or phones, by token rate: purity" in html
        and "by bit rate" not in html
        and "Word errors" not in html
    )
    assert 'id="tokens"' in html and 'id="listen"' not in html and "<audio" not in html


def test_nothing_comes_from_elsewhere(html: str) -> None:
    for tag, attributes in Elements(html).found:
        assert tag not in ("script", "link", "iframe", "object", "base")
        for name in ("src", "href", "xlink:href", "poster", "data"):
            if name in attributes:
                assert attributes[name].startswith(("data:", "#")), (tag, attributes[name])
    assert not re.search(r"@import|url\((?!#)", html)
    assert "default-src 'none'" in html and "prefers-color-scheme: dark" in html


def test_sections_and_their_links(html: str) -> None:
    ids = [attributes.get("id") for tag, attributes in Elements(html).found if tag == "section"]
    assert ids == list(SECTIONS)
    assert all(f'href="#{key}"' in html for key in SECTIONS)


def test_long_tables_are_folded(html: str, paths: Paths) -> None:
    tables = len(tables_of(experiment_of(paths)))
    assert html.count("<details open>") == tables - 1, "all but the summary, and all are short"
    longest = Table("Long", "n", ("a",), [("x",)] * 25)
    assert page._folded(longest).startswith("<details><summary><h3>Long</h3></summary>")


def test_what_is_recognised_is_text(html: str) -> None:
    assert HOSTILE not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_players_hold_the_audio(html: str, paths: Paths) -> None:
    players = [attributes["src"] for tag, attributes in Elements(html).found if tag == "audio"]
    # six utterances: recordings, and three of each of two systems, which say nothing once
    assert len(players) == 6 * (1 + 3 * 2) - 2
    assert html.count("nothing was said") == 2
    wavs = read_scp(paths.root / "dump/raw/test/wav.scp")
    first = re.search(r'<article class="card"><h3>[^<]*<span class="soft">([^<]*)</span>', html)[1]
    heard, rate = soundfile.read(BytesIO(base64.b64decode(players[0].partition(",")[2])), dtype="int16")
    written, _ = soundfile.read(wavs[first], dtype="int16")
    assert rate == RATE and len(heard) == len(written)
    assert np.abs(heard.astype(int) - written).max() <= 1


def test_figures(html: str) -> None:
    figures = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    # 1 set x (4 rates + 2 measures), 3 + 4 curves, 3 codebooks, 3 pictures
    assert len(figures) == 6 + 7 + 3 + 3
    for figure in figures:
        root = ElementTree.fromstring(figure)
        assert "width" not in root.attrib and root.attrib["viewBox"]
        assert "currentColor" in figure and plots.INK not in figure
    assert "12.5 Hz" in figures[-1]


def test_systems_of_one_rate_stand_side_by_side(paths: Paths) -> None:
    points = [plots.Point(f"s{i}", hz, 0.0, {}, "o") for i, hz in enumerate([12.5] * 12 + [25.0])]
    places = list(plots._side_by_side([*points, *points], "hz").values())
    assert len(places) == 13 and places == sorted(places), "in order, none upon another"
    assert places[0] * places[11] == pytest.approx(12.5**2) and places[11] / places[0] < 2**0.6
    assert places[12] == 25.0


def test_long_utterances_are_cut(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "SECONDS", 0.5)
    card = listen.cards_of(experiment_of(paths), paths.root / "dump/raw")["test"][0]
    audio, _ = soundfile.read(BytesIO(base64.b64decode(card.recording.uri.partition(",")[2])))
    assert len(audio) == RATE // 2 and card.recording.seconds > 0.5


def test_players_stay_below_a_size(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = listen.cards_of(experiment_of(paths), paths.root / "dump/raw")["test"]
    monkeypatch.setattr(listen, "BYTES", whole[0].size + whole[1].size)
    assert listen.cards_of(experiment_of(paths), paths.root / "dump/raw")["test"] == whole[:2]


def test_an_audio_file_that_is_gone_is_an_error(paths: Paths) -> None:
    wav = next((paths.systems[0] / "tts_test/wav").glob("bob-*.wav"))
    hidden = wav.rename(wav.with_suffix(".hidden"))
    try:
        with pytest.raises(InputError, match=f"{wav.name}: no such file"):
            paths.report()
    finally:
        hidden.rename(wav)


def test_torch_is_not_imported(paths: Paths) -> None:
    code = "import sys; from tests.report.experiment import Paths; from pathlib import Path\n"
    code += f"Paths(Path({str(paths.root)!r}), ('test',)).report(); print('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "False"
