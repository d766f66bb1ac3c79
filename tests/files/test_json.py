"""The JSON reader takes what a model's configuration needs and nothing ambiguous."""

from __future__ import annotations

import json as standard

import pytest

from cnnfast.errors import ModelFileError
from cnnfast.files import json


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, -2.5, 1e-300, None, True, False, 'ä\\" [{,'], "b": {}},
        [2**63 - 1, -(2**63), 2**64 - 1],
        "[[[" * 1000,
        0.1000000000000000055511151231257827,
    ],
)
def test_ordinary_values_come_out_as_they_are(value: object) -> None:
    assert json.loads(standard.dumps(value).encode(), "x") == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1, "a": 2}', "'a' occurs twice"),
        ('{"x": {"b": 1, "c": 1, "b": 1}}', "'b' occurs twice"),
        ("[NaN]", "finite"),
        ("[-Infinity]", "finite"),
        ("1e999", "finite"),
        ("-1e400", "finite"),
        (str(2**64), "64 bits"),
        ("9" * 5000, "64 bits"),
        ("0." + "1" * 5000, "characters"),
        ("[" * 201 + "]" * 201, "deeper than 200"),
        ('{"a":' * 300 + "1" + "}" * 300, "deeper than 200"),
        ("[" + "0," * 500_001 + "0]", "more than 500000 values"),
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[1] 2", "not valid JSON"),
        ('"' * 3, "not valid JSON"),
        ("{'a': 1}", "not valid JSON"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(ModelFileError, match=f"^here: .*{says}"):
        json.loads(text, "here")


def test_two_hundred_levels_are_allowed() -> None:
    assert standard.dumps(json.loads("[" * 200 + "]" * 200, "x")) == "[" * 200 + "]" * 200


def test_a_long_open_string_of_quotes_takes_linear_time() -> None:
    with pytest.raises(ModelFileError, match="not valid JSON"):
        json.loads('["' + '\\"' * 2_000_000, "x")


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(ModelFileError, match="not valid JSON"):
        json.loads(b'"\xff"', "x")


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "MAX_BYTES", 10)
    with pytest.raises(ModelFileError, match=r"at most 10 bytes\. Received: 12"):
        json.loads(b'"0123456789"', "x")
