"""The text side of a scoring folder: ``ref.trn``, ``hyp.trn`` and a ``result.txt`` laid out as sclite's.

``sclite -r ref.trn trn -h hyp.trn trn -i spu_id`` reads the two trn files (its alignment weighs a substitution above an
insertion, so that it may count a word more).
"""

from __future__ import annotations

from pathlib import Path

from lmspt.files import write_text
from lmspt.score.wer import Utterance

COLUMNS = ("Corr", "Sub", "Del", "Ins", "Err", "S.Err")


def write_trn(folder: str | Path, utterances: list[Utterance]) -> None:
    """Write ``ref.trn``, ``hyp.trn`` (``words<TAB>(utterance)``, joined by key) and ``result.txt`` into a folder."""
    folder = Path(folder)
    write_text(folder / "ref.trn", "".join(f"{u.ref}\t({u.utt})\n" for u in utterances))
    write_text(folder / "hyp.trn", "".join(f"{u.hyp}\t({u.utt})\n" for u in utterances))
    write_text(folder / "result.txt", speaker_table(utterances) + "\n" + "\n".join(map(alignment, utterances)))


def speaker_table(utterances: list[Utterance]) -> str:
    """Percentages by speaker and over all, sclite's "SYSTEM SUMMARY PERCENTAGES by SPEAKER"."""
    speakers = sorted({u.speaker for u in utterances})
    width = max(len("Sum/Avg"), *map(len, speakers))
    rows = [_row(s, [u for u in utterances if u.speaker == s], width) for s in speakers]
    head = f"| {'SPKR':<{width}} | {'# Snt':>6} {'# Wrd':>6} |" + "".join(f"{name:>7}" for name in COLUMNS) + " |"
    line = "-" * len(head)
    return "\n".join([line, head, line, *rows, line, _row("Sum/Avg", utterances, width), line, ""])


def alignment(utterance: Utterance) -> str:
    """Reference over hypothesis, word under word; stars where one side has none."""
    refs, hyps, marks = [], [], []
    for operation, ref, hyp in utterance.pairs:
        width = max(len(ref), len(hyp))
        # sclite's habit: a word that is wrong is in capitals
        ref, hyp = (ref, hyp) if operation == "C" else (ref.upper(), hyp.upper())
        refs.append((ref or "*" * width).ljust(width))
        hyps.append((hyp or "*" * width).ljust(width))
        marks.append(("" if operation == "C" else operation).ljust(width))
    counts = " ".join(str(utterance.count(operation)) for operation in "CSDI")
    lines = (
        f"id: ({utterance.utt})",
        f"Scores: (#C #S #D #I) {counts}",
        f"REF:  {' '.join(refs)}",
        f"HYP:  {' '.join(hyps)}",
        f"Eval: {' '.join(marks)}",
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _row(name: str, utterances: list[Utterance], width: int) -> str:
    n_words = sum(u.n_words for u in utterances)
    counts = [sum(u.count(operation) for u in utterances) for operation in "CSDI"]
    wrong = sum(u.errors > 0 for u in utterances)
    shares = [*(c / n_words for c in counts), sum(counts[1:]) / n_words, wrong / len(utterances)]
    cells = "".join(f"{100 * share:7.1f}" for share in shares)
    return f"| {name:<{width}} | {len(utterances):>6} {n_words:>6} |{cells} |"
