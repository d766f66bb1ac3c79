"""Configurations, archives and other files that attack their reader, one function each."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py

from saving import model_files as files
from saving.attacks import fixture

# --- configurations ---------------------------------------------------------------------------


def _with_layer(path: Path, item: dict[str, Any]) -> None:
    config = files.config_3()
    config["config"]["layers"].insert(2, item)
    files.keras_file(path, config=config)


@fixture("lambda_bytecode.keras", "'evil'.*Lambda")
def lambda_bytecode(path: Path) -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None}}
    _with_layer(path, files.layer("Lambda", "evil", function=code))


@fixture("lambda_bytecode.h5", "'evil'.*Lambda")
def legacy_lambda_bytecode(path: Path) -> None:
    layers = files.layers_2(batch_input_shape=[None, *files.INPUT_SHAPE])
    function = {"function": ["4wEAAAAA", None, None], "function_type": "lambda"}
    layers.insert(1, files.layer("Lambda", "evil", **function))
    files.write_legacy(path, files.config_2(layers), files.legacy_layers(files.weights()))


@fixture("imported_class.keras", "'evil'.*not supported.*Popen")
def imported_class(path: Path) -> None:
    item = files.layer("Popen", "evil", args=["true"])
    _with_layer(path, {**item, "module": "subprocess", "registered_name": None})


@fixture("known_name_of_foreign_module.keras", "'evil'.*not supported.*os")
def known_name_of_foreign_module(path: Path) -> None:
    item = files.layer("Dense", "evil", units=3)
    _with_layer(path, {**item, "module": "os", "registered_name": "x>Dense"})


@fixture("function_as_activation.keras", "activation")
def function_as_activation(path: Path) -> None:
    gadget = {"module": "keras.utils", "class_name": "function", "config": "get_file"}
    _with_layer(path, files.layer("Activation", "evil", activation=gadget))


@fixture("external_saved_model.keras", "'evil'.*not supported.*TFSMLayer")
def external_saved_model(path: Path) -> None:
    _with_layer(path, files.layer("TFSMLayer", "evil", filepath="/tmp/saved_model"))


@fixture("no_model.keras", "expected a model")
def no_model(path: Path) -> None:
    files.keras_file(path, config=files.layer("Dense", "dense", units=3))


def _with_text(path: Path, text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    members = files.keras_members() | {"config.json": data}
    files.write_zip(path, members.items(), zipfile.ZIP_DEFLATED)


@fixture("deep_nesting.keras", "nested deeper")
def deep_nesting(path: Path) -> None:
    _with_text(path, "[" * 100_000 + "]" * 100_000)


@fixture("many_values.keras", "more than 500000 values")
def many_values(path: Path) -> None:
    _with_text(path, "[" + "[]," * 600_000 + "[]]")


@fixture("repeated_key.keras", "'class_name' occurs twice")
def repeated_key(path: Path) -> None:
    text = json.dumps(files.config_3())
    _with_text(path, text.replace("{", '{"class_name": "Sequential", ', 1))


@fixture("not_a_number.keras", "must be finite. Received: NaN")
def not_a_number(path: Path) -> None:
    _with_text(path, json.dumps(files.config_3()).replace("0.001", "NaN"))


@fixture("infinite_number.keras", "must be finite. Received: 1e999")
def infinite_number(path: Path) -> None:
    _with_text(path, json.dumps(files.config_3()).replace("0.001", "1e999"))


@fixture("giant_integer.keras", "integers must fit 64 bits")
def giant_integer(path: Path) -> None:
    _with_text(path, json.dumps(files.config_3()).replace('"units": 3', '"units": ' + "9" * 10_000))


@fixture("not_utf8.keras", "not valid JSON")
def not_utf8(path: Path) -> None:
    _with_text(path, b'{"class_name": "\xff"}')


# --- archives ---------------------------------------------------------------------------------


@fixture("member_twice.keras", "'config.json' more than once")
def member_twice(path: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        members = list(files.keras_members().items())
        files.write_zip(path, [*members, ("config.json", b"{}")])


@fixture("overlapping_members.keras", "overlaps|list of members")
def overlapping_members(path: Path) -> None:
    """The metadata's entry points into the weights."""
    members = files.keras_members()
    data = bytearray(files.write_zip(path, members.items()).read_bytes())
    with zipfile.ZipFile(path) as archive:
        target = archive.getinfo("model.weights.h5").header_offset
        start = archive.start_dir
    struct.pack_into("<I", data, start + 42, target)
    path.write_bytes(data)


@fixture("config_bomb.keras", "declares 209715200 bytes")
def config_bomb(path: Path) -> None:
    _bomb(path, "config.json", 200 << 20)


@fixture("weights_bomb.keras", "declares 209715200 bytes")
def weights_bomb(path: Path) -> None:
    _bomb(path, "model.weights.h5", 200 << 20)


def _bomb(path: Path, name: str, size: int) -> None:
    members = files.keras_members() | {name: bytes(size)}
    files.write_zip(path, members.items(), zipfile.ZIP_DEFLATED)


@fixture("lying_size.keras", "does not match its size")
def lying_size(path: Path) -> None:
    """The config inflates to more than the archive says."""
    _bomb(path, "config.json", 10 << 20)
    _patch_entry(path, "config.json", 24, "<I", 1000)


@fixture("encrypted.keras", "encrypted")
def encrypted(path: Path) -> None:
    files.keras_file(path)
    _patch_entry(path, "config.json", 8, "<H", 1)


def _patch_entry(path: Path, name: str, field: int, form: str, value: int) -> None:
    """Change a field of the list of members."""
    data = bytearray(path.read_bytes())
    entry = data.index(name.encode(), data.index(b"PK\1\2")) - 46
    struct.pack_into(form, data, entry + field, value)
    path.write_bytes(data)


@fixture("link_member.keras", "symbolic link")
def link_member(path: Path) -> None:
    info = zipfile.ZipInfo("model.weights.h5")
    info.external_attr = 0o120777 << 16
    members = files.keras_members()
    del members["model.weights.h5"]
    files.write_zip(path, [*members.items(), (info, b"/etc/passwd")])


@fixture("bzip2.keras", "compressed by method 12")
def bzip2(path: Path) -> None:
    files.keras_file(path, method=zipfile.ZIP_BZIP2)


@fixture("many_members.keras", "list of members has")
def many_members(path: Path) -> None:
    names = [(f"assets/{i:060}", b"") for i in range(40_000)]
    files.write_zip(path, [*files.keras_members().items(), *names])


@fixture("without_weights.keras", "must hold 'model.weights.h5'")
def without_weights(path: Path) -> None:
    members = files.keras_members()
    del members["model.weights.h5"]
    files.write_zip(path, [*members.items(), ("model.weights.npz", b"PK")])


@fixture("other_archive.keras", "must hold 'config.json'")
def other_archive(path: Path) -> None:
    files.write_zip(path, [("word/document.xml", b"<xml/>")])


@fixture("empty_archive.keras", "must hold 'config.json'")
def empty_archive(path: Path) -> None:
    files.write_zip(path, [])


@fixture("weights_are_text.keras", "not an HDF5 file")
def weights_are_text(path: Path) -> None:
    files.keras_file(path, data=b"weights")


@fixture("foreign_layer_names.keras", "expected the weights of layer 'conv'. Received: 'other'")
def foreign_layer_names(path: Path) -> None:
    def alter(file: h5py.File) -> None:
        file["layers/conv2d/vars"].attrs["name"] = "other"

    files.keras_file(path, data=files.weights_h5(alter=alter))


@fixture("linked_directory", "symbolic links")
def linked_directory(path: Path) -> None:
    path.mkdir()
    outside = path.with_name("outside.h5")
    for name, data in files.keras_members().items():
        target = outside if name.endswith(".h5") else path / name
        target.write_bytes(data)
    os.symlink(outside, path / "model.weights.h5")


@fixture("empty_directory", "must hold 'config.json'")
def empty_directory(path: Path) -> None:
    path.mkdir()


# --- other files ------------------------------------------------------------------------------


@fixture("empty.h5", "empty")
def empty(path: Path) -> None:
    path.write_bytes(b"")


@fixture("text.keras", "expected a model that Keras saved")
def text_file(path: Path) -> None:
    path.write_text("not a model\n")


@fixture("pickle.h5", "expected a model that Keras saved")
def pickle_file(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": [1.0]}))


@fixture("gzip.h5", "expected a model that Keras saved")
def gzip_file(path: Path) -> None:
    path.write_bytes(gzip.compress(b"model"))


@fixture("only_a_signature.h5", "cannot read '/'")
def only_a_signature(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n")


@fixture("only_a_signature.keras", "damaged zip archive")
def only_a_zip_signature(path: Path) -> None:
    path.write_bytes(b"PK\3\4" + bytes(100))


@fixture("weights_without_model.h5", "model.load_weights")
def weights_without_model(path: Path) -> None:
    files.write_legacy(path, None, files.legacy_layers(files.weights()))
