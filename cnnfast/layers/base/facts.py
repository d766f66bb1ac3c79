"""What a layer says of itself under the names of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import regularizers
from cnnfast.regularizers import Regularizer
from cnnfast.symbolic.dtypes import DTypePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnfast.variables import Variable


class LayerFacts:
    """The part of `Layer` that only tells what the rest has settled."""

    _built: bool
    _activity_regularizer: Regularizer | None
    _policy: DTypePolicy
    _path: str | None = None
    _trainable_variables: list[Variable]

    if TYPE_CHECKING:

        def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any: ...

        @property
        def trainable_weights(self) -> list[Variable]: ...

    @property
    def built(self) -> bool:
        """Whether the layer has its weights, which it then keeps."""
        return self._built

    @property
    def activity_regularizer(self) -> Regularizer | None:
        """The penalty on the output, of training; can be set."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value: object) -> None:
        self._activity_regularizer = regularizers.get(value)

    @property
    def path(self) -> str | None:
        """Name under the models that it was built in, ``"sequential/conv2d"``; None before."""
        return self._path

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The dtypes that Keras would use; here they are float32."""
        return self._policy

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
    def losses(self) -> list[np.float32]:
        """The penalties on weights that training would change, of all layers inside too."""
        weights = self.trainable_weights
        return [np.float32(w.regularizer(w.numpy())) for w in weights if w.regularizer]

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors like those that a call returns; builds the layer if need be.

        Raises
        ------
        ValueError
            If a call cannot take such tensors.
        """
        return self.infer(args, kwargs)
