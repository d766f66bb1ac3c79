"""Errors in a user's code: which line of it they come from."""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType, TracebackType

from cnnfast.errors import UnsupportedError

_OF_KERAS = ("keras", "tf_keras", "tensorflow", "jax", "jaxlib", "torch")
_NOT_USERS = (__name__.partition(".")[0], "numpy", *_OF_KERAS)
_NUMPY_NEEDS_NUMBERS = (
    "a function of NumPy needs numbers, and a symbolic tensor has none yet: use the function of "
    "the same name in `cnnfast.ops`"
)

_OPEN_SIZES = (
    "A size that the inputs leave open is None where a graph is drawn: `-1` or `ops.shape(x)[0]` "
    "stands for the batch; for other sizes, give `Input` numbers, or call the layer on arrays"
)


def located(error: Exception, where: str) -> Exception:
    """Return `error` with the line of the user's code that it comes from in its message.

    Parameters
    ----------
    error
        What the user's code raised.
    where
        Which code that is, such as "In `call` of layer 'scale' of class Scale".
    """
    if getattr(error, "_located", False):
        return error
    line = getattr(error, "line", "") or _line(error.__traceback__)
    message = f"{_text(error)} {where}{line}"
    made: Exception
    if isinstance(error, UnsupportedError):
        made = UnsupportedError(message)
    else:
        try:
            made = type(error)(message)
        except Exception:  # a class of the user's with a constructor of its own
            made = RuntimeError(f"{type(error).__name__}: {message}")
    vars(made)["_located"] = True
    return made


def _text(error: Exception) -> str:
    text = str(error)
    if "does not support ufuncs" in text and "KerasTensor" in text:
        text = _NUMPY_NEEDS_NUMBERS
    if isinstance(error, TypeError) and "'NoneType'" in text:
        text = f"{text}. {_OPEN_SIZES}"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _line(traceback: TracebackType | None) -> str:
    """Return the last line that is neither of this package nor of NumPy."""
    found = ""
    while traceback is not None:
        found = _shown(traceback.tb_frame, traceback.tb_lineno) or found
        traceback = traceback.tb_next
    return found


def line_here() -> str:
    """Return the line of the user's code that runs now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        found = _shown(frame, frame.f_lineno)
        if found:
            return found
        frame = frame.f_back
    return ""


def _shown(frame: FrameType, number: int) -> str:
    """Return a line of the user's code as messages have it; nothing where it is not theirs."""
    if str(frame.f_globals.get("__name__")).partition(".")[0] in _NOT_USERS:
        return ""
    path = frame.f_code.co_filename
    linecache.checkcache(path)
    code = linecache.getline(path, number).strip()
    return f", {os.path.basename(path)}, line {number}" + (f": `{code}`" if code else "")
