"""Networks of other people's packages, most with layers of their own; run from ``tests/``.

    python -m networks.package_files FOLDER      # where TensorFlow's Keras 2 and the packages are
    python -m networks.packages FOLDER --markdown ../docs/parity.md

Packages for Keras 3 are opened by `from_keras`, those for Keras 2 from the files that the first
command wrote, some with layers that `package_layers` writes anew. None of their code is here.
Weights are random, networks the smallest of their kind.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import cnnfast
from cnnfast.utils import tree
from networks.package_layers import CUSTOM_OBJECTS

AGREEMENT = 1e-4
HEADING = "## Packages"


@dataclass(frozen=True)
class Result:
    """What became of one network: its largest relative difference, or why it is refused."""

    package: str
    name: str
    difference: float | None = None
    reason: str = ""

    @property
    def agrees(self) -> bool:
        """Whether it gives Keras' numbers."""
        return self.difference is not None and self.difference <= AGREEMENT

    @property
    def row(self) -> str:
        """The row of a table."""
        said = f"{self.difference:.1e}" if self.difference is not None else ""
        state = "opened" if self.difference is not None else "refused"
        return f"| {self.package} | {self.name} | {state} | {said} | {self.reason} |"


def hub(name: str, size: int = 64, **options: Any) -> tuple[str, str, Callable[[], Any]]:
    """Return a backbone of KerasHub."""

    def make() -> Any:
        shape = {"image_shape": (size, size, 3)} if size else {}
        return getattr(importlib.import_module("keras_hub").models, name)(**shape, **options)

    return "KerasHub", name, make


LIVE: list[tuple[str, str, Callable[[], Any]]] = [
    hub(
        "ResNetBackbone",
        **{"input_conv_filters": [64], "input_conv_kernel_sizes": [7], "block_type": "basic_block"},
        **{"stackwise_num_filters": [64, 128], "stackwise_num_blocks": [1, 1]},
        stackwise_num_strides=[1, 2],
    ),
    hub("DenseNetBackbone", stackwise_num_repeats=[2, 2], compression_ratio=0.5, growth_rate=8),
    hub("VGGBackbone", stackwise_num_repeats=[1, 1, 2], stackwise_num_filters=[8, 16, 16]),
    hub(
        "MiTBackbone",
        **{"layerwise_depths": [1, 1], "num_layers": 2, "layerwise_num_heads": [1, 2]},
        **{"layerwise_sr_ratios": [2, 1], "max_drop_path_rate": 0.1},
        **{"layerwise_patch_sizes": [7, 3], "layerwise_strides": [4, 2], "hidden_dims": [8, 16]},
    ),
    hub(
        "ViTBackbone",
        **{"patch_size": 16, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32},
    ),
    hub(
        "ViTDetBackbone",
        **{"patch_size": 16, "num_layers": 2, "hidden_size": 24, "num_heads": 2, "window_size": 2},
        **{"intermediate_dim": 48, "global_attention_layer_indices": [1], "num_output_channels": 8},
    ),
    hub(
        "DeiTBackbone",
        **{"patch_size": 16, "num_layers": 2, "num_heads": 2, "hidden_dim": 16},
        intermediate_dim=32,
    ),
    hub(
        "DINOV2Backbone",
        **{"patch_size": 16, "num_layers": 2, "hidden_dim": 16, "num_heads": 2},
        **{"intermediate_dim": 32, "num_register_tokens": 2},
    ),
    hub(
        "SwinTransformerBackbone",
        **{"patch_size": 4, "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4]},
        window_size=4,
    ),
    hub(
        "HGNetV2Backbone",
        **{"depths": [1, 1], "embedding_size": 8, "hidden_sizes": [16, 32]},
        **{"stem_channels": [3, 8, 8], "hidden_act": "relu", "use_learnable_affine_block": True},
        stackwise_stage_filters=[[8, 8, 16, 1, 3, 3], [16, 8, 32, 1, 3, 3]],
        apply_downsample=[False, True],
        use_lightweight_conv_block=[False, True],
    ),
    hub(
        "EfficientNetBackbone",
        **{"stackwise_width_coefficients": [1.0] * 2, "stackwise_depth_coefficients": [1.0] * 2},
        **{"stackwise_squeeze_and_excite_ratios": [0.25, 0.25], "stackwise_strides": [1, 2]},
        **{"stackwise_kernel_sizes": [3, 3], "stackwise_num_repeats": [1, 1]},
        **{"stackwise_input_filters": [16, 16], "stackwise_output_filters": [16, 24]},
        **{"stackwise_expansion_ratios": [1, 6], "stackwise_block_types": ["v1", "v1"]},
        **{"input_shape": (64, 64, 3), "min_depth": 8, "dropout": 0.0},
    ),
    (
        "vit-keras",
        "build_model",
        lambda: importlib.import_module("vit_keras.vit").build_model(
            **{"image_size": 32, "patch_size": 8, "num_layers": 2, "hidden_size": 16},
            **{"num_heads": 2, "mlp_dim": 32, "classes": 5, "dropout": 0.1, "name": "vit"},
        ),
    ),
]


def judged(package: str, name: str, make: Callable[[], Any]) -> Result:
    """Build a network, open it here, compare."""
    rng = np.random.default_rng(list(name.encode()))
    keras.backend.clear_session()
    try:
        model = make()
    except Exception as error:  # whatever a package raises
        return Result(package, name, reason=f"not built: {error!r:.300}")
    for weight in model.weights:
        numbers = np.asarray(weight)
        if "float" in numbers.dtype.name and numbers.size > 1 and np.ptp(numbers) == 0:
            change = rng.uniform(0.8, 1.2, numbers.shape)
            weight.assign(numbers * change if numbers.flat[0] else 0.1 * (change - 1))
    shape = tree.flatten(model.input)[0].shape[1:]
    x = rng.normal(size=(2, *(size or 64 for size in shape))).astype(np.float32)
    expected = [np.asarray(y) for y in keras.tree.flatten(model(x, training=False))]
    try:
        ours = cnnfast.from_keras(model)
    except ValueError as error:
        return Result(package, name, reason=_reason(error))
    return Result(package, name, _difference(ours, x, expected))


def from_files(folder: Path) -> Iterator[Result]:
    """Open each file, compare with what was written beside it."""
    for path in sorted(folder.glob("*.h5")):
        package, _, name = path.stem.partition(", ")
        stored = dict(np.load(path.with_suffix(".npz")))
        x = stored.pop("x")
        try:
            model = _loaded(path)
        except ValueError as error:
            yield Result(package, name, reason=_reason(error))
            continue
        yield Result(package, name, _difference(model, x, list(stored.values())))


def _loaded(path: Path) -> Any:
    """Open a file; with the layers that were written anew where it needs them."""
    try:
        return cnnfast.saving.load_model(path)
    except ValueError as error:
        needed = {n: item for n, item in CUSTOM_OBJECTS.items() if n in str(error)}
        if not needed:
            raise
    return cnnfast.saving.load_model(path, custom_objects=needed)


def _difference(model: Any, x: Any, expected: list[Any]) -> float:
    got = tree.flatten(model.predict(x, verbose=0))
    assert [y.shape for y in got] == [y.shape for y in expected]
    pairs = zip(got, expected, strict=True)
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in pairs)


def _reason(error: Exception) -> str:
    """Return the first cause of a refusal, in short."""
    items = getattr(error, "items", ())
    text = str(error)
    if items:
        first = items[0]
        text = f"{first.class_name or ''}: {first.cause}"
        text += f" ({'; '.join(first.received)})" if first.received else ""
        text += f", and {len(items) - 1} more" if len(items) > 1 else ""
    return re.sub(r"\s+", " ", text.replace("|", "/"))[:200]


def section(results: list[Result]) -> str:
    """Return the part of the page with the table."""
    packages = {r.package for r in results}
    agreeing = {r.package for r in results if r.agrees}
    rows = "\n".join(result.row for result in results)
    return f"""{HEADING}

{sum(r.agrees for r in results)} of {len(results)} networks of {len(packages)} packages give their
numbers here; of {len(agreeing)} packages at least one does. Those for Keras 3 are opened by
`from_keras`, those for Keras 2 from a file (`.h5`) that TensorFlow's Keras 2.15 wrote; six small
layers are written anew for that (`tests/networks/package_layers.py`).
The difference is the largest, relative to the largest output. Weights are random.

Written by `python -m networks.packages FOLDER --markdown ../docs/parity.md`, run from `tests/`,
which says how.

| package | network | | difference | reason |
| --- | --- | --- | ---: | --- |
{rows}
"""


def main() -> int:
    """Judge all networks; 1 if one that is opened does not agree."""
    parser = argparse.ArgumentParser(prog="networks.packages", description=__doc__)
    parser.add_argument("folder", type=Path, help="with the files of the first command")
    parser.add_argument("--markdown", type=Path, help="write the table there, behind the others")
    parser.add_argument("--only", default="", help="a part of a network's name")
    args = parser.parse_args()
    results: list[Result] = []
    for live in LIVE:
        if args.only.lower() in live[1].lower():
            results.append(judged(*live))
            print(results[-1].row, flush=True)
    for result in from_files(args.folder):
        results.append(result)
        print(result.row, flush=True)
    if args.markdown:
        before = args.markdown.read_text().partition(f"\n{HEADING}\n")[0]
        args.markdown.write_text(f"{before.rstrip()}\n\n{section(results)}")
    return int(not all(r.agrees for r in results if r.difference is not None))


if __name__ == "__main__":
    sys.exit(main())
