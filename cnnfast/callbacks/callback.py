"""What callbacks are: methods that are called on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Logs = Mapping[str, Any] | None


class Callback:
    """Base class of callbacks; every method may be overridden and does nothing by itself.

    `predict` calls those of predict, `evaluate` those of test; those of training are there for
    scripts that call them by themselves.

    Attributes
    ----------
    model
        The model that runs.
    params
        ``{"verbose": int, "epochs": 1, "steps": int or None}``.

    Examples
    --------
    >>> class Count(cnnfast.callbacks.Callback):
    ...     batches = 0
    ...
    ...     def on_predict_batch_end(self, batch, logs=None):
    ...         self.batches += 1
    >>> count = Count()
    >>> model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])
    >>> _ = model.predict(np.ones((4, 3)), batch_size=2, verbose=0, callbacks=[count])
    >>> count.batches
    2
    """

    params: Mapping[str, Any] | None = None
    _model: Any = None

    @property
    def model(self) -> Any:
        """The model that runs."""
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    def set_model(self, model: Any) -> None:
        """Be told of the model that runs."""
        self._model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Be told of the verbosity and the number of steps."""
        self.params = params

    def on_test_begin(self, logs: Logs = None) -> None:
        """Run before the first batch of `evaluate`."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Run before each batch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Run after each batch of `evaluate`; `logs` are the metrics so far."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Run after the last batch of `evaluate`; `logs` are the metrics."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Run before the first batch of `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Run before each batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Run after each batch of `predict`; ``logs["outputs"]`` are its predictions."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Run after the last batch of `predict`."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Be another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Be another name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Run before each epoch of training; not called here."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Run after each epoch of training; not called here."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Run before each batch of training; not called here."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Run after each batch of training; not called here."""
        self.on_batch_end(batch, logs=logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Run before training; not called here."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Run after training; not called here."""
