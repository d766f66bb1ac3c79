"""A function from symbolic tensors to others, for numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.models.functional import Functional
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.symbolic.tensor import KerasTensor


class Function:
    """Computes symbolic tensors from others, such as the output of an inner layer.

    Parameters
    ----------
    inputs
        Symbolic tensors: one, or a list, tuple or dict of them.
    outputs
        What is computed of them: one, or a list, tuple or dict.
    name
        Made from the class where None.

    Raises
    ------
    ValueError
        If `outputs` cannot be computed from `inputs`.

    Examples
    --------
    >>> begin = cnnfast.Input((3,))
    >>> middle = cnnfast.layers.Dense(4)(begin)
    >>> end = cnnfast.layers.Dense(2)(middle)
    >>> cnnfast.Function(begin, middle)(np.ones((5, 3))).shape
    (5, 4)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        self._inputs_struct, self._outputs_struct = inputs, outputs
        self._model = Functional(inputs, outputs, name=name)
        self.name = self._model.name

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs."""
        return tree.flatten(self._inputs_struct)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs."""
        return tree.flatten(self._outputs_struct)

    def __call__(self, inputs: Any) -> Any:
        """Return the numbers of the outputs, or symbolic ones for symbolic inputs."""
        return self._model(inputs)
