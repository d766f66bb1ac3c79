"""Helpers under Keras' names; each is imported when it is first used."""

from typing import TYPE_CHECKING

from cnnfast.utils.facade import facade

if TYPE_CHECKING:
    from cnnfast.backend import is_keras_tensor, standardize_dtype
    from cnnfast.models.sources import get_source_inputs
    from cnnfast.preprocessing.image_folders import image_dataset_from_directory
    from cnnfast.utils.data.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
    from cnnfast.utils.display.drawing import model_to_dot, plot_model
    from cnnfast.utils.data.images import array_to_img, img_to_array, load_img, save_img
    from cnnfast.utils.display.interactive import (
        disable_interactive_logging,
        enable_interactive_logging,
        is_interactive_logging_enabled,
    )
    from cnnfast.utils.data.local_files import get_file
    from cnnfast.utils.naming import reset_names as clear_session
    from cnnfast.utils.data.numerical import normalize, set_random_seed, to_categorical
    from cnnfast.utils.display.progbar import Progbar
    from cnnfast.utils.data.py_dataset import PyDataset, Sequence
    from cnnfast.utils.data.sequences import pad_sequences, timeseries_dataset_from_array
    from cnnfast.utils.settings import Config
    from cnnfast.utils.data.unavailable import (
        audio_dataset_from_directory,
        split_dataset,
        text_dataset_from_directory,
    )

__all__ = [
    "Config",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "audio_dataset_from_directory",
    "clear_session",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_file",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "save_img",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

if not TYPE_CHECKING:
    # Some are in rooms above, which nothing here imports before it is asked for them.
    _IN = {
        "backend": ("is_keras_tensor", "standardize_dtype"),
        "models.sources": ("get_source_inputs",),
        "preprocessing.image_folders": ("image_dataset_from_directory",),
        "saving": (
            "CustomObjectScope",
            "custom_object_scope",
            "get_custom_objects",
            "get_registered_name",
            "get_registered_object",
            "register_keras_serializable",
        ),
        "saving.keras_objects": ("deserialize_keras_object", "serialize_keras_object"),
        "utils.data.batches": ("pack_x_y_sample_weight", "unpack_x_y_sample_weight"),
        "utils.data.images": ("array_to_img", "img_to_array", "load_img", "save_img"),
        "utils.data.local_files": ("get_file",),
        "utils.data.numerical": (
            *("count_params", "normalize", "set_random_seed", "to_categorical"),
        ),
        "utils.data.py_dataset": ("PyDataset", "Sequence"),
        "utils.data.sequences": ("pad_sequences", "timeseries_dataset_from_array"),
        "utils.data.unavailable": (
            "audio_dataset_from_directory",
            "split_dataset",
            "text_dataset_from_directory",
        ),
        "utils.display.drawing": ("model_to_dot", "plot_model"),
        "utils.display.interactive": (
            "disable_interactive_logging",
            "enable_interactive_logging",
            "is_interactive_logging_enabled",
            "print_msg",
        ),
        "utils.display.progbar": ("Progbar",),
        "utils.settings": ("Config",),
    }
    __getattr__, __dir__ = facade(
        __name__,
        {name: home for home, names in _IN.items() for name in names}
        | {"clear_session": "utils.naming:reset_names", "legacy": "saving:"},
        {
            "FeatureSpace": "it turns tables into numbers; make these before the network.",
            "bounding_boxes": "boxes are computed with the operations of `cnnfast.ops`.",
            "multi_gpu_model": "everything runs on the CPU; leave the call out.",
        },
        __all__,
    )
