"""``--output yaml`` and ``yaml-stream`` of version 2 of the AWS CLI, and what ``--cli-input-yaml`` reads.

The CLI uses ruamel.yaml (typ="safe", in blocks, with libyaml): YAML 1.2, keys sorted.  PyYAML, which Apprise brings
anyway, writes the same text once it is told which plain words YAML 1.2 takes for truth values and numbers; the golden
files that the tests compare with are ruamel.yaml's.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml

_FLOATS = (
    r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?",
    r"[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+",
    r"[-+]?\.[0-9_]+([eE][-+][0-9]+)?",
    r"[-+]?\.(inf|Inf|INF)",
    r"\.(nan|NaN|NAN)",
)
_PLAIN = {
    # tag: (how YAML 1.2 writes it without quotes, how it begins); the other tags are those of YAML 1.1.
    # Source: YAML 1.2.2, 10.3.2 (core schema), and what ruamel.yaml adds to it: underscores, binary numbers.
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    "float": (
        "|".join(_FLOATS),
        "-+0123456789.",
    ),
}
_PREFIX = "tag:yaml.org,2002:"

_Dumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CliDumper(_Dumper):  # type: ignore[misc]
    """YAML 1.2, with numbers as Python writes them."""


class _CliLoader(_Loader):  # type: ignore[misc]
    """YAML 1.2; a key that comes twice in one mapping is an error, as to ruamel.yaml."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - PyYAML's own
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != f"{_PREFIX}merge"]
        if len(set(map(repr, keys))) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key comes twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def _number(dumper: Any, value: float) -> Any:  # noqa: ANN401 - PyYAML's own
    text = repr(value) if math.isfinite(value) else {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    return dumper.represent_scalar(f"{_PREFIX}float", text)


for _class in (_CliDumper, _CliLoader):
    _class.yaml_implicit_resolvers = {
        first: [(tag, words) for tag, words in resolvers if tag.removeprefix(_PREFIX) not in _PLAIN]
        for first, resolvers in _class.yaml_implicit_resolvers.items()
    }
    for _tag, (_words, _first) in _PLAIN.items():
        _class.add_implicit_resolver(_PREFIX + _tag, re.compile(f"(?:{_words})$"), list(_first))
_CliDumper.add_representer(float, _number)


def document(value: Any) -> str:  # noqa: ANN401 - JSON is JSON
    """Return *value* as a YAML document.  A single scalar is JSON, so that no end marker follows it."""
    if value is None or isinstance(value, (str, int, float)):
        return json.dumps(value, ensure_ascii=False) + "\n"
    return str(yaml.dump(value, Dumper=_CliDumper, default_flow_style=False, allow_unicode=True))


def stream(value: Any) -> str:  # noqa: ANN401 - JSON is JSON
    """Return *value* as the one item of a stream; the operation has one page."""
    return document([value])


def load(text: str | bytes) -> Any:  # noqa: ANN401 - YAML is YAML
    """Return what a YAML document says; raises yaml.YAMLError, or ValueError for a number that is none."""
    return yaml.load(text, Loader=_CliLoader)  # noqa: S506 - a safe loader
