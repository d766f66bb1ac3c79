"""Calling several callbacks in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnfast.callbacks.callback import Callback
from cnnfast.callbacks.history import History
from cnnfast.callbacks.progbar_logger import ProgbarLogger


class CallbackList(Callback):
    """Calls a list of callbacks, of this package or of Keras, in order.

    Parameters
    ----------
    callbacks
        One callback, or lists of them; None for none.
    add_history
        Whether a `History` is added where there is none.
    add_progbar
        Whether a `ProgbarLogger` is added where there is none.
    model
        The model that runs.
    **params
        What callbacks are told by `set_params`.

    Raises
    ------
    ValueError
        If one of them is no callback.

    Examples
    --------
    >>> seen = []
    >>> one = cnnfast.callbacks.LambdaCallback(on_test_end=seen.append)
    >>> cnnfast.callbacks.CallbackList([one, one]).on_test_end({"loss": 0.5})
    >>> len(seen)
    2
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks = [] if callbacks is None else _flat(callbacks)
        for callback in self.callbacks:
            _check(callback)
        for wanted, kind in ((add_history, History), (add_progbar, ProgbarLogger)):
            if wanted and not any(isinstance(item, kind) for item in self.callbacks):
                self.callbacks.append(kind())
        self.set_params(params)
        if model is not None:
            self.set_model(model)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self.call("set_model", model)

    def set_params(self, params: Any) -> None:
        super().set_params(params)
        self.call("set_params", params)

    def call(self, hook: str, *args: Any) -> None:
        """Call the method `hook`, such as ``"on_test_begin"``, of every callback.

        The last of `args` are the logs, which Keras passes to every method, empty or not.
        """
        for callback in self.callbacks:
            getattr(callback, hook)(*args)


def _flat(callbacks: Any) -> list[Any]:
    if not isinstance(callbacks, list | tuple):
        return [callbacks]
    return [found for item in callbacks for found in _flat(item)]


def _check(callback: Any) -> None:
    if not hasattr(callback, "set_model") or not hasattr(callback, "set_params"):
        raise ValueError(
            "`callbacks` must be `Callback` objects. "
            f"Received: {callback!r} (of type {type(callback).__name__})"
        )


def _for_all(hook: str) -> Callable[..., None]:
    def call(self: CallbackList, *args: Any, logs: Any = None) -> None:
        numbered = hook.count("batch") + hook.count("epoch")
        self.call(hook, *(args if len(args) > numbered else (*args, logs or {})))

    call.__name__ = hook
    call.__doc__ = f"Call `{hook}` of every callback."
    return call


for _hook in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _hook, _for_all(_hook))


def for_run(callbacks: Any, model: Any, verbose: int | str, steps: int | None) -> CallbackList:
    """Return the callbacks of a run of `predict` or `evaluate`, its progress bar among them.

    Parameters
    ----------
    callbacks, model
        As of `CallbackList`.
    verbose
        ``"auto"``, 0, 1 or 2; a progress bar is added unless it is 0.
    steps
        Number of batches, None if unknown.
    """
    verbosity = check_verbose(verbose)
    return CallbackList(
        callbacks,
        add_progbar=bool(verbosity),
        model=model,
        verbose=verbosity,
        epochs=1,
        steps=steps,
    )


def check_verbose(verbose: int | str) -> int:
    """Return the verbosity as a number; ``"auto"`` is 1.

    Raises
    ------
    ValueError
        If it is neither a number nor ``"auto"``.
    """
    if verbose == "auto":
        return 1
    if isinstance(verbose, int):
        return int(verbose)
    raise ValueError(f"`verbose` must be 'auto', 0, 1 or 2. Received: verbose={verbose!r}")
