"""ncnn, from the ONNX file by pnnx, with float32 weights.

ncnn has no batch: a batch is its images one after the other.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from sidebyside.runtimes import Images, Predict, package_versions

NAME = "ncnn"


def versions() -> dict[str, str]:
    """Name the versions of the runtime and of what wrote its file."""
    return package_versions("ncnn", "pnnx")


def convert(source: Path, directory: Path) -> Path:
    """Write the network's .param and .bin files."""
    import onnx
    import pnnx

    from sidebyside.exports import onnx_file

    file = onnx_file(source, directory)
    dims = onnx.load(file, load_external_data=False).graph.input[0].type.tensor_type.shape.dim
    shape = ",".join(["1", *(str(dim.dim_value) for dim in dims[1:])])
    path = directory / f"{source.stem}.ncnn.param"
    written = {
        "pnnxparam": "pnnx.param",
        "pnnxbin": "pnnx.bin",
        "pnnxpy": "pnnx.py",
        "pnnxonnx": "pnnx.onnx",
        "ncnnpy": "ncnn.py",
    }
    others = {key: directory / f"{source.stem}.{ending}" for key, ending in written.items()}
    subprocess.run(
        [pnnx.EXEC_PATH, file, f"inputshape=[{shape}]f32", "fp16=0"]
        + [f"ncnnparam={path}", f"ncnnbin={path.with_suffix('.bin')}"]
        + [f"{key}={other}" for key, other in others.items()],
        check=True,
        capture_output=True,
    )
    for other in others.values():
        other.unlink(missing_ok=True)
    code = f"import ncnn, sys; sys.exit(ncnn.Net().load_param({str(path)!r}) != 0)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if loaded.returncode != 0:
        raise NotImplementedError(f"ncnn cannot load it: {loaded.stderr.splitlines()[0]}")
    return path


def load(path: Path, threads: int) -> Predict:
    """Load the network, all of it in float32."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{option}", False)
    for step, file in ((net.load_param, path), (net.load_model, path.with_suffix(".bin"))):
        if step(str(file)) != 0:
            raise RuntimeError(f"ncnn cannot load {file.name}")
    first, last = net.input_names()[0], net.output_names()[0]

    def one(image: Images) -> Images:
        extractor = net.create_extractor()
        extractor.input(first, ncnn.Mat(image))
        code, output = extractor.extract(last)
        if code != 0:
            raise RuntimeError(f"ncnn stopped with code {code}")
        return np.array(output)

    def predict(images: Images) -> Images:
        return np.stack([one(image) for image in images])

    return predict
