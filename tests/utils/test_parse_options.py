"""utils/parse_options.sh: Kaldi's manners, and louder where Kaldi is silent."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.utils.shell import UTILS

SCRIPT = f"""#!/usr/bin/env bash
# Does nothing with its options.
#
# Usage: script.sh [options]
set -euo pipefail
helper() {{ inner=3; }}

# General
nj=4             # parallel jobs
resume=true      # go on from the last checkpoint
                 # (or begin)
# Sets
test_sets="a b"  # sets # to score
plain=
    indented=1

. {UTILS}/parse_options.sh
late=1
printf '%s|' "$nj" "$resume" "$test_sets" "$plain" "$@"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("options") / "script.sh"
    path.write_text(SCRIPT)
    return path


def call(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", str(script), *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ([], "4|true|a b||"),
        (["--nj", "8"], "8|true|a b||"),
        (["--nj=8", "--nj", "9"], "9|true|a b||"),
        (["--test-sets", "x"], "4|true|x||"),
        (["--test_sets=a=b"], "4|true|a=b||"),
        (["--test_sets", ""], "4|true|||"),
        (["--plain", "--max_epoch 3 --lr 1"], "4|true|a b|--max_epoch 3 --lr 1|"),
        (["--plain", "$(touch x) `y` \"'"], "4|true|a b|$(touch x) `y` \"'|"),
        (["--resume", "false", "rest", "--nj", "8"], "4|false|a b||rest|--nj|8|"),
        (["--resume", "--nj", "8"], "8|true|a b||"),
        (["--nj", "8", "--", "--resume"], "8|true|a b||--resume|"),
    ],
)
def test_values(script: Path, arguments: list[str], values: str) -> None:
    done = call(script, *arguments)
    assert (done.stdout, done.stderr, done.returncode) == (values, "", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n_j", "3"], "invalid option --n_j; the nearest is --nj (--help lists all)"),
        (["--test-set", "3"], "invalid option --test_set; the nearest is --test_sets (--help lists all)"),
        (["--PATH", "/x"], "invalid option --PATH (--help lists all)"),
        (["--late", "2"], "invalid option --late (--help lists all)"),
        (["--indented", "2"], "invalid option --indented (--help lists all)"),
        (["--resume", "maybe"], 'option --resume is true or false, not "maybe"'),
        (["--resume="], 'option --resume is true or false, not ""'),
        (["--nj"], "option --nj needs a value"),
        (["-nj", "3"], "invalid option -nj (options begin with two dashes; --help lists all)"),
        (["--config", "/none"], "cannot read the file of --config: /none"),
        (["--config"], "cannot read the file of --config: (none)"),
    ],
)
def test_refusals(script: Path, arguments: list[str], message: str) -> None:
    done = call(script, *arguments)
    assert (done.stdout, done.stderr, done.returncode) == ("", f"{script}: {message}\n", 1)


def test_config_file_comes_first(script: Path, tmp_path: Path) -> None:
    config = tmp_path / "options.conf"
    config.write_text("nj=16\nresume=false   # a comment\n")
    assert call(script, "--nj", "2", "--config", str(config)).stdout == "2|false|a b||"
    config.write_text("nj=16\nresum=false\n")
    errors = call(script, "--config", str(config)).stderr
    assert f"invalid option --resum in {config}; the nearest is --resume" in errors


def test_help_is_made_of_the_comments(script: Path) -> None:
    assert call(script, "--nj", "7", "--help").stdout == (
        "Does nothing with its options.\n\nUsage: script.sh [options]\n\nOptions:\n\nGeneral\n"
        '  --nj                 parallel jobs (default: "7")\n'
        '  --resume             go on from the last checkpoint (default: "true")\n'
        "                       (or begin)\n\nSets\n"
        '  --test_sets          sets # to score (default: "a b")\n'
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20))
def test_any_value_arrives_as_it_is(script: Path, value: str) -> None:
    raw = value.encode()
    spaced = subprocess.run(["bash", script, "--plain", raw], capture_output=True, timeout=60)
    joined = subprocess.run(["bash", script, b"--plain=" + raw], capture_output=True, timeout=60)
    assert spaced.stdout == joined.stdout == b"4|true|a b|" + raw + b"|"
