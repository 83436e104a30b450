"""``report.html``: tables, figures, token pictures and players in one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from lmspt.data.scp import read_scp
from lmspt.data.subset import choose_utts
from lmspt.data.tokens import TokenStore
from lmspt.report.listen import SECONDS, UTTERANCES, Card, Clip, cards_of
from lmspt.report.markdown import flat, warnings_of
from lmspt.report.markers import commands_of
from lmspt.report.plots import (
    NAMED,
    SLM_STATS,
    TOK_STATS,
    Panel,
    colours_of,
    history_panels,
    rate_panels,
    token_panel,
    use_panels,
)
from lmspt.report.results import Experiment
from lmspt.report.speech_tables import SPOKEN
from lmspt.report.table import NONE, NOT_RUN, Table
from lmspt.report.tables import tables_of
from lmspt.score.mel import mel_power
from lmspt.score.speech import RATE, Speech

TEMPLATE = Path(__file__).with_name("page.html")
PICTURES = 3  # utterances whose tokens are shown
PICTURE_SECONDS = 5.0
LONG = 24  # rows of a table that is folded
SECTIONS = {
    "summary": "Summary",
    "rate": "Rate and scores",
    "training": "Training",
    "codebooks": "Codebooks",
    "tokens": "Tokens",
    "listen": "Listen",
    "tables": "All tables",
    "made": "How it was made",
}


def page(name: str, experiment: Experiment, environment: dict[str, str], raw: Path, tokens: Path) -> str:
    """The whole page.

    Args:
        name: of the recipe.
        experiment: what was found.
        environment: as in ``RESULTS.md``.
        raw: folder of the formatted sets.
        tokens: folder of the token stores, ``<tok_id>/<set>``.

    Raises:
        InputError: audio or tokens are missing.
    """
    colours = colours_of(experiment.groups)
    stores = {g.name: TokenStore(tokens / g.first.tok_id / experiment.sets[0], g.first.tok_id) for g in experiment.groups}
    cards = cards_of(experiment, raw)
    all_tables = tables_of(experiment)
    n_sets = len(experiment.sets)
    body = {
        "summary": "".join(map(_table, all_tables[:n_sets])),
        "rate": _rate(experiment, colours),
        "training": _training(experiment, colours),
        "codebooks": _codebooks(experiment, stores),
        "tokens": _pictures(experiment, stores, raw, colours),
        "listen": _listen(cards, colours),
        "tables": "".join(map(_folded, all_tables[n_sets:])),
        "made": _made(experiment, environment),
    }
    shown = [key for key in SECTIONS if body[key]]
    sections = "".join(f'<section id="{key}"><h2>{SECTIONS[key]}</h2>{body[key]}</section>' for key in shown)
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=f"{escape(name)}: report", body=_header(name, experiment, environment["date"], shown) + sections
    )


def _header(name: str, experiment: Experiment, date: str, shown: Iterable[str]) -> str:
    systems = _plural(len(experiment.groups), "system")
    models = _plural(len(experiment.systems), "language model") if experiment.has_models else "no language models"
    counts = f"{systems}, {models}, {_plural(len(experiment.sets), 'test set')}"
    links = "".join(f'<a href="#{key}">{SECTIONS[key]}</a>' for key in shown)
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in warnings_of(experiment))
    return f'<header><h1>{escape(name)}</h1><p class="soft">{counts}, {escape(date)}</p><nav>{links}</nav>{warnings}</header>'


def _rate(experiment: Experiment, colours: dict[str, str]) -> str:
    panels = {name: list(rate_panels(experiment, name, colours)) for name in experiment.sets}
    sets = (f"<h3><code>{escape(name)}</code></h3>{_panels(figures, 'pair')}" for name, figures in panels.items())
    if not any(panels.values()):
        return ""
    marks = ["● ASR and TTS of the language model" if experiment.spoken else "● ASR of the language model"] * experiment.has_models
    if experiment.spoken:
        marks += ["□ resynthesis from all streams", "△ from the semantic one alone", "dotted: the judge on the recordings"]
    errors = f"Word errors with 95 % intervals over what was read. {', '.join(marks)}; small dots: seeds. " if marks else ""
    told = "PNMI and purity: what codes tell of words or phones, above chance. " if any(experiment.told.values()) else ""
    return (
        f"<p>{errors}{told}Systems of one rate stand side by side, in the order of the list.</p>"
        f"{_key(experiment, colours)}{''.join(sets)}"
    )


def _training(experiment: Experiment, colours: dict[str, str]) -> str:
    tokenizers = {g.name: g.first.tok_history for g in experiment.groups if g.first.tok_history}
    models = {s.name: s.slm_history for s in experiment.systems}
    of_models = f"<h3>Language models</h3>{_panels(history_panels(models, SLM_STATS, colours))}" if experiment.has_models else ""
    return (
        "<p>Full: validation, dashed: training. Distillation distances compare only between tokenizers of one objective. K-means "
        f"has no epochs.</p>{_key(experiment, colours)}"
        f"<h3>Tokenizers</h3>{_panels(history_panels(tokenizers, TOK_STATS, colours))}{of_models}"
    )


def _codebooks(experiment: Experiment, stores: dict[str, TokenStore]) -> str:
    counts = {name: _counts(store) for name, store in stores.items()}
    return (
        f"<p>How often each code occurs in <code>{escape(experiment.sets[0])}</code>, most frequent first. A line ends where the "
        f"codes in use end; dotted: all codes alike. Of many streams the first {NAMED} are named.</p>{_panels(use_panels(counts))}"
    )


def _pictures(experiment: Experiment, stores: dict[str, TokenStore], raw: Path, colours: dict[str, str]) -> str:
    name, *_ = experiment.sets
    recordings, panels = Speech(raw / name), []
    texts = read_scp(raw / name / "text")
    for utt in choose_utts(texts, PICTURES):
        wav = recordings[utt][: int(PICTURE_SECONDS * RATE)]
        log_mel = np.log10(np.maximum(mel_power(wav, 400, 160, 80, RATE), 1e-10))
        log_mel = np.maximum(log_mel, log_mel.max() - 8.0)
        rows = {}
        for name, store in stores.items():
            rate = store.meta["frame_rate"]
            rows[name] = (store[utt][0][: int(np.ceil(len(wav) / RATE * rate))], rate)
        panels.append(token_panel(f"{utt}: {texts[utt]}", log_mel, len(wav) / RATE, rows, colours))
    return (
        f"<p>The semantic stream of each system under the recording, up to {PICTURE_SECONDS:g} s: a colour and number a code.</p>"
        f"{_key(experiment, colours)}{_panels(panels, 'wide')}"
    )


def _counts(store: TokenStore) -> dict[str, np.ndarray]:
    """How often each code of each stream occurs."""
    streams = store.meta["streams"]
    codes = np.concatenate([store[key] for key in store], axis=1)
    return {stream["name"]: np.bincount(row, minlength=stream["size"]) for stream, row in zip(streams, codes, strict=True)}


def _listen(cards: dict[str, list[Card]], colours: dict[str, str]) -> str:
    """Players; nothing where no judge was asked."""
    if not any(cards.values()):
        return ""
    parts = [
        f"<p>Under each player: what the judge read in it. The first {SECONDS:g} s of up to {UTTERANCES} utterances a set, "
        "the same for every system and not chosen by ear.</p>"
    ]
    for name, having in cards.items():
        parts.append(f"<h3><code>{escape(name)}</code></h3>{''.join(_card(card, colours) for card in having)}")
    return "".join(parts)


def _card(card: Card, colours: dict[str, str]) -> str:
    parts = [f'<div class="clips">{_player("recording", card.recording)}</div>']
    for system, text in card.heard.items():
        clips = card.spoken.get(system, {})
        players = "".join(_player(SPOKEN[audio], clip) for audio, clip in clips.items())
        said = ([] if text is None else [f"recognised as “{escape(text)}”"]) + ([] if clips else ["cannot speak"])
        parts.append(f'<h4>{_dot(colours[system])}{escape(system)} <span class="soft">{"; ".join(said)}</span></h4>')
        parts.append(f'<div class="clips">{players}</div>' if clips else "")
    title = f'{escape(card.reference)} <span class="soft">{escape(card.utt)}</span>'
    return f'<article class="card"><h3>{title}</h3>{"".join(parts)}</article>'


def _player(label: str, clip: Clip) -> str:
    errors = f"{_plural(clip.errors, 'error')} in {_plural(clip.n_words, 'word')}"
    wrong = f'<span class="wrong">{errors}</span>' if clip.errors else "right"
    audio = (
        f'<audio controls aria-label="{label}" preload="none" src="{clip.uri}"></audio>' if clip.uri else "<p>nothing was said</p>"
    )
    read = f"“{escape(clip.read)}”, {wrong}" if clip.read else f"nothing, {wrong}"
    return f'<div class="clip"><b>{label}</b> <span class="soft">{clip.seconds:.1f} s</span>{audio}{read}</div>'


def _made(experiment: Experiment, environment: dict[str, str]) -> str:
    commands = "\n".join(f"# {', '.join(stages)}\n{command}" for command, stages in commands_of(experiment.markers).items())
    return (
        f"<h3>Environment</h3>{_pairs(environment.items())}<h3>Contract</h3>{_pairs(flat(experiment.contract))}"
        f"<h3>Commands</h3><pre>{escape(commands)}</pre>"
    )


def _folded(table: Table) -> str:
    """A table behind its title; open if it is short."""
    is_open = " open" if len(table.rows) <= LONG else ""
    return f"<details{is_open}><summary><h3>{_ticks(table.title)}</h3></summary>{_body(table)}</details>"


def _table(table: Table) -> str:
    return f"<h3>{_ticks(table.title)}</h3>{_body(table)}"


def _body(table: Table) -> str:
    head = "".join(_cell("th", title, column < table.labels) for column, title in enumerate(table.head))
    rows = "".join(f"<tr>{_row(table, row)}</tr>" for row in table.rows)
    return (
        f'<p class="note">{_ticks(table.note)}</p>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _row(table: Table, row: tuple[str, ...]) -> str:
    cells = [_cell("td", text, column < table.labels) for column, text in enumerate(row)]
    if len(row) < len(table.head):
        cells[-1] = f'<td class="off" colspan="{len(table.head) - len(row) + 1}">{escape(row[-1])}</td>'
    return "".join(cells)


def _cell(tag: str, text: str, is_word: bool) -> str:
    """A cell; the interval behind a number is softer, long words may be broken into lines."""
    number, bracket, interval = escape(text).partition(" [")
    soft = f'<span class="span"> [{interval}</span>' if bracket else ""
    kind = "word" if is_word else "why" if ": " in text or text.startswith(NOT_RUN) else "span" if text == NONE else "number"
    return f'<{tag} class="{kind}">{number}{soft}</{tag}>'


def _panels(panels: Iterable[Panel], kind: str = "") -> str:
    figures = "".join(f"<figure><figcaption>{escape(panel.title)}</figcaption>{_named(panel)}</figure>" for panel in panels)
    return f'<div class="panels {kind}">{figures}</div>'


def _named(panel: Panel) -> str:
    """Its picture, with its title for those who hear the page."""
    return panel.svg.replace("<svg ", f'<svg aria-label="{escape(panel.title)}" ', 1)


def _key(experiment: Experiment, colours: dict[str, str]) -> str:
    names = (group.name for group in experiment.groups)
    return f'<ul class="key">{"".join(f"<li>{_dot(colours[name])}{escape(name)}</li>" for name in names)}</ul>'


def _dot(colour: str) -> str:
    return f'<span class="dot" style="background:{colour}"></span>'


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(key)}</dt><dd>{escape(value)}</dd>' for key, value in pairs)}</dl>"


def _ticks(text: str) -> str:
    """Markdown's back ticks as code."""
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(escape(text).split("`")))


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
