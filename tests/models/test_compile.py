"""`compile` takes what Keras takes, and refuses what it does not know before anything runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import losses, metrics, optimizers
from cnnfast.models.inference import Inference
from cnnfast.optimizers.known import kept

Y_PRED = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], np.float32)
Y_TRUE = np.array([0, 1])


def test_a_model_is_not_compiled_before(echo: Inference) -> None:
    assert not echo.compiled
    assert echo.metrics_names == []
    assert echo.metrics == []
    assert echo.get_compile_config() == {}
    echo.reset_metrics()
    echo.compile()
    assert echo.compiled


def _said(value: object) -> str:
    """Name a case without its address, which no two processes share."""
    return str(value).split(" at 0x")[0]


@pytest.mark.parametrize("method", ["evaluate", "test_on_batch"])
def test_evaluate_before_compile_says_so_as_keras_does(echo: Inference, method: str) -> None:
    with pytest.raises(ValueError, match=r"^You must call `compile\(\)` before using the model.$"):
        getattr(echo, method)(Y_PRED, Y_TRUE)


def test_predict_needs_no_compile(echo: Inference) -> None:
    assert echo.predict(Y_PRED, verbose=0).shape == (2, 3)


@pytest.mark.parametrize(
    "optimizer",
    ["adam", "SGD", "RMSprop", None, {"class_name": "AdamW", "config": {"learning_rate": 0.1}}],
)
def test_an_optimizer_is_made_and_written_as_it_was_given(echo: Inference, optimizer: Any) -> None:
    echo.compile(optimizer)
    assert optimizer is None or isinstance(echo.optimizer, optimizers.Optimizer)
    written = echo.get_compile_config()["optimizer"]
    if isinstance(optimizer, dict):
        assert written | optimizer == written
    else:
        assert written == optimizer


def test_every_optimizer_of_keras_is_known(keras: Any) -> None:
    from keras.src import optimizers as keras_optimizers

    public = {
        name
        for name, cls in vars(keras_optimizers).items()
        if isinstance(cls, type) and issubclass(cls, keras_optimizers.Optimizer)
    }
    for name in public - {"Optimizer", "OptimizerMap", "LossScaleOptimizer", "MultiOptimizer"}:
        assert type(optimizers.get(name)).__name__ == name
    # It cannot be made without the optimizers in it, and is kept as a file says it.
    config = {"class_name": "MultiOptimizer", "config": {"optimizer_map": {}}}
    assert kept(config) == config


def test_an_optimizer_object_of_keras_becomes_ours(echo: Inference, keras: Any) -> None:
    echo.compile(keras.optimizers.SGD(learning_rate=0.25, momentum=0.5))
    assert isinstance(echo.optimizer, optimizers.SGD)
    assert echo.optimizer.get_config()["learning_rate"] == 0.25
    again = keras.optimizers.deserialize(echo.get_compile_config()["optimizer"])
    assert again.momentum == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adamm"}, "optimizer identifier. Nearest: 'adam'.*Received: 'adamm'"),
        ({"optimizer": {"class_name": "Evil", "config": {}}}, "Received: 'evil'"),
        ({"optimizer": object()}, "Received: <object"),
        ({"loss": "cross"}, "loss identifier.*mse.*Received: 'cross'"),
        ({"loss": ["mse", "cross"]}, "Received: 'cross'"),
        ({"loss": {"out": "cross"}}, "Received: 'cross'"),
        ({"loss": 3}, "A loss must be .*Received: 3"),
        ({"metrics": ["acccuracy"]}, "metric identifier.*accuracy.*Received: 'acccuracy'"),
        ({"weighted_metrics": [["x"]]}, "Received: 'x'"),
        ({"metrics": "accuracy"}, "Expected `metrics` argument to be a list, tuple, or dict"),
        ({"weighted_metrics": metrics.Mean()}, "Expected `weighted_metrics` argument"),
        ({"loss": "mse", "loss_weights": "1"}, "Expected `loss_weights` argument to be a float"),
        ({"loss": "mse", "loss_weights": ["mae"]}, "`loss_weights` must hold numbers"),
    ],
)
def test_unknown_names_are_refused_and_the_nearest_or_all_known_ones_listed(
    echo: Inference, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        echo.compile(**arguments)
    assert not echo.compiled


def test_a_failed_compile_leaves_the_last_one(echo: Inference) -> None:
    echo.compile("sgd", "mse")
    with pytest.raises(ValueError, match="loss identifier"):
        echo.compile("adam", "nothing")
    assert isinstance(echo.optimizer, optimizers.SGD)
    assert echo.loss == "mse"


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
        losses.SparseCategoricalCrossentropy(),
        losses.SparseCategoricalCrossentropy,
        losses.sparse_categorical_crossentropy,
        {"class_name": "SparseCategoricalCrossentropy", "config": {}},
        {"class_name": "function", "config": "sparse_categorical_crossentropy"},
        ["sparse_categorical_crossentropy"],
        {"out": "sparse_categorical_crossentropy"},
        lambda y_true, y_pred: -np.log(np.take_along_axis(y_pred, y_true.astype(int), 1)),
        "crossentropy",
        "CE",
    ],
    ids=_said,
)
def test_a_loss_may_be_named_in_many_ways(echo: Inference, loss: Any) -> None:
    echo.compile(loss=loss)
    target = Y_TRUE[:, None] if callable(loss) else Y_TRUE
    expected = -np.log([0.7, 0.3]).mean()
    assert echo.evaluate(Y_PRED, target, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("accuracy", "accuracy"),
        ("acc", "acc"),
        ("Accuracy", "Accuracy"),
        ("sparse_categorical_accuracy", "sparse_categorical_accuracy"),
        (metrics.SparseCategoricalAccuracy(name="mine"), "mine"),
        (metrics.SparseCategoricalAccuracy, "sparse_categorical_accuracy"),
        (metrics.sparse_categorical_accuracy, "sparse_categorical_accuracy"),
        ({"class_name": "SparseCategoricalAccuracy", "config": {"name": "it"}}, "it"),
    ],
    ids=_said,
)
def test_a_metric_may_be_named_in_many_ways(echo: Inference, metric: Any, name: str) -> None:
    echo.compile(loss="sparse_categorical_crossentropy", metrics=[metric])
    result = echo.evaluate(Y_PRED, Y_TRUE, verbose=0, return_dict=True)
    assert result[name] == 0.5
    assert set(result) == {"loss", name}


def test_objects_of_keras_become_ours(echo: Inference, keras: Any) -> None:
    echo.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top2")],
    )
    result = echo.evaluate(Y_PRED, Y_TRUE, verbose=0, return_dict=True)
    assert result["top2"] == 1.0
    assert type(echo.metrics[1]) is metrics.SparseTopKCategoricalAccuracy


def test_what_only_keras_has_is_called_as_it_is(echo: Inference, keras: Any) -> None:
    class Half(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return 0.5 * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    class Area(keras.metrics.AUC):
        pass

    y_true = np.eye(3)[Y_TRUE]
    echo.compile(loss=Half(), metrics=[Area(name="area"), custom])
    result = echo.evaluate(Y_PRED, y_true, verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(float(Half()(y_true, Y_PRED)))
    assert result["area"] == pytest.approx(float(Area()(y_true, Y_PRED)))
    assert result["custom"] == 2.0


def custom(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Give 2 for every sample."""
    return np.full(len(y_pred), 2.0)


def test_metrics_names_are_those_of_keras(echo: Inference, keras_echo: Any) -> None:
    theirs = keras_echo((3,))
    for arguments in ({"loss": "mse"}, {"loss": "mse", "metrics": ["mae", "accuracy"]}):
        echo.compile(**arguments)
        theirs.compile(**arguments)
        assert echo.metrics_names == theirs.metrics_names
        echo.evaluate(Y_PRED, Y_PRED, verbose=0)
        theirs.evaluate(Y_PRED, Y_PRED, verbose=0)
        assert echo.metrics_names == theirs.metrics_names


def test_metrics_forget_when_reset(echo: Inference) -> None:
    echo.compile(loss="mse", metrics=["mae"])
    echo.evaluate(Y_PRED, Y_PRED + 1, verbose=0)
    assert echo.get_metrics_result()["mae"] == pytest.approx(1.0)
    echo.reset_metrics()
    assert echo.get_metrics_result() == {"loss": 0.0, "mae": 0.0}


CONFIGS: list[dict[str, Any]] = [
    {"optimizer": "adam", "loss": "mse", "metrics": ["accuracy", "mae"]},
    {"optimizer": None, "loss": None},
    {
        "optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.5}},
        "loss": losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": [metrics.SparseTopKCategoricalAccuracy(k=2)],
        "weighted_metrics": [metrics.sparse_categorical_accuracy],
        "steps_per_execution": 3,
    },
]


@pytest.mark.parametrize("arguments", CONFIGS)
def test_compile_config_compiles_the_same_again(echo: Inference, arguments: Any) -> None:
    echo.compile(**arguments)
    config = echo.get_compile_config()
    other = type(echo)()
    other.compile_from_config(config)
    assert other.get_compile_config() == config
    if arguments["loss"] is not None:
        y_true = Y_TRUE if "weighted_metrics" in arguments else Y_PRED[::-1]
        first, second = (m.evaluate(Y_PRED, y_true, verbose=0) for m in (echo, other))
        assert first == second


@pytest.mark.parametrize("arguments", [CONFIGS[0], CONFIGS[2]])
def test_keras_compiles_from_our_config(
    echo: Inference, keras_echo: Any, arguments: dict[str, Any]
) -> None:
    echo.compile(**arguments)
    theirs = keras_echo((3,))
    theirs.compile_from_config(echo.get_compile_config())
    y_true = Y_TRUE if "weighted_metrics" in arguments else np.eye(3)[Y_TRUE]
    result = theirs.evaluate(Y_PRED, y_true, verbose=0)
    assert echo.evaluate(Y_PRED, y_true, verbose=0) == pytest.approx(result, abs=1e-6)


def test_we_compile_from_the_config_of_keras(echo: Inference, keras_echo: Any, keras: Any) -> None:
    theirs = keras_echo((3,))
    theirs.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=1),
        metrics=["accuracy", keras.metrics.SparseCategoricalAccuracy(name="again")],
        weighted_metrics=[keras.metrics.sparse_categorical_crossentropy],
    )
    echo.compile_from_config(theirs.get_compile_config())
    ours, expected = (
        model.evaluate(Y_PRED, Y_TRUE, verbose=0, return_dict=True) for model in (echo, theirs)
    )
    assert list(ours) == list(expected)
    assert ours == pytest.approx(expected, abs=1e-6)


def test_a_compile_config_with_an_unknown_argument_is_a_value_error(echo: Inference) -> None:
    with pytest.raises(ValueError, match=r"compile config was not understood.*'callback'"):
        echo.compile_from_config({"optimizer": "adam", "callback": "os.system"})
