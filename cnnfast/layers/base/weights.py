"""What has weights of its own and of layers inside."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast import initializers, regularizers
from cnnfast.engine.ops import Float32Array
from cnnfast.symbolic import arguments, dtypes
from cnnfast.symbolic.tensor import Connectable
from cnnfast.variables import Variable, replace_all, snapshot

if TYPE_CHECKING:
    import numpy.typing as npt


class WeightHolder(Connectable):
    """The weights of a layer: made, listed in Keras' order, counted, read and set.

    And the dtypes that Keras has them in.

    Parameters
    ----------
    name
        Goes into the paths of weights.
    trainable
        Whether training would change the weights.
    built
        Whether there are none to make.
    """

    stored_weights: ClassVar[tuple[str, ...] | None] = None
    """What Keras' class stores, where it passes over other weights of a class made from it."""

    freezing_counts: ClassVar[bool] = False
    """Whether what the layer computes may depend on `trainable`."""

    _policy: dtypes.DTypePolicy

    def __init__(self, name: str, trainable: bool, built: bool) -> None:
        self.name = name
        self._trainable = trainable
        self._built = built
        self._trainable_variables: list[Variable] = []
        self._non_trainable_variables: list[Variable] = []

    @property
    def built(self) -> bool:
        """Whether the layer has its weights, which it then keeps."""
        return self._built

    def _sublayers(self) -> Sequence[WeightHolder]:
        return ()

    def _changed(self) -> None:
        raise NotImplementedError

    def add_weight(
        self,
        *,
        name: str,
        shape: Sequence[int | None],
        initializer: object = "glorot_uniform",
        regularizer: regularizers.Regularizer | None = None,
        trainable: bool = True,
        path: str | None = None,
        dtype: str | None = None,
    ) -> Variable:
        """Make a weight that belongs to this layer.

        Raises
        ------
        ValueError
            If a size in `shape` is None or the initializer is unknown.
        """
        sizes = arguments.shape(shape)
        full_path = f"{path or self.name}/{name}"
        known = tuple(size for size in sizes if size is not None)
        if len(known) != len(sizes):
            raise ValueError(
                f"Layer '{self.name}': shapes used to initialize variables must be fully-defined "
                f"(no `None` dimensions). Received: shape={sizes} for variable "
                f"path='{full_path}'"
            )
        drawn = initializers.get(initializer) or initializers.GlorotUniform()
        variable = Variable.deferred(
            known,
            drawn,
            name=name,
            trainable=trainable and self._trainable,
            path=full_path,
            dtype=dtype,
        )
        if initializers.is_users(drawn):
            variable.numpy()  # what a user's function gives may be something else later
        variable.regularizer = regularizer
        variables = self._trainable_variables if trainable else self._non_trainable_variables
        variables.append(variable)
        return variable

    def _built_weight(self, index: int, name: str) -> Variable:
        """Return the trainable weight at `index`, which users know as `name`.

        Raises
        ------
        AttributeError
            If the layer is not built.
        """
        if not self._trainable_variables:
            raise AttributeError(
                f"You must build the layer before accessing `{name}`. Received: {self!r}"
            )
        return self._trainable_variables[index]

    @property
    def weights(self) -> list[Variable]:
        """All weights, in Keras' order; a shared one stands once."""
        return list(dict.fromkeys(self._walk_weights()))

    def _walk_weights(self) -> Iterator[Variable]:
        yield from self._trainable_variables
        yield from self._non_trainable_variables
        for layer in self._sublayers():
            yield from layer._walk_weights()

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training would change."""
        return [w for w in self.weights if w.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        return [w for w in self.weights if not w.trainable] if self._trainable else self.weights

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training would change the weights; setting it reaches all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if self.freezing_counts and self._trainable != bool(value):
            self._changed()
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = self._trainable
        for layer in self._sublayers():
            layer.trainable = value

    def count_params(self) -> int:
        """Return how many numbers the weights hold.

        Raises
        ------
        ValueError
            If the layer is not built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                "built. You can build it manually via: `layer.build(input_shape)`."
            )
        return sum(math.prod(w.shape) for w in self.weights)

    def get_weights(self) -> list[Float32Array]:
        """Return copies of the weights, in the order of `weights`."""
        with snapshot(self.weights):
            return [w.numpy().copy() for w in self.weights]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Assign all weights, in the order of `weights`.

        A call that is under way in another thread uses all of the old ones or all of the new.

        Raises
        ------
        ValueError
            If their number or a shape differs; then nothing is assigned.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(weights)}, but the layer was expecting {len(variables)} weights."
            )
        arrays = [v.converted(value) for v, value in zip(variables, weights, strict=True)]
        for variable, array in zip(variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with "
                    f"provided weight shape {array.shape}."
                )
        replace_all(zip(variables, arrays, strict=True))

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put into `store` what a file shall have of this layer; those inside have their own.

        A class of the user's may put something else there, and take it in `load_own_variables`.
        """
        for number, variable in enumerate(self._stored_variables()):
            store[str(number)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assign what `save_own_variables` put into `store`.

        Raises
        ------
        ValueError
            If it is not as many.
        """
        variables = self._file_variables()
        if len(store) != len(variables):
            raise ValueError(
                f"Layer '{self.name}' expected {len(variables)} variables, but received "
                f"{len(store)} variables during loading. Expected: {[v.name for v in variables]}"
            )
        for number, variable in enumerate(self._stored_variables()):
            variable.assign(store[str(number)])

    def _stored_variables(self) -> list[Variable]:
        """Return those of the own variables that Keras' class stores."""
        names = self.stored_weights
        return [v for v in self._file_variables() if names is None or v.name in names]

    def _own_variables(self) -> list[Variable]:
        return [*self._trainable_variables, *self._non_trainable_variables]

    def _file_variables(self) -> list[Variable]:
        """Return the own variables in the order of files of Keras 3."""
        return self._own_variables()

    @property
    def _stores_in_its_own_way(self) -> bool:
        """Whether a class of the user's says what files have of the layer."""
        own, base = type(self), WeightHolder
        return (
            own.load_own_variables is not base.load_own_variables
            or own.save_own_variables is not base.save_own_variables
        )

    @property
    def dtype_policy(self) -> dtypes.DTypePolicy:
        """The dtypes that Keras would use; here they are float32."""
        return self._policy

    @property
    def quantization_mode(self) -> str | None:
        """How Keras has quantized the layer, such as ``"int8"``; None if it has not."""
        return self._policy.quantization_mode

    @property
    def dtype(self) -> str:
        """The dtype in which Keras keeps this layer's weights; here they are float32."""
        return self._policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The same as `dtype`."""
        return self._policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype in which Keras computes this layer; here it is float32."""
        return self._policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The same as `compute_dtype`."""
        return self._policy.compute_dtype
