"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnfast.callbacks.callback import Callback


class LambdaCallback(Callback):
    """Calls the functions that it is given.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end, on_train_begin, on_train_end
        Of training; not called here.
    on_train_batch_begin, on_train_batch_end
        Of training; not called here.
    **kwargs
        Functions for any other method of `Callback`, under its name.

    Raises
    ------
    ValueError
        If there is no such method, or what is given for it cannot be called.

    Examples
    --------
    >>> seen = []
    >>> callback = cnnfast.callbacks.LambdaCallback(
    ...     on_predict_batch_end=lambda batch, logs: seen.append(batch)
    ... )
    >>> model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])
    >>> _ = model.predict(np.ones((4, 3)), batch_size=2, verbose=0, callbacks=[callback])
    >>> seen
    [0, 1]
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any],
    ) -> None:
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in given.items():
            if name.startswith("on_") and not hasattr(Callback, name):
                raise ValueError(f"`Callback` has no method {name!r} that would be called.")
            if function is not None:
                setattr(self, name, function)
