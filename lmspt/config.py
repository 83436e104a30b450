"""Configs are data: one flat YAML file, checked against dataclasses, unknown keys refused with the nearest name."""

from __future__ import annotations

import dataclasses
import difflib
import logging
import re
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lmspt.errors import InputError
from lmspt.files import write_text

COMMAND_LINE = "command line"


def load_config(
    path: str | Path | None, overrides: Sequence[str], *classes: type, siblings: Sequence[type] = ()
) -> tuple[Any, ...]:
    """Read a flat YAML file and overrides into one instance of each dataclass.

    Args:
        path: YAML file of ``key: value`` lines; ``None`` for defaults and overrides alone.
        overrides: ``["--max_epoch", "3", "lr=1e-4"]``; they win over the file.
        classes: dataclasses whose field names are disjoint.
        siblings: dataclasses of other kinds of config, where one list of overrides goes to several kinds: what only they know
            is left out of the overrides, and said.

    Raises:
        InputError: unknown key (with the nearest known one), wrong type, duplicate key, or unreadable file.
    """
    known = _known_fields(classes)
    values = read_yaml(Path(path)) if path else {}
    given = _parse_overrides(overrides)
    foreign = {field.name for cls in siblings for field in dataclasses.fields(cls)} - known
    for key in sorted(foreign.intersection(given)):
        logging.warning("%s: '%s' is no key of this kind of config; left out", path or COMMAND_LINE, key)
        del given[key]
    values.update(given)
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(sorted(known))}"
            raise InputError(f"{COMMAND_LINE if key in given else path}: unknown config key '{key}'; {hint}")
    instances = []
    for cls in classes:
        hints = typing.get_type_hints(cls)
        own = {
            key: _typed(COMMAND_LINE if key in given else path, key, values[key], hints[key])
            for key in (field.name for field in dataclasses.fields(cls))
            if key in values
        }
        instances.append(cls(**own))
    return tuple(instances)


def require_at_least(config: Any, least: float, *keys: str) -> None:
    """Stop at a number of a config that is too small; for ``__post_init__``.

    Raises:
        InputError: names it.
    """
    for key in keys:
        if not getattr(config, key) >= least:
            raise InputError(f"{key} {getattr(config, key)}: must be {least} or more")


def save_config(path: str | Path, *instances: Any) -> None:
    """Write the resolved config, defaults included, as one flat YAML file (atomically)."""
    write_text(Path(path), dump_config(*instances))


def dump_config(*instances: Any) -> str:
    """The resolved config of these dataclass instances as YAML text, one commented block a class."""
    blocks = []
    for instance in instances:
        body = yaml.safe_dump(dataclasses.asdict(instance), sort_keys=False, default_flow_style=False)
        blocks.append(f"# {type(instance).__name__}\n{body}")
    return "".join(blocks)


def _known_fields(classes: Sequence[type]) -> set[str]:
    names = [field.name for cls in classes for field in dataclasses.fields(cls)]
    assert len(names) == len(set(names)), f"config classes share a field name: {names}"
    return set(names)


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, which YAML would let the last one win silently, and one that is no word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"line {key_node.start_mark.line + 1}: a key is a word")
            if key_node.value in seen:
                raise InputError(f"line {key_node.start_mark.line + 1}: key '{key_node.value}' is given twice; keep one")
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


# YAML 1.1 reads `1e-4` as a string; scientific notation without a dot is a number to everybody else.
_FLOAT = "tag:yaml.org,2002:float"
_UniqueKeyLoader.add_implicit_resolver(_FLOAT, re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789"))


def read_yaml(path: Path) -> dict[str, Any]:
    """The keys and values of a flat YAML file, unchecked.

    Raises:
        InputError: no such file, not YAML, a key twice, or no ``key: value`` lines.
    """
    try:
        values = _load_yaml(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{path}: no such config file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as YAML: {error}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected 'key: value' lines, found a {type(values).__name__}")
    return {str(key): value for key, value in values.items()}


def _load_yaml(text: str) -> Any:
    """What a text says.

    Raises:
        yaml.YAMLError: it is not readable.
        InputError: a key twice.
    """
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # a SafeLoader subclass
    except (ValueError, LookupError, AttributeError, RecursionError) as error:  # from inside PyYAML: "!!bool x", 2001-99-99 ...
        raise yaml.YAMLError(f"{type(error).__name__}: {error}") from None


def _parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    words = (word for word in overrides if word != "--")
    for word in words:
        key, equals, text = word.removeprefix("--").partition("=")
        if not equals:
            if not word.startswith("--"):
                raise InputError(f"config override '{word}': write --{word} VALUE or {word}=VALUE")
            text = next(words, None)
            if text is None:
                raise InputError(f"config override '{word}' has no value")
        try:
            values[key.replace("-", "_")] = _load_yaml(text)
        except yaml.YAMLError:
            raise InputError(f"config override '--{key}': '{text}' is not readable as YAML; a list is written \"[1, 2]\"") from None
    return values


def _typed(path: str | Path, key: str, value: Any, hint: Any) -> Any:
    """Check ``value`` against a type hint; an int is taken where a float is wanted."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _typed(path, key, value, next(a for a in arguments if a is not type(None)))
    if origin in (list, tuple):
        if not isinstance(value, (list, tuple)):
            raise InputError(f"{path}: '{key}' wants a list such as [1, 2], got {value!r}")
        return origin(_typed(path, key, item, arguments[0]) for item in value)
    if origin is typing.Literal:
        if value not in arguments:
            raise InputError(f"{path}: '{key}' is one of {', '.join(map(str, arguments))}; got {value!r}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise InputError(f"{path}: '{key}' wants {hint.__name__}, got {value!r}")
    return value
