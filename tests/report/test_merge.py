"""Results of several places in one table: seeds pooled as if they had been run together, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lmspt.bin.merge import main
from lmspt.errors import InputError
from lmspt.files import write_json
from lmspt.report.compare import compare, read_scored
from lmspt.report.merge import merge
from tests.report.experiment import Paths, make_experiment

RESYNTHESIS, NONE, KMEANS = "resynthesis_12.5hz_small", "none_25hz_small", "kmeans_12.5hz_small"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Two language models a tokenizer, reported together."""
    paths = make_experiment(tmp_path_factory.mktemp("egs") / "digits/slm1", n_utts=12, seeds=(1, 2))
    paths.report()
    return paths


@pytest.fixture(scope="module")
def parts(whole: Paths, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same, a report for each seed."""
    folders = []
    for seed in whole.seeds:
        part = Paths(tmp_path_factory.mktemp("part") / "digits/slm1", whole.sets, (seed,))
        shutil.copytree(whole.root, part.root, ignore=shutil.ignore_patterns("results"))
        part.report()
        folders.append(part.root / "results")
    return folders


def read(folder: Path) -> dict:
    return json.loads((folder / "benchmark.json").read_text())


def test_parts_make_the_whole(whole: Paths, parts: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "digits/slm1/results"
    main([*map(str, parts), "--out", str(out)])
    joint, together = read(out), read(whole.root / "results")
    assert joint["contract"] == together["contract"] and joint["comparisons"] == together["comparisons"]
    assert [group["name"] for group in joint["groups"]] == [RESYNTHESIS, NONE, KMEANS]
    for ours, theirs in zip(joint["groups"], together["groups"], strict=True):
        assert ours == {key: theirs[key] for key in ours}
    assert joint["probe_correlations"] == together["probe_correlations"]
    assert {row["name"] for row in joint["systems"]} == {row["name"] for row in together["systems"]}
    text = (out / "RESULTS.md").read_text()
    assert text.startswith("# RESULTS\n\nRecipe digits/slm1.") and f"- `{parts[0]}`" in text
    assert "![asr on test](asr_test.svg)" in text and (out / "asr_test.svg").read_text().startswith("<svg")
    rows = [text.index(f"| {group} | 2 | ") for group in (NONE, RESYNTHESIS)]
    assert rows == sorted(rows), "25 Hz stand above 12.5"
    assert f"| {RESYNTHESIS} | 2 | " in text and "### ASR differences on `test`" in text and "no decoder" in text
    of_the_whole = (whole.root / "results/RESULTS.md").read_text()
    (controls,) = re.findall(rf"^\| {RESYNTHESIS} \|.* (\d+\.\d / \d+\.\d) ", of_the_whole, re.MULTILINE)[:1]
    assert re.search(rf"^\| {RESYNTHESIS} \| 2 \|.* {controls} ", text, re.MULTILINE)
    similarity = joint["systems"][0]["controls"]["test"]["resynthesis_all"]["speaker_similarity"]["mean"]
    assert re.search(rf"^\| {RESYNTHESIS}_s1 \| {similarity:.2f} ", text, re.MULTILINE)


def test_recordings_stand_in_the_joint_tables(parts: list[Path], tmp_path: Path) -> None:
    """Once if the parts agree, each part's own if not."""

    def rows(*folders: Path) -> list[str]:
        main([*map(str, folders), "--out", str(tmp_path / "out")])
        return re.findall(r"^\| (recordings[^|]*) \|", (tmp_path / "out/RESULTS.md").read_text(), re.MULTILINE)

    summary_and_sound = 2 * len(read(parts[0])["comparisons"])
    assert rows(*parts) == ["recordings"] * summary_and_sound
    other = tmp_path / "other"
    shutil.copytree(parts[1], other)
    part = read(other)
    for row in part["systems"]:
        row["controls"]["test"]["groundtruth"]["wer"] += 0.01
    write_json(other / "benchmark.json", part)
    assert rows(parts[0], other) == ["recordings (1)", "recordings (2)", *["recordings"] * (summary_and_sound - 1)]


def test_a_joint_table_is_compared_as_any(parts: list[Path], tmp_path: Path) -> None:
    main([*map(str, parts), "--out", str(tmp_path / "results")])
    lines = compare([read_scored(f"{tmp_path}/results/benchmark.json:{name}") for name in (RESYNTHESIS, NONE)])
    assert lines[0].startswith("ASR on test: 12 utterances") and "seeds: " in lines[1]


def test_a_row_that_two_parts_have_is_taken_once(parts: list[Path], tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(parts[0], again)
    assert merge([parts[0], again])[0]["groups"] == merge([parts[0]])[0]["groups"]
    counts = (again / "counts.tsv").read_text().splitlines()
    first = counts[1].split("\t")
    counts[1] = "\t".join([*first[:5], str(int(first[5]) + 1), *first[6:]])
    (again / "counts.tsv").write_text("\n".join(counts) + "\n")
    with pytest.raises(InputError, match=f"its row '{RESYNTHESIS}_s1' has other errors than that of an earlier part"):
        merge([parts[0], again])


def test_codec_scores_of_other_contracts_are_no_obstacle(parts: list[Path], tmp_path: Path) -> None:
    """They are not compared; a part of which no tokenizer has a decoder has none."""
    silent = tmp_path / "silent"
    shutil.copytree(parts[1], silent)
    part = read(silent)
    part["contract"]["codec"] = {"not_run": "no decoder"}
    write_json(silent / "benchmark.json", part)
    joint, _ = merge([parts[0], silent])
    assert set(joint["contract"]) == {"asr", "speech"} and joint["comparisons"] == merge(parts)[0]["comparisons"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda part: part["contract"]["asr"].update(normalizer="none"), r"different contracts \(normalizer: digits and none\)"),
        (lambda part: part["systems"][0].update(bitrate=999.0), "differ in more than their seeds"),
    ],
)
def test_what_does_not_belong_together(parts: list[Path], tmp_path: Path, change, message: str) -> None:
    other = tmp_path / "other"
    shutil.copytree(parts[1], other)
    part = read(other)
    change(part)
    write_json(other / "benchmark.json", part)
    with pytest.raises(InputError, match=message):
        merge([parts[0], other])


def test_other_utterances_and_no_results_are_refused(parts: list[Path], tmp_path: Path) -> None:
    fewer = make_experiment(tmp_path / "digits/slm1", n_utts=9, seeds=(2,))
    fewer.report()
    with pytest.raises(InputError, match="has no score of utterance"):
        merge([parts[0], fewer.root / "results"])
    with pytest.raises(InputError, match="no such file; give folders of results"):
        merge([tmp_path])


def test_probes_alone_are_not_merged(tmp_path: Path) -> None:
    alone = replace(make_experiment(tmp_path / "digits/slm1"), models=False, judged=False)
    alone.report()
    with pytest.raises(InputError, match=r"results and the others hold no scores, probes alone: report such tokenizers in one run"):
        merge([alone.root / "results"])


def test_a_part_is_not_written_over(parts: list[Path]) -> None:
    with pytest.raises(SystemExit):
        main([*map(str, parts), "--out", str(parts[0])])


def test_a_part_without_a_judge_has_a_share_in_recognition(parts: list[Path], whole: Paths, tmp_path: Path) -> None:
    """Speech is of the seeds that were read, and the table says of how many; a system that was not read at all says so."""
    unread = Paths(tmp_path / "unread/digits/slm1", whole.sets, (2,), judged=False)
    shutil.copytree(whole.root, unread.root, ignore=shutil.ignore_patterns("results"))
    unread.report()
    main([str(parts[0]), str(unread.root / "results"), "--out", str(tmp_path / "out")])
    joint, together = read(tmp_path / "out"), read(whole.root / "results")
    assert joint["comparisons"]["test"]["asr"] == together["comparisons"]["test"]["asr"]
    assert joint["comparisons"]["test"]["tts"] == merge(parts[:1])[0]["comparisons"]["test"]["tts"]
    (group,) = (group for group in joint["groups"] if group["name"] == RESYNTHESIS)
    assert (group["asr"]["test"]["seeds"]["n"], group["tts"]["test"]["seeds"]["n"]) == (2, 1)
    text = (tmp_path / "out/RESULTS.md").read_text()
    assert re.search(rf"^\| {RESYNTHESIS} \| 2 \| [^|]*\] ± [^(|]* \| [^|]* \(1\) \|", text, re.MULTILINE)
    alone, _ = merge([unread.root / "results"])
    assert set(alone["contract"]) == {"asr", "codec"} and "tts" not in alone["groups"][0]
    swapped, _ = merge([unread.root / "results", parts[0]])
    assert swapped["groups"] != joint["groups"] and swapped["contract"].keys() == joint["contract"].keys()


def test_what_another_part_scored_of_a_row_is_not_lost(parts: list[Path], tmp_path: Path) -> None:
    """In whichever order: of one part recognition alone, of the other speech, too."""
    unread = Paths(tmp_path / "unread/digits/slm1", ("test",), (1,), judged=False)
    shutil.copytree(parts[0].parent, unread.root, ignore=shutil.ignore_patterns("results"))
    unread.report()
    folders = [unread.root / "results", parts[0]]
    (first, results), (second, same) = merge(folders), merge(folders[::-1])
    assert results == same
    assert first["comparisons"] == second["comparisons"] == merge([parts[0]])[0]["comparisons"]
    assert [row["controls"] for row in first["systems"]] == [row["controls"] for row in second["systems"]]
    assert [row["codec"] for row in first["systems"]] == [row["codec"] for row in second["systems"]]


def test_parts_with_other_sets_and_tokenizers_alone_stand_together(parts: list[Path], tmp_path: Path) -> None:
    wider = tmp_path / "wider"
    shutil.copytree(parts[1], wider)
    found = read(wider)
    for row in [*found["systems"], *found["groups"]]:
        for task in ("asr", "tts", "controls", "codec", "probes", "told"):
            if "test" in row.get(task, {}):
                row[task]["more"] = row[task]["test"]
    write_json(wider / "benchmark.json", found)
    lines = (wider / "counts.tsv").read_text().splitlines()
    more = [line.replace("test", "more", 1) for line in lines[1:]]
    (wider / "counts.tsv").write_text("\n".join([*lines, *more]) + "\n")
    alone = replace(make_experiment(tmp_path / "digits/slm1", n_utts=12), models=False)
    alone.report()
    main([str(parts[0]), str(wider), str(alone.root / "results"), "--out", str(tmp_path / "out")])
    joint, text = read(tmp_path / "out"), (tmp_path / "out/RESULTS.md").read_text()
    assert set(joint["comparisons"]) == {"test", "more"}
    assert {len(group["systems"]) for group in joint["groups"]} == {2, 1}
    assert "### Summary on `more`" in text
    assert "not scored on this set" in text


def test_seeds_of_tokenizers_are_pooled_too(whole: Paths, parts: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(parts[1], other)
    for file in ("benchmark.json", "counts.tsv"):
        (other / file).write_text((other / file).read_text().replace("hz_small", "hz_t2_small"))
    joint, _ = merge([parts[0], other])
    assert [group["name"] for group in joint["groups"]] == [RESYNTHESIS, NONE, KMEANS]
    assert joint["groups"][0]["systems"] == [f"{RESYNTHESIS}_s1", "resynthesis_12.5hz_t2_small_s2"]
    assert joint["comparisons"] == read(whole.root / "results")["comparisons"]


def test_probes_are_means_over_tokenizers(parts: list[Path], tmp_path: Path) -> None:
    """Each of them once, whoever probed it again; what one of them lacks, the mean lacks."""

    def part(toks: tuple[str, ...], name: str, **probes: float | None) -> Path:
        """The first, with other tokenizers, of which it found this on the mean."""
        folder = tmp_path / name
        shutil.copytree(parts[0], folder)
        for file in ("benchmark.json", "counts.tsv"):
            (folder / file).write_text((folder / file).read_text().replace("hz_small", f"hz_{name}_small"))
        found = read(folder)
        (group,) = (group for group in found["groups"] if group["name"].startswith("resynthesis"))
        (row,) = (row for row in found["systems"] if row["name"] in group["systems"])
        group["probes"]["test"] |= probes
        found["systems"] = [{**row, "name": f"{row['name'][:-1]}{i}", "tok_id": tok} for i, tok in enumerate(toks, 1)]
        found["groups"] = [{**group, "systems": [row["name"] for row in found["systems"]]}]
        lines = [line.split("\t") for line in (folder / "counts.tsv").read_text().splitlines()]
        column = lines[0].index(row["name"])
        table = [[*line[:5], *[line[column]] * len(toks)] for line in lines]
        table[0][5:] = [row["name"] for row in found["systems"]]
        (folder / "counts.tsv").write_text("".join("\t".join(line) + "\n" for line in table))
        write_json(folder / "benchmark.json", found)
        return folder

    one, same, two = part(("x",), "t1", PNMI=0.6), part(("x",), "t2", PNMI=0.6), part(("y", "z"), "t3", PNMI=0.3, purity=None)
    (group,) = merge([one, same, two])[0]["groups"]
    assert len(group["systems"]) == 4
    assert group["probes"]["test"]["PNMI"] == pytest.approx((0.6 + 2 * 0.3) / 3)
    assert group["probes"]["test"]["purity"] is None and group["probes"]["test"]["SNMI"] == pytest.approx(0.3)
    (group,) = merge([one, two, part(("y",), "t4", PNMI=0.1)])[0]["groups"]
    assert group["probes"]["test"]["PNMI"] == pytest.approx((0.6 + 2 * 0.3) / 3), "the third is one of the second's two"


def test_a_part_without_probes_lacks_them_alone(parts: list[Path], tmp_path: Path) -> None:
    """Joint tables did not always have them."""
    old = tmp_path / "old"
    shutil.copytree(parts[1], old)
    part = read(old)
    for group in part["groups"]:
        del group["probes"]
    write_json(old / "benchmark.json", part)
    (alone, *_), (beside, *_) = merge([old])[0]["groups"], merge([parts[0], old])[0]["groups"]
    assert set(alone["probes"]["test"].values()) == {None}
    assert beside["probes"] == merge(parts[:1])[0]["groups"][0]["probes"]


def test_tokenizers_alone_have_no_correlations(tmp_path: Path) -> None:
    """As in a report of their own: their probes stand side by side, no language model's errors beside them."""
    alone = replace(make_experiment(tmp_path / "digits/slm1"), models=False)
    alone.report()
    main([str(alone.root / "results"), "--out", str(tmp_path / "out")])
    assert read(tmp_path / "out")["probe_correlations"] == {}
    text = (tmp_path / "out/RESULTS.md").read_text()
    assert f"| {KMEANS.removesuffix('_small')} | 1 | not run (cannot speak" in text, "nothing was scored of it"
    assert "### Token probes on `test`" in text and "Probes against scores" not in text


def test_a_row_of_all_seeds_may_have_the_name_of_its_first(parts: list[Path], tmp_path: Path) -> None:
    """That of a language model under the seed of its configuration is no other than its group's."""
    first = tmp_path / "first"
    shutil.copytree(parts[0], first)
    for file in ("benchmark.json", "counts.tsv"):
        (first / file).write_text((first / file).read_text().replace("_small_s1", "_small"))
    main([str(first), str(parts[1]), "--out", str(tmp_path / "out")])
    scored = read_scored(f"{tmp_path}/out/benchmark.json:{RESYNTHESIS}")
    assert len(scored.counts["test", "asr"].wers) == 2
