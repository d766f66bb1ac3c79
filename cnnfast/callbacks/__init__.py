"""Callbacks, under Keras' names: `predict` and `evaluate` call them as Keras does."""

from typing import TYPE_CHECKING

from cnnfast.callbacks.callback import Callback
from cnnfast.callbacks.callback_list import CallbackList
from cnnfast.callbacks.history import History
from cnnfast.callbacks.progbar_logger import ProgbarLogger
from cnnfast.utils.facade import facade

if TYPE_CHECKING:
    from cnnfast.callbacks.lambda_callback import LambdaCallback
    from cnnfast.callbacks.training import (
        BackupAndRestore,
        CSVLogger,
        EarlyStopping,
        LearningRateScheduler,
        ModelCheckpoint,
        ReduceLROnPlateau,
        RemoteMonitor,
        SwapEMAWeights,
        TensorBoard,
        TerminateOnNaN,
    )

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = facade(
        __name__,
        {name: "callbacks.training" for name in __all__ if name not in globals()}
        | {"LambdaCallback": "callbacks.lambda_callback"},
        {"OrbaxCheckpoint": "Orbax saves training, which is done in Keras; use ModelCheckpoint."},
        __all__,
    )
