"""Callbacks of predict and evaluate are called as in Keras; those of training hold arguments."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import callbacks

TRAINING = (
    *("BackupAndRestore", "CSVLogger", "EarlyStopping", "LearningRateScheduler"),
    *("ModelCheckpoint", "ReduceLROnPlateau", "RemoteMonitor", "SwapEMAWeights", "TensorBoard"),
    "TerminateOnNaN",
)
REQUIRED = {
    "BackupAndRestore": ("folder",),
    "CSVLogger": ("log.csv",),
    "LearningRateScheduler": (lambda epoch: 0.1,),
    "ModelCheckpoint": ("best.keras",),
}


@pytest.mark.parametrize("name", [*TRAINING, "LambdaCallback", "CallbackList"])
def test_arguments_are_those_of_keras(name: str, keras: Any) -> None:
    mine, other = (
        [(p.name, p.default) for p in inspect.signature(getattr(module, name)).parameters.values()]
        for module in (callbacks, keras.callbacks)
    )
    assert mine == other


@pytest.mark.parametrize("name", TRAINING)
def test_what_training_calls_says_where_to_train(name: str) -> None:
    callback = getattr(callbacks, name)(*REQUIRED.get(name, ()))
    with pytest.raises(NotImplementedError, match="predicts and does not train"):
        callback.on_train_begin()


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        ("ModelCheckpoint", ("best.txt",), "must end in `.keras`"),
        ("ModelCheckpoint", ("best.keras", "loss", 0, False, True), "must end in `.weights.h5`"),
        ("ModelCheckpoint", ("a.keras", "loss", 0, False, False, "auto", "day"), "save_freq"),
        ("ReduceLROnPlateau", ("loss", 2.0), "factor >= 1.0"),
        ("BackupAndRestore", ("",), "Empty `backup_dir`"),
    ],
)
def test_what_keras_refuses_is_refused(
    name: str, arguments: tuple[Any, ...], rule: str, keras: Any
) -> None:
    for module in (callbacks, keras.callbacks):
        with pytest.raises(ValueError, match=rule):
            getattr(module, name)(*arguments)


def test_an_unknown_mode_is_auto_with_a_word() -> None:
    with pytest.warns(UserWarning, match="mode 'best' is unknown"):
        assert callbacks.EarlyStopping(mode="best").mode == "auto"


def test_every_hook_of_keras_is_there(keras: Any) -> None:
    theirs = {name for name in dir(keras.callbacks.Callback) if name.startswith("on_")}
    assert theirs == {name for name in dir(callbacks.Callback) if name.startswith("on_")}


def test_the_old_names_of_batches_are_called_for_training() -> None:
    seen: list[Any] = []

    class Old(callbacks.Callback):
        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append((batch, logs))

    callbacks.CallbackList([[Old()]]).on_train_batch_end(3, {"loss": 1.0})
    assert seen == [(3, {"loss": 1.0})]


def test_a_list_gives_what_it_is_told_to_each(keras: Any) -> None:
    for module in (callbacks, keras.callbacks):
        seen: list[Any] = []
        one = module.LambdaCallback(
            on_epoch_begin=lambda epoch, logs, seen=seen: seen.append((epoch, logs)),
            on_predict_batch_end=lambda batch, logs, seen=seen: seen.append((batch, logs)),
        )
        both = module.CallbackList([one, one], steps=3)
        both.on_epoch_begin(2)
        both.on_predict_batch_end(1, {"outputs": 5})
        assert seen[2:] == [(1, {"outputs": 5})] * 2
        assert one.params == {"steps": 3}


def test_a_lambda_for_no_method_is_refused() -> None:
    with pytest.raises(ValueError, match="has no method 'on_predict_finish'"):
        callbacks.LambdaCallback(on_predict_finish=print)


def test_averages_that_nobody_made_are_not_swapped_in() -> None:
    model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])
    with pytest.raises(ValueError, match="`use_ema=True`"):
        model.predict(np.ones((1, 3)), verbose=0, callbacks=[callbacks.SwapEMAWeights()])


def test_tensorboard_says_that_it_writes_nothing() -> None:
    model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])
    model.compile(loss="mse")
    board = callbacks.TensorBoard("logs")
    with pytest.warns(UserWarning, match="writes nothing"):
        model.evaluate(np.ones((1, 3)), np.ones((1, 2)), verbose=0, callbacks=[board])
