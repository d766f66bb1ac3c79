"""Reading what Keras saved, and writing what Keras loads."""

from typing import TYPE_CHECKING

from typing import TYPE_CHECKING

from cnnfast.models.storage import storage
from cnnfast.saving.cloning import clone_model, model_from_config, model_from_json
from cnnfast.saving.live import from_keras
from cnnfast.saving.model import load_model
from cnnfast.saving.weights import load_weights
from cnnfast.saving.writing import save_model, save_weights
from cnnfast.utils.facade import facade

if TYPE_CHECKING:
    from cnnfast.saving.keras_objects import deserialize_keras_object, serialize_keras_object

__all__ = [
    "deserialize_keras_object",
    "from_keras",
    "load_model",
    "load_weights",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

storage.fill(
    clone_model=clone_model,
    load_model=load_model,
    load_weights=load_weights,
    model_from_config=model_from_config,
    model_from_json=model_from_json,
    save_model=save_model,
    save_weights=save_weights,
)

if not TYPE_CHECKING:
    __getattr__, __dir__ = facade(
        __name__,
        {
            "deserialize_keras_object": "saving.keras_objects",
            "serialize_keras_object": "saving.keras_objects",
        },
        {"KerasFileEditor": "files are changed with Keras; `python -m cnnfast info` shows one."},
        __all__,
    )
