"""The closed table of classes that a config may name, and configs as whole objects.

A name that is not in the table is refused; it is never imported or looked up elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cnnfast.errors import UnsupportedError
from cnnfast.layers import keras1, refused
from cnnfast.layers.joining import current_merge
from cnnfast.layers.layer import Layer
from cnnfast.utils.naming import names_of_files

# Where Keras keeps what does not stand in `keras.layers`.
_MODULES = {
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
    "LayerScale": "keras.src.applications.convnext",
    "StochasticDepth": "keras.src.applications.convnext",
}
_KERAS = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")


@cache
def table() -> Mapping[str, type[Layer]]:
    """Return every class that a config may name, by its name in Keras."""
    from cnnfast import layers
    from cnnfast.models.functional import Functional
    from cnnfast.models.sequential import Sequential

    classes: tuple[type[Layer], ...] = (
        layers.Activation,
        layers.ActivityRegularization,
        layers.AdaptiveAveragePooling1D,
        layers.AdaptiveAveragePooling2D,
        layers.AdaptiveAveragePooling3D,
        layers.AdaptiveMaxPooling1D,
        layers.AdaptiveMaxPooling2D,
        layers.AdaptiveMaxPooling3D,
        layers.Add,
        layers.AdditiveAttention,
        layers.AlphaDropout,
        layers.Attention,
        layers.AugMix,
        layers.Average,
        layers.AveragePooling1D,
        layers.AveragePooling2D,
        layers.AveragePooling3D,
        layers.BatchNormalization,
        layers.Bidirectional,
        layers.CenterCrop,
        layers.Concatenate,
        layers.Conv1D,
        layers.Conv1DTranspose,
        layers.Conv2D,
        layers.Conv2DTranspose,
        layers.Conv3D,
        layers.Conv3DTranspose,
        layers.ConvLSTM1D,
        layers.ConvLSTM2D,
        layers.ConvLSTM3D,
        layers.Cropping1D,
        layers.Cropping2D,
        layers.Cropping3D,
        layers.CustomScaleLayer,
        layers.CutMix,
        layers.Dense,
        layers.DepthwiseConv1D,
        layers.DepthwiseConv2D,
        layers.Dot,
        layers.Dropout,
        layers.EinsumDense,
        layers.ELU,
        layers.Embedding,
        layers.Equalization,
        layers.Flatten,
        layers.GaussianDropout,
        layers.GaussianNoise,
        layers.GlobalAveragePooling1D,
        layers.GlobalAveragePooling2D,
        layers.GlobalAveragePooling3D,
        layers.GlobalMaxPooling1D,
        layers.GlobalMaxPooling2D,
        layers.GlobalMaxPooling3D,
        layers.GroupNormalization,
        layers.GRU,
        layers.GRUCell,
        layers.Identity,
        layers.InputLayer,
        layers.LayerNormalization,
        layers.LayerScale,
        layers.LeakyReLU,
        layers.LSTM,
        layers.LSTMCell,
        layers.Maximum,
        layers.MaxPooling1D,
        layers.MaxPooling2D,
        layers.MaxPooling3D,
        layers.MelSpectrogram,
        layers.Minimum,
        layers.MixUp,
        layers.MultiHeadAttention,
        layers.Multiply,
        layers.Normalization,
        layers.Permute,
        layers.PReLU,
        layers.RandAugment,
        layers.RandomBrightness,
        layers.RandomColorDegeneration,
        layers.RandomColorJitter,
        layers.RandomContrast,
        layers.RandomCrop,
        layers.RandomElasticTransform,
        layers.RandomErasing,
        layers.RandomFlip,
        layers.RandomGaussianBlur,
        layers.RandomGrayscale,
        layers.RandomHeight,
        layers.RandomHue,
        layers.RandomInvert,
        layers.RandomPerspective,
        layers.RandomPosterization,
        layers.RandomRotation,
        layers.RandomSaturation,
        layers.RandomSharpness,
        layers.RandomShear,
        layers.RandomTranslation,
        layers.RandomWidth,
        layers.RandomZoom,
        layers.ReLU,
        layers.RepeatVector,
        layers.Rescaling,
        layers.Reshape,
        layers.Resizing,
        layers.RMSNormalization,
        layers.RNN,
        layers.SeparableConv1D,
        layers.SeparableConv2D,
        layers.SimpleRNN,
        layers.SimpleRNNCell,
        layers.Softmax,
        layers.Solarization,
        layers.SpatialDropout1D,
        layers.SpatialDropout2D,
        layers.SpatialDropout3D,
        layers.SpectralNormalization,
        layers.STFTSpectrogram,
        layers.StochasticDepth,
        layers.Subtract,
        layers.ThresholdedReLU,
        layers.TimeDistributed,
        layers.UnitNormalization,
        layers.UpSampling1D,
        layers.UpSampling2D,
        layers.UpSampling3D,
        layers.ZeroPadding1D,
        layers.ZeroPadding2D,
        layers.ZeroPadding3D,
        Functional,
        Sequential,
    )
    aliases: dict[str, type[Layer]] = {
        "AtrousConvolution1D": layers.Conv1D,
        "AtrousConvolution2D": layers.Conv2D,
        "BatchNormalizationV1": layers.BatchNormalization,
        "BatchNormalizationV2": layers.BatchNormalization,
        "Convolution1D": layers.Conv1D,
        "Convolution2D": layers.Conv2D,
        "Model": Functional,
        "SeparableConvolution2D": layers.SeparableConv2D,
        "SyncBatchNormalization": layers.BatchNormalization,
    }
    return {cls.__name__: cls for cls in classes} | aliases


def serialize(layer: Layer) -> dict[str, Any]:
    """Return `layer` as a config object of Keras 3."""
    from cnnfast.models.functional import Functional
    from cnnfast.models.model import Model

    class_name = type(layer).__name__
    module = "keras" if isinstance(layer, Model) else _MODULES.get(class_name, "keras.layers")
    registered = None if module in ("keras", "keras.layers") else class_name
    if isinstance(layer, Functional):
        module, registered = "keras.src.models.functional", class_name
    config = {
        "module": module,
        "class_name": class_name,
        "config": layer.get_config(),
        "registered_name": registered,
    }
    build_config = layer._get_build_config()
    if build_config is not None:
        config["build_config"] = build_config
    if isinstance(layer, Model):
        config["compile_config"] = layer.get_compile_config()
    return config


@dataclass(frozen=True)
class _Scope:
    """What all configs inside one have in common.

    `shared` holds the layers made so far that the file says occur more than once, and
    `unnumbered` those of which it does not, with their configs.
    """

    custom_objects: Mapping[str, Any]
    shared: dict[int, Layer] = field(default_factory=dict)
    unnumbered: dict[tuple[Any, Any], tuple[Any, Layer]] = field(default_factory=dict)


_scope: ContextVar[_Scope | None] = ContextVar("cnnfast_deserialization", default=None)


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Layer:
    """Make the layer or model of a config object of Keras 1 to 3.

    Parameters
    ----------
    config
        ``{"class_name", "config", …}``.
    custom_objects
        For `Lambda` layers and classes that are not in the table, by the name of the layer or
        of its class: a function of NumPy arrays, float32 with the batch as first axis, or a
        subclass of `Layer`.

    Raises
    ------
    UnsupportedError
        If its class is not in the table; the message says what works instead.
    ValueError
        If `config` is no config object, or an argument in it is illegal.
    """
    scope = _scope.get()
    if scope is not None and custom_objects is None:
        return _shared(config, scope)
    scope = _Scope(custom_objects or {})
    token = _scope.set(scope)
    try:
        with names_of_files():
            return _shared(config, scope)
    finally:
        _scope.reset(token)


def with_layers(config: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the config of a layer with the layers of `names` in place of their configs."""
    made = {n: deserialize(config[n]) for n in names if isinstance(config.get(n), Mapping)}
    return config | made


def _shared(config: Mapping[str, Any], scope: _Scope) -> Layer:
    """Make a layer, or return it where the file says that it was made before."""
    fields = config if isinstance(config, Mapping) else {}
    number, inner = fields.get("shared_object_id"), fields.get("config")
    key = (fields.get("class_name"), inner.get("name") if isinstance(inner, Mapping) else None)
    if isinstance(number, int):
        if number not in scope.shared:
            # Keras 3 numbers a layer's second place, but forgets to number the first.
            known, layer = scope.unnumbered.get(key, (None, None))
            same = _without_numbers(known) == _without_numbers(inner)
            twin = layer if same else None
            scope.shared[number] = twin or _made(config, scope)
        return scope.shared[number]
    made = _made(config, scope)
    if all(isinstance(part, str) for part in key):
        scope.unnumbered[key] = inner, made
    return made


def _without_numbers(config: Any) -> Any:
    """Copy a config without what says that its parts occur more than once."""
    if isinstance(config, list):
        return [_without_numbers(item) for item in config]
    if not isinstance(config, Mapping):
        return config
    return {k: _without_numbers(v) for k, v in config.items() if k != "shared_object_id"}


def _made(config: Mapping[str, Any], scope: _Scope) -> Layer:
    name = config.get("class_name") if isinstance(config, Mapping) else None
    inner = config.get("config") if isinstance(config, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(
            "The config of a layer must be a dict with `class_name` and `config`. "
            f"Received: {config!r}"
        )
    if name == "Merge" and isinstance(inner, Mapping):
        name, inner = current_merge(inner)
    cls = known_class(config, name)
    if cls is None:
        return _custom(config, name, inner if isinstance(inner, Mapping) else {}, scope)
    if name == "Sequential" and isinstance(inner, list):
        # Keras up to 2.2.2 wrote the bare list of layers.
        inner = {"name": None, "layers": inner}
    if not isinstance(inner, Mapping):
        raise ValueError(
            f"The `config` of a {name} must be a dict. Received: {type(inner).__name__}"
        )
    return cls.from_config(keras1.current(inner))


def known_class(config: Mapping[str, Any], class_name: str) -> type[Layer] | None:
    """Return the class of the table that a config object names; None where it names another."""
    return table().get(class_name) if _is_keras(config) else None


def _custom(
    config: Mapping[str, Any], class_name: str, inner: Mapping[str, Any], scope: _Scope
) -> Layer:
    """Make a layer of what the user gave for it."""
    from cnnfast.layers.function import from_foreign_config

    names = (inner.get("name"), config.get("registered_name"), class_name)
    found = [scope.custom_objects[n] for n in names if n is not None and n in scope.custom_objects]
    if found and isinstance(found[0], type) and issubclass(found[0], Layer):
        return found[0].from_config(inner)
    if found and callable(found[0]):
        return from_foreign_config(found[0], inner)
    own = _is_keras(config)
    raise UnsupportedError(refused.layer(config, class_name, own=own, supported=table()))


def _is_keras(config: Mapping[str, Any]) -> bool:
    """Whether Keras' own layers are meant, not a user's class or an operation of that name."""
    module, registered = config.get("module"), config.get("registered_name")
    own = module is None or (
        isinstance(module, str)
        and any(module == package or module.startswith(f"{package}.") for package in _KERAS)
        and ".ops" not in module
    )
    return own and (registered is None or registered == config.get("class_name"))
