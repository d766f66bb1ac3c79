"""What pickles of earlier versions, and scripts of Keras 2, name: by the names of today.

A pickle names a class or function by its module. Modules that have become packages still have their
names.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PACKAGE = "cnnfast."


def _into_folders(room: str, folders: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the new names of modules that stood in a room itself."""
    return {
        f"{_PACKAGE}{room}.{name}": f"{_PACKAGE}{room}.{folder}.{name}"
        for folder, names in folders.items()
        for name in names
    }


_OPS = {
    "base": ("composite", "eager", "operation"),
    "networks": (
        *("attention", "contractions", "convolution", "linear", "normalization", "pooling"),
        "row_functions",
    ),
    "pointwise": (
        *("activation", "arithmetic", "comparison", "elementwise", "functions"),
        "trigonometry",
    ),
    "reducing": ("quantiles", "reductions", "statistics", "truths"),
    "shaping": (
        *("arrangement", "joining", "ordering", "pieces", "planes", "rearrangement"),
        *("selection", "shapes"),
    ),
}
_UTILS = {
    "data": (
        *("batches", "images", "local_files", "numerical", "py_dataset", "sequences"),
        "unavailable",
    ),
    "display": ("console", "drawing", "interactive", "progbar", "tracebacks"),
    "system": ("threads",),
}
_MOVED = (
    {f"{_PACKAGE}models.copying": f"{_PACKAGE}saving.cloning"}
    | _into_folders("ops", _OPS)
    | _into_folders("utils", _UTILS)
    | {
        f"{_PACKAGE}layers.{old}": f"{_PACKAGE}{new}"
        for old, new in {
            "activation": "layers.activations.activation",
            "adaptive_pooling": "layers.pooling.adaptive_pooling",
            "augmentation": "layers.preprocessing",
            "cells": "layers.rnn",
            "conv_lstm": "layers.rnn.conv_lstm",
            "conv_transpose": "layers.convolutional.conv_transpose",
            "depthwise": "layers.convolutional.depthwise_conv",
            "dtypes": "symbolic.dtypes",
            "einsum_dense": "layers.core.einsum_dense",
            "embedding": "layers.core.embedding",
            "fourier": "layers.preprocessing.fourier",
            "function": "layers.core.lambda_layer",
            "global_pooling": "layers.pooling.global_pooling",
            "group_normalization": "layers.normalization.group_normalization",
            "input_spec": "symbolic.input_spec",
            "joining": "layers.merging.joining",
            "layer": "layers.base.layer",
            "layer_normalization": "layers.normalization.layer_normalization",
            "mel_spectrogram": "layers.preprocessing.mel_spectrogram",
            "multi_head_attention": "layers.attention.multi_head_attention",
            "padding": "layers.reshaping.padding",
            "prelu": "layers.activations.prelu",
            "recurrent": "layers.rnn",
            "registry": "layers.serialization",
            "residual": "layers.merging.residual",
            "resizing": "layers.preprocessing.resizing",
            "separable": "layers.convolutional.separable_conv",
            "spectral_normalization": "layers.normalization.spectral_normalization",
            "stand_in": "layers.serialization.stand_in",
            "stft_spectrogram": "layers.preprocessing.stft_spectrogram",
            "upsampling": "layers.reshaping.up_sampling",
            "volumes": "layers",
            "wrappers": "layers",
        }.items()
    }
    | {
        f"{_PACKAGE}{old}": f"cnnfast.{new}".rstrip(".")
        for old, new in {
            "engine.base_layer": "",
            "engine.input_layer": "",
            "engine.sequential": "",
            "engine.topology": "",
            "engine.training": "",
            "layers.advanced_activations": "layers",
            "layers.convolutional_recurrent": "layers",
            "layers.cudnn_recurrent": "layers",
            "layers.embeddings": "layers",
            "layers.merge": "layers",
            "layers.noise": "layers",
            "objectives": "losses",
            "optimizer_v2": "optimizers",
            "optimizer_v2.adam": "optimizers",
            "optimizer_v2.gradient_descent": "optimizers",
            "optimizer_v2.rmsprop": "optimizers",
            "utils.data_utils": "utils",
            "utils.generic_utils": "utils",
            "utils.image_utils": "utils",
            "utils.io_utils": "utils",
            "utils.layer_utils": "utils",
            "utils.np_utils": "utils",
            "utils.vis_utils": "utils",
        }.items()
    }
)

_ATTRIBUTES = {"activity_regularizer": "_activity_regularizer", "built": "_built"}  # of layers


def attributes(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the pickle of a layer holds, of this version or an earlier one."""
    return {"_version": 0} | {
        _ATTRIBUTES.get(name, name): value
        for name, value in state.items()
        if name != "_inbound_nodes"  # which has always been empty
    }


class _Finder:
    """Finds what no other finder does, under its old name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(_PACKAGE) or fullname not in _MOVED:
            return None
        return ModuleSpec(fullname, _Alias())  # type: ignore[arg-type]  # an ABC in the stubs


class _Alias:
    """Loads a module by taking another."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # Python takes what stands here afterwards.
        sys.modules[module.__name__] = importlib.import_module(_MOVED[module.__name__])


def install() -> None:
    """Let the old names be found, after all others; called when the package is imported."""
    sys.meta_path.append(_Finder())  # importlib.abc would take its time to import
