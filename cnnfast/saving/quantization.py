"""What a `.keras` file has beside Keras' members of a model in 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.files import json

if TYPE_CHECKING:
    from cnnfast.files.source import Source
    from cnnfast.models.model import Model


def quantized(model: Model, member: Source) -> Model:
    """Return `model`, as it was read from the file, in 8 bits as the file says.

    Raises
    ------
    ModelFileError
        If it says so of other weights, or not in the form that `save` writes.
    """
    from cnnfast.engine.quantized.quantization import Quantization

    config = json.loads(member.read().tobytes(), member.name)
    try:
        return model.quantized(Quantization.from_config(config))
    except ModelFileError as error:
        raise member.error(str(error)) from error
    except UnsupportedError as error:
        raise member.error(
            "A file in 8 bits has the weights that it was quantized with. Received: other weights. "
            "Save the model in float32 from Keras, which leaves this member out, load that and "
            "quantize it again."
        ) from error
