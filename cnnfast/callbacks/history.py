"""The callback that writes down what each epoch came to."""

from __future__ import annotations

from typing import Any

from cnnfast.callbacks.callback import Callback, Logs


class History(Callback):
    """Gathers the logs of epochs, for scripts that run epochs by themselves.

    Attributes
    ----------
    history
        The values of each name in the logs, in order.
    epoch
        The numbers of the epochs.

    Examples
    --------
    >>> history = cnnfast.callbacks.History()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
