"""What Keras has quantized in memory, of which its configs and the order of weights say too little.

Keras writes no policies of the layers inside of an attention layer, and does not load the file of a
quantized one. In memory each layer says its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cnnfast.errors import UnsupportedError
from cnnfast.files.contents import listed
from cnnfast.layers.quantized.configs import DEFAULT
from cnnfast.saving import live_weights

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer
    from cnnfast.variables import Variable

_PARTS = ("_query_dense", "_key_dense", "_value_dense", "_output_dense", "_gate_dense")
_STRUCTURE = "quantization_layer_structure"
_INPUTS = {
    "value_range": [int(DEFAULT.low), int(DEFAULT.high)],
    "epsilon": DEFAULT.epsilon,
    "output_dtype": "int8",
}


@contextmanager
def without_structure(model: Any) -> Iterator[None]:
    """Let configs of GPTQ and AWQ leave out the layers that were calibrated.

    Keras would write them down with these configs in them, without an end.
    """
    configs = [getattr(layer, "quantization_config", None) for layer in model._flatten_layers()]
    held = [(c, vars(c)[_STRUCTURE]) for c in configs if _STRUCTURE in getattr(c, "__dict__", ())]
    held = list({id(config): (config, structure) for config, structure in held}.values())
    try:
        for config, _ in held:
            setattr(config, _STRUCTURE, None)
        yield
    finally:
        for config, structure in held:
            setattr(config, _STRUCTURE, structure)


def complete(config: Any, model: Any) -> None:
    """Say in a config of `model` how the projections of attention layers are quantized.

    Raises
    ------
    UnsupportedError
        If their inputs are quantized in another way than by default.
    """
    for entry, twin in [(config, model), *live_weights.entries(config, model)]:
        _complete(entry, twin)


def _complete(entry: Any, twin: Any) -> None:
    parts = [part for name in _PARTS if (part := getattr(twin, name, None)) is not None]
    policies = {}
    for part in parts:
        mode = getattr(part, "quantization_mode", None)
        if mode is None:
            continue
        _check_default(part, twin, mode)
        policies[f".+/{part.name}"] = part.dtype_policy.name
    if policies:
        fields = {"default_policy": "float32", "policy_map": policies}
        entry["config"]["dtype"] = {"class_name": "DTypePolicyMap", "config": fields}


def _check_default(part: Any, twin: Any, mode: str) -> None:
    quantizer = getattr(part, "inputs_quantizer", None)
    fields = {} if quantizer is None else dict(quantizer.get_config())
    fields.pop("axis", None)
    fields["value_range"] = list(fields.get("value_range", ()))
    if fields == _INPUTS if mode == "int8" else quantizer is None:
        return
    raise UnsupportedError(
        "the inputs of the projections of an attention layer are quantized as Keras does by "
        f"default. Received: {quantizer} in {part.name!r}",
        layer=twin.name,
        class_name=type(twin).__name__,
        advice=f"Call `model.quantize({mode!r})` without a config in Keras.",
    )


def in_order(layer: Layer, own: Sequence[Variable], twin: Any) -> list[Any]:
    """Return the weights of Keras' layer that are those of `own`, which go by the same names.

    Raises
    ------
    UnsupportedError
        If the layer has an adapter, or is not calibrated, so that it computes in floats.
    """
    theirs = {}
    calibrated = getattr(twin, f"is_{layer.quantization_mode}_calibrated", True)
    for variable in twin.weights:
        name = variable.name
        if name in theirs or name.startswith("lora_") or not calibrated:
            raise layer.unsupported(
                "is quantized, and then has one kernel and no adapter. Received: "
                f"{listed([v.name for v in twin.weights])}",
                advice="Save the model in Keras, which merges an adapter, and load the file; "
                "calibrate what GPTQ or AWQ quantize.",
            )
        theirs[name] = variable
    missing = [v.name for v in own if v.name not in theirs]
    if missing or len(theirs) != len(own):
        raise ValueError(
            f"Layer {layer.name!r} of class {type(layer).__name__} has the weights "
            f"{[v.name for v in own]}. Received: {list(theirs)} in Keras"
        )
    return [theirs[v.name] for v in own]
