"""JSON from strangers: bounded in size, depth and nodes, and without ambiguous values."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

import numpy as np

from cnnfast.errors import ModelFileError

MAX_BYTES = 16 << 20
MAX_DEPTH = 200
MAX_NODES = 500_000  # NASNetLarge has 65,000
MAX_DIGITS = 20  # enough for every 64-bit integer
MAX_FLOAT_CHARACTERS = 1100  # enough for every double written in full

# Closed or not, so that the scan stays linear.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(128)) - set(b"[{]}"))
# By how much each character changes the depth.
_STEPS = np.zeros(128, np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


def loads(data: bytes | bytearray | str, name: str) -> Any:
    """Parse one JSON document.

    Parameters
    ----------
    data
        The document; bytes are taken as UTF-8.
    name
        What error messages call it.

    Returns
    -------
    Any
        dicts, lists, strings, integers of at most 64 bits, finite floats, booleans, None.

    Raises
    ------
    ModelFileError
        The document is not JSON, is larger or deeper than any model's configuration, repeats
        a key, or holds a number that is not finite or an integer beyond 64 bits.
    """
    if len(data) > MAX_BYTES:
        raise ModelFileError(
            f"{name}: a configuration may have at most {MAX_BYTES} bytes. Received: {len(data)}."
        )
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        _check_structure(text, name)
        return json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(pairs, name),
            parse_constant=lambda word: _refuse_number(word, name),
            parse_float=lambda digits: _finite(digits, name),
            parse_int=lambda digits: _integer(digits, name),
        )
    except ModelFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{name}: not valid JSON ({error}).") from error


def _check_structure(text: str, name: str) -> None:
    """Refuse too many values and deep nesting before the recursive parser sees them."""
    # Counts those in strings too: no configuration has as many either way.
    if sum(map(text.count, ",[{")) > MAX_NODES:
        raise ModelFileError(f"{name}: more than {MAX_NODES} values.")
    outside = _STRING.sub("", text).encode("ascii", "replace")
    brackets = outside.translate(None, _NO_BRACKETS)[: 2 * MAX_NODES]
    depth = np.cumsum(_STEPS[np.frombuffer(brackets, np.uint8)], dtype=np.int32)
    if depth.max(initial=0) > MAX_DEPTH:
        raise ModelFileError(f"{name}: nested deeper than {MAX_DEPTH} levels.")


def _object(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        repeated = max(counts, key=lambda key: counts[key])
        raise ModelFileError(f"{name}: the key {repeated!r} occurs twice in one object.")
    return result


def _refuse_number(word: str, name: str) -> NoReturn:
    raise ModelFileError(f"{name}: numbers must be finite. Received: {word[:40]}.")


def _finite(digits: str, name: str) -> float:
    if len(digits) > MAX_FLOAT_CHARACTERS:
        raise ModelFileError(f"{name}: a number with {len(digits)} characters.")
    value = float(digits)
    if not math.isfinite(value):
        _refuse_number(digits, name)
    return value


def _integer(digits: str, name: str) -> int:
    if len(digits) > MAX_DIGITS or not -(2**63) <= int(digits) < 2**64:
        raise ModelFileError(f"{name}: integers must fit 64 bits. Received: {digits[:40]}.")
    return int(digits)
