"""Which Keras wrote something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

KERAS_1, KERAS_3 = 1, 3


def major(keras_version: str | None) -> int:
    """Return the first number of a version such as ``"2.9.0"``; no version counts as Keras 1."""
    digits = (keras_version or "").split(".")[0]
    return int(digits) if re.fullmatch("[0-9]{1,3}", digits) else KERAS_1


def version_of(config: Any) -> str | None:
    """Return the version that a configuration without a file says it comes from.

    Keras 3 says none, but names the modules of its classes.
    """
    if not isinstance(config, Mapping):
        return None
    version = config.get("keras_version")
    if isinstance(version, str):
        return version
    return str(KERAS_3) if "module" in config else None
