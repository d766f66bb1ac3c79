"""What the ImageNet families share: how pixels go in, and what the 1000 outputs are called."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Labels: TypeAlias = Mapping[Any, Any] | Sequence[Any] | str | os.PathLike[str]
Decoded: TypeAlias = list[list[tuple[str, str, float]]]

CLASS_INDEX = "imagenet_class_index.json"
_CLASSES = 1000  # in that file
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_MODES = ("caffe", "tf", "torch")
_FORMATS = ("channels_last", "channels_first")


class Preprocess(Protocol):
    """A family's `preprocess_input`."""

    def __call__(self, x: Any, data_format: str | None = None) -> Any:
        """Return the images as the networks of the family expect them.

        Parameters
        ----------
        x
            RGB images with values 0 to 255, (..., height, width, 3); an array, which is not
            changed, or a symbolic tensor.
        data_format
            "channels_last" (default) or "channels_first".

        Raises
        ------
        ValueError
            If `data_format` is neither, or there are not three channels.
        """


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Scale and center RGB images with values 0 to 255.

    Parameters
    ----------
    x
        An array, which is not changed, or a symbolic tensor.
    data_format
        "channels_last" (default) or "channels_first".
    mode
        "caffe": to BGR, minus the mean of ImageNet. "tf": to -1 ... 1. "torch": to 0 ... 1,
        then by the mean and deviation of ImageNet.

    Returns
    -------
    ndarray or KerasTensor
        Of the dtype of `x` if that is floating, else float32.

    Raises
    ------
    ValueError
        If `mode` or `data_format` is unknown, or there are not three channels.
    """
    if mode not in _MODES:
        raise ValueError(f"`mode` must be one of {_MODES}. Received: mode={mode}")
    first = _is_channels_first(data_format)
    x = _floating(x)
    if mode == "tf":
        return x / 127.5 - 1.0
    _check_channels(x, first)
    if mode == "torch":
        return (x / 255.0 - _row(IMAGENET_MEAN, x, first)) / _row(IMAGENET_DEVIATION, x, first)
    reversed_channels = x[..., ::-1, :, :] if first else x[..., ::-1]
    return reversed_channels - _row(_CAFFE_MEAN_BGR, x, first)


def preprocessing(mode: str | None) -> Preprocess:
    """Return the `preprocess_input` of a family; None for those that scale inside the network."""

    def preprocess(x: Any, data_format: str | None = None) -> Any:
        if mode is not None:
            return preprocess_input(x, data_format, mode)
        _is_channels_first(data_format)
        return x

    preprocess.__name__ = "preprocess_input"
    preprocess.__doc__ = Preprocess.__call__.__doc__
    return preprocess


def _is_channels_first(data_format: str | None) -> bool:
    if data_format not in (None, *_FORMATS):
        raise ValueError(
            f"`data_format` must be one of {_FORMATS}. Received: data_format={data_format}"
        )
    return data_format == "channels_first"


def _floating(x: Any) -> Any:
    from cnnfast.symbolic.tensor import KerasTensor

    if isinstance(x, KerasTensor):
        return x
    array = np.asarray(x)
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float32)


def _check_channels(x: Any, first: bool) -> None:
    if len(x.shape) < 3 or x.shape[-3 if first else -1] != 3:
        raise ValueError(
            f"Images must have 3 channels, RGB. Received: images of shape {tuple(x.shape)}"
        )


def _row(values: Sequence[float], x: Any, first: bool) -> npt.NDArray[Any]:
    dtype = x.dtype if isinstance(x, np.ndarray) else np.float32
    row = np.array(values, dtype)
    return row.reshape(3, 1, 1) if first else row


def decode_predictions(preds: npt.ArrayLike, top: int = 5, labels: Labels | None = None) -> Decoded:
    """Name the most probable classes of each image.

    Parameters
    ----------
    preds
        Probabilities, (images, classes).
    top
        How many classes to name.
    labels
        The classes: a list of names or of pairs (WordNet id, name), a mapping from the class
        number to a pair as in Keras' ``imagenet_class_index.json``, or the path of such a file.
        None means the copy that Keras keeps in ``~/.keras/models``; nothing is downloaded.

    Returns
    -------
    list of list of (str, str, float)
        For each image (WordNet id, name, probability), the most probable first. Where `labels`
        has no ids, the class number stands in their place.

    Raises
    ------
    FileNotFoundError
        If there are no labels.
    ValueError
        If `preds` has another shape or `labels` another number of classes.
    """
    array = np.asarray(preds)
    # Labels that nobody gave are those of ImageNet's classes.
    names = _names(labels) if labels is not None or array.shape[1:] == (_CLASSES,) else None
    count = _CLASSES if names is None else len(names)
    if names is None or array.ndim != 2 or array.shape[1] != count:
        raise ValueError(
            f"`decode_predictions` expects a batch of predictions, of shape (samples, {count}). "
            f"Received: array with shape {array.shape}"
        )
    order = np.argsort(array, axis=1, kind="stable")[:, ::-1][:, :top]
    return [
        [(*names[int(i)], float(row[i])) for i in best]
        for row, best in zip(array, order, strict=True)
    ]


def _names(labels: Labels | None) -> list[tuple[str, str]]:
    """Return (WordNet id, name) of every class, by its number."""
    entries: Any = _local_class_index() if labels is None else labels
    if isinstance(entries, str | os.PathLike):
        entries = json.loads(Path(entries).read_text(encoding="utf-8"))
    if isinstance(entries, Mapping):
        by_number = {int(number): entry for number, entry in entries.items()}
        if sorted(by_number) != list(range(len(by_number))):
            raise ValueError(
                "`labels` must name every class from 0 on. Received: a mapping with the keys "
                f"{sorted(by_number)[:5]} …"
            )
        entries = [by_number[number] for number in range(len(by_number))]
    return [_entry(number, entry) for number, entry in enumerate(entries)]


def _entry(number: int, entry: Any) -> tuple[str, str]:
    if isinstance(entry, str):
        return str(number), entry
    if isinstance(entry, list | tuple) and len(entry) == 2:
        return str(entry[0]), str(entry[1])
    raise ValueError(
        "Each of `labels` must be a name or a pair (WordNet id, name). "
        f"Received: {entry!r} for class {number}"
    )


def _local_class_index() -> Path:
    home = os.environ.get("KERAS_HOME")
    path = Path(home) if home else Path.home() / ".keras"
    path = path / "models" / CLASS_INDEX
    if not path.is_file():
        raise FileNotFoundError(
            "The names of the ImageNet classes are not on this machine, and nothing is "
            "downloaded: pass `labels`, a list of names or the path of Keras' "
            f"`{CLASS_INDEX}`. Looked for: {path}"
        )
    return path
