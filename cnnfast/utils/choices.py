"""Arguments that must be one of a few strings."""

from __future__ import annotations

from cnnfast.utils import defaults


def choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """Return the string `value` in lower case if it is one of `choices`."""
    text = value.lower() if isinstance(value, str) else value
    if text not in choices:
        raise ValueError(f"The `{name}` argument must be one of {choices}. Received: {value!r}")
    return str(text)


def data_format(value: object) -> str:
    """Return ``"channels_last"`` or ``"channels_first"``; the one that is set for None."""
    if value is None:
        return defaults.image_data_format()
    return choice(value, "data_format", defaults.FORMATS)
