"""The names of `keras.preprocessing.sequence`."""

from typing import TYPE_CHECKING

from cnnfast.utils.data.sequences import pad_sequences
from cnnfast.utils.facade import facade

__all__ = ["pad_sequences"]

if not TYPE_CHECKING:
    _WORDS = "it makes pairs of words, to train with."
    __getattr__, __dir__ = facade(
        __name__,
        {},
        {
            "TimeseriesGenerator": "use `cnnfast.utils.timeseries_dataset_from_array`.",
            "make_sampling_table": _WORDS,
            "skipgrams": _WORDS,
        },
        __all__,
    )
