"""The tables of an experiment, the summaries first."""

from __future__ import annotations

from dataclasses import replace

from lmspt.report.amounts import amounts_table
from lmspt.report.differences import differences_tables, told_tables
from lmspt.report.judges import judges_table
from lmspt.report.markers import markers_of, seconds_of, shared_markers, taken_up
from lmspt.report.probe_tables import correlation_tables, probe_table
from lmspt.report.results import Experiment
from lmspt.report.speech_tables import SPOKEN, asr_table, sound_table, speakers_table, tts_table
from lmspt.report.summaries import resynthesis_summary, summary_table, token_summary
from lmspt.report.table import NONE, Table
from lmspt.report.token_tables import codebook_table, codec_table, edit_table

SHARED = "all systems"


def tables_of(experiment: Experiment) -> list[Table]:
    """All of them: of each set, of the tokenizers, of what was done."""
    tables, with_models = [], experiment.has_models
    of_speech = (tts_table, sound_table, speakers_table) if experiment.groundtruth else ()
    of_tokens = resynthesis_summary if experiment.groundtruth else token_summary
    for of_set in (summary_table, asr_table, *of_speech) if with_models else (of_tokens, *of_speech):
        first, *others = (of_set(experiment, name) for name in experiment.sets)
        tables += [first, *(replace(table, note="As above.") for table in others)]
    if experiment.second:
        tables += [judges_table(experiment, name, SPOKEN) for name in experiment.sets]
    tables += [table for name in experiment.sets for table in differences_tables(experiment, name)]
    for name in experiment.sets:
        tables.append(probe_table(name, experiment.probes[name], experiment.told[name]))
        tables += told_tables(experiment, name)
        if with_models:
            titles = {task: experiment.title(task, "WER") for task in experiment.tasks}
            tables += correlation_tables(name, experiment.probe_correlations[name], titles)
    tables += [codec_table(experiment), codebook_table(experiment), edit_table(experiment)]
    if with_models:
        tables.append(amounts_table(experiment))
    return [*tables, _seconds(experiment)]


def _seconds(experiment: Experiment) -> Table:
    done = {SHARED: shared_markers(experiment.markers)}
    done |= {s.name: markers_of(experiment.markers, s.folder, s.tokenizer, s.tok_id) for s in experiment.systems}
    stages = list(dict.fromkeys(marker["name"] for marker in experiment.markers))
    rows = []
    for name, markers in done.items():
        found, again = seconds_of(markers), taken_up(markers)
        cells = (f"{'> ' if stage in again else ''}{found[stage]:.0f}" if stage in found else NONE for stage in stages)
        rows.append((name, *cells, f"{sum(found.values()):.0f}"))
    return Table(
        "Seconds a stage",
        f"Wall time. {SHARED.capitalize()}: done once. What was done once for a tokenizer stands with each of its systems. >: a "
        f"part was broken off and taken up again; its last session is counted. {NONE}: not done for this system.",
        ("system", *stages, "sum"),
        rows,
    )
