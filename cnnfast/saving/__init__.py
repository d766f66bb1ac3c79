"""Reading what Keras saved, and writing what Keras loads."""

from typing import TYPE_CHECKING

from cnnfast.models.storage import storage
from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.saving.keras_objects import (
        deserialize_keras_object as deserialize_keras_object,
        serialize_keras_object as serialize_keras_object,
    )
    from cnnfast.saving.live import from_keras as from_keras
    from cnnfast.saving.model import load_model as load_model
    from cnnfast.saving.scope import (
        CustomObjectScope as CustomObjectScope,
        custom_object_scope as custom_object_scope,
    )
    from cnnfast.saving.weights import load_weights as load_weights
    from cnnfast.saving.writing import (
        save_model as save_model,
        save_weights as save_weights,
    )
    from cnnfast.utils.registered import (
        get_custom_objects as get_custom_objects,
        get_registered_name as get_registered_name,
        get_registered_object as get_registered_object,
        register_keras_serializable as register_keras_serializable,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "cloning": ["clone_model", "model_from_config", "model_from_json"],
            "keras_objects": ["deserialize_keras_object", "serialize_keras_object"],
            "live": ["from_keras"],
            "model": ["load_model"],
            "scope": ["CustomObjectScope", "custom_object_scope"],
            "weights": ["load_weights"],
            "writing": ["save_model", "save_weights"],
            "cnnfast.utils.registered": [
                "get_custom_objects",
                "get_registered_name",
                "get_registered_object",
                "register_keras_serializable",
            ],
        },
    )
    for _name in ("clone_model", "model_from_config", "model_from_json"):  # shown in `models`
        __all__.remove(_name)
    storage.fill(__getattr__)
