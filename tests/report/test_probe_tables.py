"""Probes of systems side by side, and against their scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmspt.report.groups import Group
from lmspt.report.probe_tables import PROBES, probed
from lmspt.report.results import Experiment, read_experiment
from lmspt.report.tables import tables_of
from tests.report.experiment import make_experiment


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    paths = make_experiment(tmp_path_factory.mktemp("egs"))
    return read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"])


def with_pnmi(group: Group, name: str, pnmi: float, wer: float) -> Group:
    """The group as if it had this PNMI and this error rate in recognition."""
    probes = {"test": {**group.first.probes["test"], "streams": {"s": {**group.first.probes["test"]["streams"]["semantic"]}}}}
    probes["test"]["streams"]["s"]["words"] = {"pnmi": pnmi, "pnmi_shuffled": 0.0, "purity": 0.5, "purity_shuffled": 0.1}
    counts = group.asr["test"]
    errors = np.full(counts.errors.shape, wer * counts.words.sum() / len(counts.words))
    return replace(group, name=name, systems=(replace(group.first, probes=probes),), asr={"test": replace(counts, errors=errors)})


def test_values(experiment: Experiment) -> None:
    values = probed(experiment.groups[0], "test")
    assert list(values) == [probe.title for probe in PROBES]
    assert values["PNMI"] == pytest.approx(0.8 - 0.1 - 0.1) and values["SNMI"] == pytest.approx(0.3)
    assert values["speaker known"] is None
    assert values["edits, speed 0.95"] == pytest.approx(0.45)
    assert values["tokens a second"] == 12.5


def test_few_systems_are_not_correlated(experiment: Experiment) -> None:
    found = experiment.probe_correlations["test"]
    assert found["PNMI"]["asr"] == {"not_run": "3 systems, 5 are wanted"}
    assert found["PNMI"]["tts"] == {"not_run": "2 systems, 5 are wanted"}
    assert found["speaker known"]["asr"] == {"not_run": "0 systems, 5 are wanted"}


def test_a_probe_that_foretells_errors(experiment: Experiment) -> None:
    groups = tuple(with_pnmi(experiment.groups[0], f"g{i}", 0.9 - 0.1 * i, 0.1 + 0.1 * i) for i in range(6))
    many = replace(experiment, groups=groups)
    found = many.probe_correlations["test"]
    assert found["PNMI"]["asr"]["rho"] == pytest.approx(-1.0) and found["PNMI"]["asr"]["n"] == 6
    assert found["purity"]["asr"] == {"not_run": "one of the two is the same for all systems"}
    table = next(table for table in tables_of(many) if table.title == "Probes against scores on `test`")
    rows = {row[0]: row for row in table.rows}
    assert rows["PNMI"][1] == "-1.00 [-1.00, -1.00], 6 systems"
