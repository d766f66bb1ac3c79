"""Arguments that must be one of a few strings."""

from __future__ import annotations


def choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """Return the string `value` in lower case if it is one of `choices`."""
    text = value.lower() if isinstance(value, str) else value
    if text not in choices:
        raise ValueError(f"The `{name}` argument must be one of {choices}. Received: {value!r}")
    return str(text)


def data_format(value: object) -> str:
    """Return ``"channels_last"`` (also for None) or ``"channels_first"``."""
    if value is None:
        return "channels_last"
    return choice(value, "data_format", ("channels_first", "channels_last"))
