"""What Keras calls its backend's configuration: floats, the fuzz factor, the order of axes.

The values are those of the process. Arguments that say their own value do not ask here, nor do
files, which always say it.
"""

from __future__ import annotations

FLOATS = ("bfloat16", "float16", "float32", "float64")
FORMATS = ("channels_first", "channels_last")
_EPSILON = 1e-7

_epsilon = _EPSILON
_image_data_format = "channels_last"


def floatx() -> str:
    """Return the dtype of floats, which is always ``"float32"``.

    Examples
    --------
    >>> cnnfast.config.floatx()
    'float32'
    """
    return "float32"


def set_floatx(value: str) -> None:
    """Accept ``"float32"``, in which everything is computed.

    Raises
    ------
    ValueError
        If `value` is another dtype; numbers would not be those that it promises.
    """
    if value not in FLOATS:
        raise ValueError(f"Unknown `floatx` value: {value}. Expected one of {set(FLOATS)}")
    if value != floatx():
        raise ValueError(
            "Everything is computed in float32 here. Leave the call out: networks that were saved "
            f"in another dtype are computed in float32. Received: {value!r}"
        )


def epsilon() -> float:
    """Return the number that keeps losses, metrics and norms from dividing by zero.

    Examples
    --------
    >>> cnnfast.config.epsilon()
    1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set what `epsilon` returns, for losses, metrics, operations and layers from now on.

    Raises
    ------
    ValueError
        If it is no number.
    """
    global _epsilon  # noqa: PLW0603
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"`value` must be a number. Received: {value!r}")
    _epsilon = float(value)


def image_data_format() -> str:
    """Return the order of axes of layers that do not say theirs.

    Examples
    --------
    >>> cnnfast.config.image_data_format()
    'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the order of axes of layers that do not say theirs, from now on.

    Parameters
    ----------
    data_format
        ``"channels_last"`` or ``"channels_first"``.

    Raises
    ------
    ValueError
        If it is neither.
    """
    global _image_data_format  # noqa: PLW0603
    text = str(data_format).lower()
    if text not in FORMATS:
        raise ValueError(
            f"The `data_format` argument must be one of {set(FORMATS)}. Received: "
            f"data_format={data_format}"
        )
    _image_data_format = text
