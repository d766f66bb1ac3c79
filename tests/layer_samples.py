"""One layer of each class of the registry, with the shape of an input, for tests of them all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from cnnfast import layers
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.preprocessing.augmentation import Augmentation
from cnnfast.symbolic.registry import LAYERS

Shape = tuple[int | None, ...]

ROW, SEQUENCE, IMAGE, VOLUME = (None, 6), (None, 6, 4), (None, 7, 8, 4), (None, 5, 6, 5, 2)
FRAMES = {1: (None, 3, 6, 2), 2: (None, 3, 6, 5, 2), 3: (None, 2, 4, 5, 4, 2)}
PLACES = {1: SEQUENCE, 2: IMAGE, 3: VOLUME}


class Sample(NamedTuple):
    """How to make a layer, and shapes of its input, batch included; several as a list."""

    make: Callable[[], Layer]
    shape: Any


def _of(shape: Any, name: str, *args: Any, **kwargs: Any) -> dict[str, Sample]:
    return {name: Sample(lambda: getattr(layers, name)(*args, **kwargs), shape)}


SAMPLES: dict[str, Sample] = {
    **_of(IMAGE, "Activation", "relu"),
    **_of(ROW, "ActivityRegularization", l1=0.5),
    **_of([IMAGE, IMAGE], "Add"),
    **_of([SEQUENCE, SEQUENCE], "AdditiveAttention"),
    **_of(ROW, "AlphaDropout", 0.5),
    **_of([SEQUENCE, SEQUENCE], "Attention", use_scale=True),
    **_of([IMAGE, IMAGE], "Average"),
    **_of(IMAGE, "BatchNormalization"),
    **{
        "Bidirectional": Sample(
            lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True)), SEQUENCE
        )
    },
    **_of(ROW, "CategoryEncoding", 5, output_mode="count"),
    **_of(IMAGE, "CenterCrop", 4, 5),
    **_of([IMAGE, IMAGE], "Concatenate"),
    **_of([IMAGE, IMAGE], "CustomScaleLayer", 0.5),
    **_of(ROW, "Dense", 3, activation="relu"),
    **_of(SEQUENCE, "DepthwiseConv1D", 3, padding="same"),
    **_of(IMAGE, "DepthwiseConv2D", 3, padding="same", activation="relu"),
    **_of(ROW, "Discretization", [-0.5, 0.0, 0.5]),
    **_of([ROW, ROW], "Dot", 1),
    **_of(ROW, "Dropout", 0.5),
    **_of(ROW, "ELU"),
    **_of(SEQUENCE, "EinsumDense", "abc,cd->abd", (None, 3), bias_axes="d"),
    **_of(ROW, "Embedding", 5, 3),
    **_of(IMAGE, "Flatten"),
    **_of(SEQUENCE, "GRU", 3),
    **_of(ROW, "GaussianDropout", 0.5),
    **_of(ROW, "GaussianNoise", 0.5),
    **_of(IMAGE, "GroupNormalization", 2),
    **_of([SEQUENCE, SEQUENCE], "GroupQueryAttention", 3, 4, 2),
    **_of([(None, 1), (None, 1)], "HashedCrossing", 5, output_mode="one_hot"),
    **_of(ROW, "Hashing", 5, output_mode="one_hot"),
    **_of(ROW, "Identity"),
    **_of(ROW, "IntegerLookup", vocabulary=[0, 1, 2], output_mode="count"),
    **_of(SEQUENCE, "LSTM", 3),
    **_of(IMAGE, "LayerNormalization", axis=[2, 3]),
    **_of(IMAGE, "LayerScale", 0.5, 4),
    **_of(SEQUENCE, "Masking"),
    **_of(ROW, "LeakyReLU"),
    **_of([IMAGE, IMAGE], "Maximum"),
    **_of((None, 40), "MelSpectrogram", 8, 4, num_mel_bins=4, sampling_rate=100, min_freq=1.0),
    **_of([IMAGE, IMAGE], "Minimum"),
    **_of([SEQUENCE, SEQUENCE], "MultiHeadAttention", 2, 3),
    **_of([IMAGE, IMAGE], "Multiply"),
    **_of(IMAGE, "Normalization", mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 2.0, 3.0, 4.0]),
    **_of(IMAGE, "PReLU", shared_axes=[1, 2]),
    **_of(IMAGE, "Permute", (2, 1, 3)),
    "Pipeline": Sample(
        lambda: layers.Pipeline([layers.Rescaling(0.5), layers.Conv2D(2, 1)]), IMAGE
    ),
    **_of(IMAGE, "RMSNormalization"),
    **{"RNN": Sample(lambda: layers.RNN(layers.SimpleRNNCell(3)), SEQUENCE)},
    **_of(IMAGE, "RandomCrop", 7, 8),
    **_of(ROW, "ReLU", 6.0),
    **_of(ROW, "RepeatVector", 2),
    **_of(IMAGE, "Rescaling", [0.5, 1.0, 2.0, 3.0], 0.25),
    **_of(IMAGE, "Reshape", (8, 7, 4)),
    **_of(IMAGE, "Resizing", 9, 5),
    **_of(SEQUENCE, "STFTSpectrogram", frame_length=4, frame_step=2),
    **_of(SEQUENCE, "SeparableConv1D", 3, 3, padding="same"),
    **_of(IMAGE, "SeparableConv2D", 3, 3, padding="same"),
    **_of(SEQUENCE, "SimpleRNN", 3),
    **_of(IMAGE, "Softmax", [1, 2]),
    **{
        "SpectralNormalization": Sample(
            lambda: layers.SpectralNormalization(layers.Conv2D(3, 3)), IMAGE
        )
    },
    **_of(IMAGE, "StochasticDepth", 0.5),
    **_of([IMAGE, IMAGE], "Subtract"),
    **_of(ROW, "ThresholdedReLU"),
    **{"TimeDistributed": Sample(lambda: layers.TimeDistributed(layers.Conv2D(3, 3)), FRAMES[2])},
    **_of(IMAGE, "UnitNormalization"),
}
for _rank, _shape in PLACES.items():
    for _kind in ("Average", "Max"):
        SAMPLES |= _of(_shape, f"Adaptive{_kind}Pooling{_rank}D", 2)
        SAMPLES |= _of(_shape, f"{_kind}Pooling{_rank}D", 2, padding="same")
        SAMPLES |= _of(_shape, f"Global{_kind}Pooling{_rank}D")
    SAMPLES |= _of(_shape, f"Conv{_rank}D", 3, 3, padding="same", activation="relu")
    SAMPLES |= _of(_shape, f"Conv{_rank}DTranspose", 3, 3, padding="same")
    SAMPLES |= _of(FRAMES[_rank], f"ConvLSTM{_rank}D", 2, 3, padding="same")
    SAMPLES |= _of(_shape, f"Cropping{_rank}D", 1)
    SAMPLES |= _of(_shape, f"SpatialDropout{_rank}D", 0.5)
    SAMPLES |= _of(_shape, f"UpSampling{_rank}D", 2)
    SAMPLES |= _of(_shape, f"ZeroPadding{_rank}D", 1)
SAMPLES |= {"StackedRNNCells": Sample(lambda: layers.StackedRNNCells([layers.GRUCell(3)]), ROW)}
for _name in ("SimpleRNNCell", "LSTMCell", "GRUCell"):  # which run inside of a layer over time
    SAMPLES |= _of(ROW, _name, 3)
for _name, _class in LAYERS.items():
    if issubclass(_class, Augmentation):
        _parameters = inspect.signature(_class).parameters.values()
        _needed = sum(p.default is p.empty for p in _parameters) - 1  # without **kwargs
        SAMPLES |= _of(IMAGE, _name, *(0.25,) * _needed)
