"""Optimizers and schedules: arguments as Keras has them, and no training."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import optimizers
from cnnfast.optimizers import schedules

CLASSES = sorted(
    name
    for name in optimizers.__all__
    if isinstance(getattr(optimizers, name), type)
    and name not in ("LossScaleOptimizer", "Optimizer")
)


@pytest.mark.parametrize("name", CLASSES)
def test_arguments_and_config_are_those_of_keras(name: str, keras: Any) -> None:
    ours, theirs = getattr(optimizers, name), getattr(keras.optimizers, name)
    mine, other = (dict(inspect.signature(cls).parameters) for cls in (ours, theirs))
    shared = inspect.signature(optimizers.Optimizer).parameters
    for argument, parameter in other.items():
        if argument not in shared and argument not in ("kwargs",):
            assert mine[argument].default == parameter.default
    assert list(ours().get_config()) == list(theirs().get_config())
    given = {"learning_rate": 0.25, "weight_decay": 0.5, "clipnorm": 2.0, "use_ema": True}
    expected = theirs(**given, name="mine").get_config()
    assert ours(**given, name="mine").get_config() == expected
    assert ours.from_config(expected).get_config() == expected
    assert theirs.from_config(ours(**given, name="mine").get_config()).get_config() == expected


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        ("SGD", {"momentum": 2.0}, "`momentum` must be a float between"),
        ("Lion", {"beta_1": 0.0}, "`beta_1` must be in the"),
        ("AdamW", {"weight_decay": None}, "`weight_decay` must be a float"),
        ("Ftrl", {"learning_rate_power": 1.0}, "needs to be negative or zero"),
        ("Ftrl", {"l1_regularization_strength": -1.0}, "needs to be positive or zero"),
        ("Adam", {"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of"),
        ("Adam", {"gradient_accumulation_steps": 1}, "integer >= 2"),
        ("Adam", {"use_ema": True, "ema_momentum": 2.0}, "`ema_momentum`"),
        ("Adam", {"use_ema": True, "ema_overwrite_frequency": 0.5}, "`ema_overwrite_frequency`"),
        ("Adam", {"learning_rate": "fast"}, "`learning_rate` should be float"),
        ("Adam", {"speed": 1}, r"not recognized: \{'speed': 1\}"),
    ],
)
def test_what_keras_refuses_is_refused(
    name: str, arguments: dict[str, Any], rule: str, keras: Any
) -> None:
    for module in (optimizers, keras.optimizers):
        with pytest.raises(ValueError, match=rule):
            getattr(module, name)(**arguments)


def test_the_decay_of_keras_2_is_ignored_with_a_word() -> None:
    with pytest.warns(UserWarning, match="`decay` is no longer supported"):
        optimizers.Adam(decay=0.5)  # type: ignore[call-arg]


@pytest.mark.parametrize("method", ["apply_gradients", "minimize", "apply", "update_step"])
def test_what_trains_says_where_to_train(method: str) -> None:
    with pytest.raises(NotImplementedError, match="predicts and does not train"):
        getattr(optimizers.SGD(), method)([])


def test_learning_rates_may_be_numbers_schedules_and_functions() -> None:
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate"]
    assert optimizers.SGD(lambda: 0.125).learning_rate == 0.125
    scheduled = optimizers.SGD(schedules.PiecewiseConstantDecay([1], [0.5, 0.25]))
    assert scheduled.learning_rate == 0.5
    with pytest.raises(TypeError, match="not settable"):
        scheduled.learning_rate = 0.1


def test_configs_of_keras_2_are_understood() -> None:
    config = {"class_name": "Adam", "config": {"lr": 0.5, "decay": 0.0, "amsgrad": True}}
    found = optimizers.deserialize(config)
    assert (float(found.learning_rate), found.amsgrad) == (0.5, True)  # type: ignore[attr-defined]
    assert type(optimizers.get("Custom>AdamW")) is optimizers.AdamW
    with pytest.raises(ValueError, match="speed"):
        optimizers.deserialize({"class_name": "Adam", "config": {"speed": 1}})


def test_a_wrapped_optimizer_is_described_with_what_is_in_it(keras: Any) -> None:
    outer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), initial_scale=8.0)
    config = optimizers.serialize(outer)
    back = optimizers.deserialize(config)
    assert isinstance(back, optimizers.LossScaleOptimizer)
    assert float(back.learning_rate) == 0.5
    assert keras.optimizers.deserialize(config).inner_optimizer.get_config()["learning_rate"] == 0.5
    with pytest.raises(ValueError, match="does not support arguments: `clipnorm`"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0)


def test_a_class_of_one_s_own_is_found_by_what_is_handed_over() -> None:
    class Mine(optimizers.SGD):
        pass

    config = {"class_name": "Mine", "config": {"learning_rate": 0.5}, "registered_name": "Mine"}
    found = optimizers.deserialize(config, {"Mine": Mine})
    assert type(found) is Mine


STEPS = np.array([0, 1, 7, 99, 100, 101, 450, 500, 999, 1000, 5000])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ExponentialDecay", (0.1, 100, 0.96, True)),
        ("ExponentialDecay", (0.1, 100, 0.96)),
        ("InverseTimeDecay", (0.1, 100, 0.5, True)),
        ("PolynomialDecay", (0.1, 500, 0.01, 2.0, True)),
        ("PolynomialDecay", (0.1, 500)),
        ("CosineDecay", (0.1, 500, 0.1)),
        ("CosineDecay", (0.01, 500, 0.1, "n", 0.1, 100)),
        ("CosineDecayRestarts", (0.1, 100, 1.5, 0.9, 0.1)),
        ("CosineDecayRestarts", (0.1, 100, 1.0)),
        ("PiecewiseConstantDecay", ([100, 500], [0.1, 0.01, 0.001])),
    ],
)
def test_schedules_are_those_of_keras(name: str, arguments: tuple[Any, ...], keras: Any) -> None:
    ours = getattr(schedules, name)(*arguments)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    assert ours.get_config() == theirs.get_config()
    expected = [float(theirs(int(step))) for step in STEPS]
    # What Keras computes in float32 from steps up to 5000 has lost three digits.
    np.testing.assert_allclose([ours(int(step)) for step in STEPS], expected, rtol=2e-4, atol=1e-7)
    np.testing.assert_array_equal(ours(STEPS), [ours(int(step)) for step in STEPS])
    again = schedules.deserialize(keras.optimizers.schedules.serialize(theirs))
    assert again.get_config() == ours.get_config()


@pytest.mark.filterwarnings("ignore:Skipping variable loading")  # as in Keras before `fit`
def test_a_compiled_optimizer_is_saved_for_keras_and_loaded(tmp_path: Any, keras: Any) -> None:
    model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])
    decay = schedules.CosineDecay(0.5, 100)
    model.compile(optimizers.Nadam(decay, beta_1=0.75), "mse")
    path = tmp_path / "model.keras"
    model.save(path)
    theirs = keras.saving.load_model(path).optimizer
    assert type(theirs).__name__ == "Nadam"
    assert theirs.get_config()["beta_1"] == 0.75
    again = cnnfast.load_model(path).optimizer
    assert isinstance(again, optimizers.Nadam)
    assert again.get_config() == model.optimizer.get_config()  # type: ignore[union-attr]
