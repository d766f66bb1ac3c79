"""The project itself in 8 bits."""

from __future__ import annotations

from pathlib import Path

from sidebyside.runtimes import calibration_images
from sidebyside.runtimes.cnnfast_plan import load, versions

__all__ = ["NAME", "convert", "load", "made_by", "versions"]

NAME = "cnnfast int8"


def made_by() -> str:
    """Name what quantizes, by its content: a build that differs quantizes anew."""
    import hashlib

    from cnnfast import _core, config

    sources = sorted(Path(str(config.__file__)).parent.rglob("*.py"))
    contents = (file.read_bytes() for file in (Path(_core.__file__), *sources))
    return hashlib.sha256(b"".join(contents)).hexdigest()


def convert(source: Path, directory: Path) -> Path:
    """Quantize the model and save it."""
    from cnnfast import quantize
    from cnnfast.saving import load_model

    images = calibration_images(directory)
    quantized = quantize(load_model(source, compile=False), images, batch_size=32)
    path = directory / f"{source.stem}_int8.keras"
    quantized.save(path)
    return path
