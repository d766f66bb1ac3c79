"""What Keras writes into a graph where code of its own asks for a tensor."""

from __future__ import annotations

from typing import Any

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.pointwise.elementwise import Identity, cast


class ConvertToTensor(Composite):
    """The same numbers, of another dtype if one is given; Keras draws it for masks."""

    module = "keras.src.ops.core"

    def __init__(
        self, dtype: Any = None, sparse: Any = None, ragged: Any = None, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        if sparse or ragged:
            raise UnsupportedError(f"tensors are dense. Received: sparse={sparse}, ragged={ragged}")
        self.dtype = dtype

    def composed(self, x: Any) -> Any:
        return x if self.dtype is None else cast(x, self.dtype)

    def _config(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "sparse": None, "ragged": None}


class StopGradient(Identity):
    """The same numbers: nothing is trained here."""

    module = "keras.src.ops.core"
    makes_new = True
