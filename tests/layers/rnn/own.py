"""Cells as users write them, for Keras and for this package."""

from __future__ import annotations

from typing import Any


def cells(package: Any) -> dict[str, Any]:
    """Return classes of cells made from the layers of `package`."""
    layers, ops = package.layers, package.ops

    class Plain(layers.Layer):
        """Has weights of its own and one state."""

        def __init__(self, units: int = 4, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
            self.again = self.add_weight(shape=(self.units, self.units), name="again")
            self.built = True

        def call(self, x: Any, states: Any) -> Any:
            y = ops.tanh(ops.matmul(x, self.kernel) + ops.matmul(states[0], self.again))
            return y, [y]

        def get_config(self) -> Any:
            return {**super().get_config(), "units": self.units}

    class Starting(Plain):
        """Says what it starts from."""

        def get_initial_state(self, batch_size: Any = None) -> Any:
            return ops.ones((batch_size, self.units))

    class Two(layers.Layer):
        """Has layers inside, two states and an output of another size."""

        def __init__(self, units: int = 4, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units
            self.gate, self.out = layers.Dense(units), layers.Dense(2)

        def build(self, input_shape: Any) -> None:
            self.gate.build((None, input_shape[-1] + self.units))
            self.out.build((None, self.units))
            self.built = True

        @property
        def state_size(self) -> Any:
            return [self.units, self.units]

        @property
        def output_size(self) -> int:
            return 2

        def get_initial_state(self, batch_size: Any = None) -> Any:
            shape = (batch_size, self.units)
            return [ops.ones(shape), ops.zeros(shape)]

        def call(self, x: Any, states: Any, training: bool = False) -> Any:
            first, second = states
            new = ops.sigmoid(self.gate(ops.concatenate([x, first], axis=-1)))
            return self.out(new + second), [new, second * 0.5 + new]

        def get_config(self) -> Any:
            return {**super().get_config(), "units": self.units}

    class Doubled(layers.LSTMCell):
        """Is made from a cell of Keras."""

        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            y, states = super().call(inputs * 2, states)
            return y + 1, states

    return {"Plain": Plain, "Starting": Starting, "Two": Two, "Doubled": Doubled}
