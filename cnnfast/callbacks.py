"""Callbacks of `evaluate` and `predict`, called as Keras calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast.utils.progbar import Progbar


class Callback:
    """Base class of callbacks; every method may be overridden and does nothing by itself.

    Attributes
    ----------
    model
        The model that runs.
    params
        ``{"verbose": int, "epochs": 1, "steps": int or None}``.
    """

    model: Any = None
    params: Mapping[str, Any] | None = None

    def set_model(self, model: Any) -> None:
        """Be told of the model that runs."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Be told of the verbosity and the number of steps."""
        self.params = params

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Run before the first batch of `evaluate`."""

    def on_test_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Run before each batch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Run after each batch of `evaluate`; `logs` are the metrics so far."""

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Run after the last batch of `evaluate`; `logs` are the metrics."""

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Run before the first batch of `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Run before each batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Run after each batch of `predict`; ``logs["outputs"]`` are its predictions."""

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Run after the last batch of `predict`."""


class ProgbarLogger(Callback):
    """Shows a progress bar; added by itself unless ``verbose=0``."""

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Make the bar for a run of ``params["steps"]`` batches."""
        super().set_params(params)
        self._seen = 0
        self._bar = Progbar(params["steps"], params["verbose"])

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Show one more batch and the metrics so far."""
        self._update(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Show one more batch."""
        self._update(batch)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Show the last state and end the line."""
        self._finish(logs)

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Show the last state and end the line."""
        self._finish()

    def _update(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._seen = batch + 1
        if self._bar.verbose == 1:
            self._bar.update(self._seen, logs)

    def _finish(self, logs: Mapping[str, Any] | None = None) -> None:
        if self._bar.target is None:
            self._bar.target = self._seen
        self._bar.update(self._bar.target, logs, finalize=True)


class CallbackList:
    """Calls a list of callbacks, of this package or of Keras, in order.

    Parameters
    ----------
    callbacks
        One callback, a list of them, or None.
    model
        The model that runs.
    verbose
        ``"auto"``, 0, 1 or 2; a progress bar is added unless it is 0.
    steps
        Number of batches, None if unknown.
    """

    def __init__(
        self,
        callbacks: Any,
        model: Any = None,
        verbose: int | str = 0,
        steps: int | None = None,
    ) -> None:
        verbosity = check_verbose(verbose)
        if callbacks is None:
            callbacks = []
        self.callbacks = list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
        if verbosity and not any(isinstance(item, ProgbarLogger) for item in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        params = {"verbose": verbosity, "epochs": 1, "steps": steps}
        for callback in self.callbacks:
            if not hasattr(callback, "set_model") or not hasattr(callback, "set_params"):
                raise ValueError(
                    "`callbacks` must be `Callback` objects. "
                    f"Received: {callback!r} (of type {type(callback).__name__})"
                )
            callback.set_params(params)
            callback.set_model(model)

    def call(self, hook: str, *args: Any) -> None:
        """Call the method `hook`, such as ``"on_test_begin"``, of every callback.

        The last of `args` are the logs, which Keras passes to every method, empty or not.
        """
        for callback in self.callbacks:
            getattr(callback, hook)(*args)


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
