"""The callbacks of training: they hold their arguments, so that scripts run up to `fit`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from cnnfast.callbacks.callback import Callback, Logs
from cnnfast.utils import training


class TrainingCallback(Callback):
    """Base class of callbacks that only training calls."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Raise `NotImplementedError`: models are trained in Keras and loaded here."""
        training.refuse()


class MonitorCallback(TrainingCallback):
    """Base class of callbacks that look at one of the logs.

    Parameters
    ----------
    monitor
        Its name.
    mode
        ``"min"``, ``"max"`` or ``"auto"``: what is better.
    baseline
        What must be reached.
    min_delta
        The least that counts as better.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)


class EarlyStopping(MonitorCallback):
    """Ends training where it gets no better; held here, as nothing is trained.

    Parameters
    ----------
    monitor, min_delta, mode
        As of `MonitorCallback`.
    patience
        For how many epochs it may get no better.
    verbose
        Whether it says so.
    baseline
        What must be reached.
    restore_best_weights
        Whether the best weights come back.
    start_from_epoch
        The first epoch that counts.

    Examples
    --------
    >>> cnnfast.callbacks.EarlyStopping(patience=3).patience
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = self.stopped_epoch = 0
        self.best_weights = None


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate where it gets no better; held here, as nothing is trained.

    Parameters
    ----------
    monitor, mode, min_delta
        As of `MonitorCallback`.
    factor
        What the rate is multiplied by, below 1.
    patience, cooldown
        For how many epochs it may get no better, and rests afterwards.
    verbose
        Whether it says so.
    min_lr
        The lowest rate.

    Examples
    --------
    >>> cnnfast.callbacks.ReduceLROnPlateau(factor=0.5).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}"
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.cooldown_counter = self.wait = 0


class ModelCheckpoint(MonitorCallback):
    """Saves the model on the way; held here, as nothing is trained.

    Parameters
    ----------
    filepath
        Ends in ``.keras`` or ``.h5``; in ``.weights.h5`` with `save_weights_only`.
    monitor, mode
        As of `MonitorCallback`.
    verbose
        Whether it says so.
    save_best_only, save_weights_only
        What is saved.
    save_freq
        ``"epoch"`` or a number of batches.
    initial_value_threshold
        What must be reached.

    Examples
    --------
    >>> cnnfast.callbacks.ModelCheckpoint("best.keras", save_best_only=True).filepath
    'best.keras'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = _frequency(save_freq)
        if save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                "When using `save_weights_only=True` in `ModelCheckpoint`, the filepath provided "
                "must end in `.weights.h5` (Keras weights format). Received: filepath="
                f"{self.filepath}"
            )
        if not self.filepath.endswith((".keras", ".h5")):
            raise ValueError(
                "The filepath provided must end in `.keras` (Keras model format). Received: "
                f"filepath={self.filepath}"
            )


class BackupAndRestore(TrainingCallback):
    """Saves training, to go on where it was; held here, as nothing is trained.

    Parameters
    ----------
    backup_dir
        Where to.
    save_freq
        ``"epoch"`` or a number of batches.
    double_checkpoint, delete_checkpoint
        Whether the last but one is kept, and whether anything is in the end.

    Examples
    --------
    >>> cnnfast.callbacks.BackupAndRestore("backup").backup_dir
    'backup'
    """

    def __init__(
        self,
        backup_dir: str,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        self.backup_dir = backup_dir
        self.save_freq = _frequency(save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint


class CSVLogger(TrainingCallback):
    """Writes the logs of epochs to a file; held here, as nothing is trained.

    Parameters
    ----------
    filename
        Where to.
    separator
        Between values.
    append
        Whether a file that exists goes on.

    Examples
    --------
    >>> cnnfast.callbacks.CSVLogger("log.csv").filename
    'log.csv'
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append


class LearningRateScheduler(TrainingCallback):
    """Sets the learning rate of each epoch; held here, as nothing is trained.

    Parameters
    ----------
    schedule
        A function ``(epoch, rate)`` that returns the rate.
    verbose
        Whether it says so.

    Examples
    --------
    >>> cnnfast.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2).verbose
    0
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose


class TerminateOnNaN(TrainingCallback):
    """Ends training where the loss is no number; held here, as nothing is trained.

    Parameters
    ----------
    raise_error
        Whether it is an error.

    Examples
    --------
    >>> cnnfast.callbacks.TerminateOnNaN().params is None
    True
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error


class RemoteMonitor(TrainingCallback):
    """Sends the logs of epochs to a server; held here, as nothing is trained.

    Parameters
    ----------
    root, path
        The address.
    field
        Under which the logs are sent.
    headers
        Of the request.
    send_as_json
        Whether they are sent as JSON.

    Examples
    --------
    >>> cnnfast.callbacks.RemoteMonitor().field
    'data'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json


class TensorBoard(TrainingCallback):
    """Writes logs for TensorBoard; held here, and nothing is written.

    Parameters
    ----------
    log_dir
        Where to.
    histogram_freq, write_graph, write_images, write_steps_per_second, update_freq, profile_batch
        What, and how often.
    embeddings_freq, embeddings_metadata
        Of embeddings.

    Examples
    --------
    >>> cnnfast.callbacks.TensorBoard("logs").log_dir
    'logs'
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        self.log_dir = str(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata

    def on_test_begin(self, logs: Logs = None) -> None:
        """Warn that nothing is written."""
        warnings.warn(
            "TensorBoard writes nothing here: take the numbers that `evaluate` returns.",
            stacklevel=2,
        )


class SwapEMAWeights(TrainingCallback):
    """Puts averages of weights in their place; held here, as no optimizer keeps averages.

    Parameters
    ----------
    swap_on_epoch
        Whether that is done for each epoch.

    Examples
    --------
    >>> cnnfast.callbacks.SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
    True
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch

    def on_test_begin(self, logs: Logs = None) -> None:
        """Raise ValueError: there are no averages, and the numbers would be of other weights."""
        raise ValueError(
            "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer, whose "
            "averages only training makes: swap them in Keras, and save the model there."
        )

    def on_predict_begin(self, logs: Logs = None) -> None:
        self.on_test_begin(logs)


def _frequency(value: str | int) -> str | int:
    if value != "epoch" and not isinstance(value, int):
        raise ValueError(
            f"Unrecognized save_freq: {value}. Expected save_freq are 'epoch' or integer values"
        )
    return value
