"""The names of `keras.preprocessing`: pictures in folders, sequences of numbers."""

from typing import TYPE_CHECKING

from cnnfast.utils.facade import facade

if TYPE_CHECKING:
    from cnnfast.preprocessing import image, sequence
    from cnnfast.preprocessing.image_folders import image_dataset_from_directory
    from cnnfast.utils.data.sequences import timeseries_dataset_from_array
    from cnnfast.utils.data.unavailable import text_dataset_from_directory

__all__ = [
    "image",
    "image_dataset_from_directory",
    "sequence",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = facade(
        __name__,
        {
            "image": "preprocessing.image:",
            "image_dataset_from_directory": "preprocessing.image_folders",
            "sequence": "preprocessing.sequence:",
            "text_dataset_from_directory": "utils.data.unavailable",
            "timeseries_dataset_from_array": "utils.data.sequences",
        },
        {"text": "this package runs CNNs on numbers: make numbers of texts before."},
        __all__,
    )
