"""Functional models that attack their reader, one function each, in both dialects."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saving import functional_files as graphs
from saving import model_files as files
from saving.attacks import fixture
from saving.functional_files import Config, call_2, call_3, entry, operation, tensor

# --- the graph --------------------------------------------------------------------------------


def _altered(
    name: str, says: str, alter_3: Callable[[Config], None], alter_2: Callable[[Config], None]
) -> None:
    """Register an attack in both dialects; each change gets the layers by name."""

    def write(path: Path, config: Config, alter: Callable[[Config], None]) -> None:
        alter({layer["name"]: layer for layer in config["config"]["layers"]})
        (graphs.write_3 if path.suffix == ".keras" else graphs.write_2)(path, config)

    fixture(f"{name}.keras", says)(lambda path: write(path, graphs.functional_3(), alter_3))
    fixture(f"{name}.h5", says)(lambda path: write(path, graphs.functional_2(), alter_2))


def _calls(name: str, *calls: Any) -> Callable[[Config], None]:
    return lambda layers: layers[name].update(inbound_nodes=list(calls))


_altered(
    "cyclic_graph",
    "wait for each other.*'bn'",
    _calls("bn", call_3(tensor("flatten"))),
    _calls("bn", call_2("flatten")),
)
_altered(
    "layer_that_takes_itself",
    "wait for each other.*'bn'",
    _calls("bn", call_3(tensor("bn"))),
    _calls("bn", call_2("bn")),
)
_altered(
    "unknown_layer",
    "'nowhere'|'bn'",
    _calls("bn", call_3(tensor("nowhere"))),
    _calls("bn", call_2("nowhere")),
)


def _each_reference(name: str, says: str, layer: Any, call: Any, index: Any) -> None:
    _altered(
        name,
        says,
        _calls("bn", call_3(tensor(layer, call, index))),
        _calls("bn", [[layer, call, index, {}]]),
    )


_each_reference("call_out_of_range", "'bn'", "conv", 7, 0)
_each_reference("giant_call", "'bn'", "conv", 2**62, 0)
_each_reference("negative_call", "'bn'|conv", "conv", -1, 0)
_each_reference("output_out_of_range", "output 7 of", "conv", 0, 7)
_each_reference("negative_output", "output -1 of", "conv", 0, -1)
_each_reference("call_that_is_no_number", "must be (written as|a list of tensors)", "conv", 0.5, 0)
_each_reference("reference_without_name", "must be written as|conv", ["conv"], 0, 0)


def _two_of_a_name(layers: Config) -> None:
    layers["dropout"]["name"] = layers["dropout"]["config"]["name"] = "bn"


_altered("two_layers_of_a_name", "unique names.*'bn'", _two_of_a_name, _two_of_a_name)


@fixture("output_of_nothing.keras", "net|output")
def output_of_nothing(path: Path) -> None:
    config = graphs.functional_3()
    config["config"]["output_layers"] = []
    graphs.write_3(path, config)


@fixture("outputs_that_are_no_references.keras", "must be written as")
def outputs_that_are_no_references(path: Path) -> None:
    config = graphs.functional_3()
    config["config"]["output_layers"] = [["dense", 0, {"class_name": "Lambda"}]]
    graphs.write_3(path, config)


@fixture("input_that_is_a_layer_inside.keras", "weight|input")
def input_that_is_a_layer_inside(path: Path) -> None:
    config = graphs.functional_3()
    config["config"]["input_layers"] = [["nowhere", 0, 0]]
    graphs.write_3(path, config)


# --- size -------------------------------------------------------------------------------------


def _nested_2(depth: int, times: int) -> Config:
    """Give a model in a model in a model; each calls the one inside `times` times in a row."""
    relu = entry(files.layer("ReLU", "relu"), call_2("input"), module=None)
    model = graphs.root_2([graphs.input_2(), relu], ["relu", 0, 0], "inner")
    for level in range(depth):
        calls = [[["input", 0, 0, {}]], *([["inner", i + 1, 0, {}]] for i in range(times - 1))]
        inner = {**model, "name": "inner", "inbound_nodes": calls}
        name = "net" if level == depth - 1 else "inner"
        model = graphs.root_2([graphs.input_2(), inner], ["inner", times, 0], name)
    return model


@fixture("thousands_of_levels.h5", "nested deeper")
def thousands_of_levels(path: Path) -> None:
    text = '{"class_name": "Functional", "config": {"name": "n", "layers": [' * 3000 + "]}}" * 3000
    files.write_legacy(path, {}, files.legacy_layers(files.weights()))
    _set_config(path, text)


def _set_config(path: Path, text: str) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        # Longer texts than an attribute may be go to its heap.
        file.attrs.create("model_config", text, dtype=h5py.string_dtype())


@fixture("doubled_at_each_level.h5", "may call its layers 2500 times")
def doubled_at_each_level(path: Path) -> None:
    graphs.write_2(path, _nested_2(30, 2))


@fixture("many_calls_at_each_level.h5", "may call its layers 2500 times")
def many_calls_at_each_level(path: Path) -> None:
    graphs.write_2(path, _nested_2(4, 200))


@fixture("many_calls.h5", "may call its layers 2500 times")
def many_calls(path: Path) -> None:
    config = graphs.functional_2()
    config["config"]["layers"][4]["inbound_nodes"] = [call_2("flatten")] * 25_000
    _write_text(path, config)


def _write_text(path: Path, config: Config) -> None:
    import json

    files.write_legacy(path, {}, files.legacy_layers(files.weights()))
    _set_config(path, json.dumps(config))


@fixture("many_layers.h5", "may call its layers 2500 times")
def many_layers(path: Path) -> None:
    config = graphs.functional_2()
    names = ["bn", *(f"r{i}" for i in range(25_000))]
    config["config"]["layers"] += [
        {"class_name": "ReLU", "config": {"name": name}, "inbound_nodes": [call_2(source)]}
        for source, name in itertools.pairwise(names)
    ]
    _write_text(path, config)


@fixture("many_layers_in_a_row.h5", "may call its layers 2500 times")
def many_layers_in_a_row(path: Path) -> None:
    config = files.config_2()
    config["config"]["layers"] += [files.layer("ReLU", f"r{i}") for i in range(25_000)]
    _write_text(path, config)


@fixture("many_layers_without_weights.h5", "r0")
def many_layers_without_weights(path: Path) -> None:
    """As many layers as there may be, all made before weights are missed."""
    config = files.config_2()
    config["config"]["layers"] += [files.layer("BatchNormalization", f"r{i}") for i in range(2_400)]
    _write_text(path, config)


@fixture("doubled_by_number.h5", "may call its layers 2500 times")
def doubled_by_number(path: Path) -> None:
    """Each level holds the model below twice, the second time by its number alone."""
    model = graphs.root_2([graphs.input_2()], ["input", 0, 0], "model")
    for level in range(30):
        same = {"class_name": "Functional", "config": {"name": "again", "layers": []}}
        numbered = {"shared_object_id": level, "inbound_nodes": [call_2("input")]}
        pair = [{**model, **numbered, "name": "model"}, {**same, **numbered, "name": "again"}]
        model = graphs.root_2([graphs.input_2(), *pair], ["again", 1, 0], "model")
    graphs.write_2(path, model)


def _huge(name: str, item: Config, says: str = "") -> None:
    """Register a layer that asks for sizes whose product overflows, or memory for all of it."""

    def write(path: Path) -> None:
        own = {**item, "config": {"name": "evil", **item["config"]}}
        graphs.write_3(
            path, graphs.inserted(graphs.functional_3(), entry(own, call_3(tensor("bn"))))
        )

    fixture(f"{name}.keras", says or "'evil'")(write)


def _layer(class_name: str, **config: Any) -> Config:
    return {"class_name": class_name, "config": config}


_huge("giant_filters", _layer("Conv2D", filters=2**61, kernel_size=1), "'evil'|filters|layers/")
_huge("giant_kernel", _layer("Conv2D", filters=1, kernel_size=[2**31, 2**31], padding="same"))
_huge("giant_padding", _layer("ZeroPadding2D", padding=2**40))
_huge("giant_upsampling", _layer("UpSampling2D", size=[2**31, 2**31]))
_huge("large_upsampling", _layer("UpSampling2D", size=[2**13, 2**13]), "'evil' may give at most")
_huge("giant_resizing", _layer("Resizing", height=2**31, width=2**31))
_huge("giant_dilation", _layer("MaxPooling2D", pool_size=2**62, padding="same"))


@fixture("giant_input.keras", "input|weight")
def giant_input(path: Path) -> None:
    config = graphs.functional_3()
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 2**31, 2**31, 1]
    graphs.write_3(path, config)


@fixture("giant_reshape.keras", "'evil'")
def giant_reshape(path: Path) -> None:
    item = entry(_named("Reshape", target_shape=[2**40, -1, 2**40]), call_3(tensor("bn")))
    graphs.write_3(path, graphs.inserted(graphs.functional_3(), item))


@fixture("giant_broadcast.keras", "'evil'")
def giant_broadcast(path: Path) -> None:
    config = graphs.functional_3()
    item = operation("BroadcastTo", "evil", call_3(tensor("bn")), shape=[2**20, 2**20, 2**20, 2])
    graphs.write_3(path, graphs.inserted(config, item))


@fixture("giant_constant.keras", "'evil'|constant")
def giant_constant(path: Path) -> None:
    """An element type that is itself an array of 40 GB."""
    constant = {
        "class_name": "__tensor__",
        "config": {"value": 1.0, "dtype": "(100000,100000)f4"},
    }
    item = operation("Add", "evil", call_3(tensor("bn"), constant))
    graphs.write_3(path, graphs.inserted(graphs.functional_3(), item))


@fixture("text_constant.keras", "'evil'|constant")
def text_constant(path: Path) -> None:
    constant = {"class_name": "__numpy__", "config": {"value": "a", "dtype": "U2000000000"}}
    item = operation("Add", "evil", call_3(tensor("bn"), constant))
    graphs.write_3(path, graphs.inserted(graphs.functional_3(), item))


@fixture("object_constant.keras", "'evil'|constant")
def object_constant(path: Path) -> None:
    constant = {"class_name": "__numpy__", "config": {"value": [None, {}], "dtype": "object"}}
    item = operation("Add", "evil", call_3(tensor("bn"), constant))
    graphs.write_3(path, graphs.inserted(graphs.functional_3(), item))


# --- code and names ---------------------------------------------------------------------------


def _named(class_name: str, name: str = "evil", **config: Any) -> Config:
    return files.layer(class_name, name, **config)


def _refused(name: str, item: Config, says: str, **own: Any) -> None:
    """Register a layer that must be refused, in both dialects."""

    def write_3(path: Path) -> None:
        wired = {**entry(item, call_3(tensor("bn"))), **own}
        graphs.write_3(path, graphs.inserted(graphs.functional_3(), wired))

    def write_2(path: Path) -> None:
        wired = {**entry(item, call_2("bn"), module=None), **own}
        graphs.write_2(path, graphs.inserted(graphs.functional_2(), wired))

    fixture(f"functional_{name}.keras", says)(write_3)
    fixture(f"functional_{name}.h5", says)(write_2)


_CODE = "4wEAAAAA"
_MARSHAL = {"class_name": "__lambda__", "config": {"code": _CODE, "defaults": None}}
_refused("lambda", _named("Lambda", function=_MARSHAL), "'evil'.*Lambda")
_refused(
    "lambda_list",
    _named("Lambda", function=[_CODE, None, None], function_type="lambda", module="__main__"),
    "'evil'.*Lambda",
)
_refused(
    "lambda_shape",
    _named(
        "Lambda",
        function="identity",
        function_type="function",
        output_shape=[_CODE, None, None],
        output_shape_type="lambda",
    ),
    "'evil'.*Lambda",
)
_refused(
    "lambda_in_a_wrapper",
    _named("TimeDistributed", layer=_named("Lambda", "inside", function=_MARSHAL)),
    "'(evil|inside)'.*Lambda",
)
_refused("saved_model", _named("TFSMLayer", filepath="/tmp/saved_model"), "'evil'.*TFSMLayer")
_refused(
    "torch_module",
    _named("TorchModuleWrapper", module="gASVAAAA"),
    "'evil'.*TorchModuleWrapper",
)
_refused("jax_function", _named("JaxLayer", call_fn=_MARSHAL), "'evil'.*JaxLayer")
_refused(
    "vocabulary_path",
    _named("StringLookup", vocabulary="/etc/passwd"),
    "'evil'.*StringLookup",
)
_refused(
    "vocabulary_url",
    _named("TextVectorization", vocabulary="http://169.254.169.254/latest"),
    "'evil'.*TextVectorization",
)
_refused("imported_class", _named("Popen", args=["true"]), "'evil'.*Popen", module="subprocess")
_refused("imported_dense", _named("Dense", units=3), "'evil'.*os", module="os")
_refused("registered_dense", _named("Dense", units=3), "'evil'.*x>Dense", registered_name="x>Dense")
_refused("climbing_name", _named("ReLU", "../../evil"), "cannot contain character `/`")

_GADGET = {"module": "keras.utils", "class_name": "function", "config": "get_file"}
_refused("function_as_activation", _named("Activation", activation=_GADGET), "'evil'.*get_file")
_refused(
    "layer_as_activation",
    _named("Dense", units=3, activation=_named("TFSMLayer", "inside", filepath="/tmp/m")),
    "'evil'.*TFSMLayer",
)
_refused("lambda_as_activation", _named("Activation", activation=_MARSHAL), "'evil'.*__lambda__")


def _operation(name: str, says: str, item: Config) -> None:
    fixture(f"operation_{name}.keras", says)(
        lambda path: graphs.write_3(path, graphs.inserted(graphs.functional_3(), item))
    )


_bn = tensor("bn")
_operation("of_no_table", "'evil'.*Exec", operation("Exec", "evil", call_3(_bn)))
_operation(
    "of_another_module",
    "'evil'.*Popen",
    {**operation("Popen", "evil", call_3(_bn)), "module": "subprocess"},
)
_operation(
    "on_a_function",
    "'evil'|function",
    operation("Add", "evil", call_3(_bn, _GADGET)),
)
_operation("on_a_lambda", "'evil'|__lambda__", operation("Add", "evil", call_3(_bn, _MARSHAL)))
_operation(
    "on_a_layer",
    "'evil'|TFSMLayer",
    operation("Add", "evil", call_3(_bn, _named("TFSMLayer", "inside", filepath="/tmp/m"))),
)
_operation(
    "on_a_type",
    "'evil'|__typespec__",
    operation("Add", "evil", call_3(_bn, _layer("__typespec__", name="os"))),
)


def _tensorflow(name: str, function: str, *call: Any) -> None:
    item = {"class_name": "TFOpLambda", "config": {"name": "evil", "function": function}}

    def write(path: Path) -> None:
        wired = entry(item, ["bn", 0, 0, {}], module=None)
        graphs.write_2(path, graphs.inserted(graphs.functional_2(), wired))

    fixture(f"tensorflow_{name}.h5", f"'evil'.*{function}")(write)


_tensorflow("reads_a_file", "io.read_file")
_tensorflow("calls_python", "numpy_function")
_tensorflow("private_function", "__operators__.__class__")


@fixture("operation_named_by_a_list.keras", r"`name` must be a string.*\['odd'\]")
def operation_named_by_a_list(path: Path) -> None:
    item = operation("Add", "plus", call_3(tensor("bn"), 1.0)) | {"config": {"name": ["odd"]}}
    graphs.write_3(path, graphs.inserted(graphs.functional_3(), item))


@fixture("tensorflow_node.h5", "'evil'.*PyFunc")
def tensorflow_node(path: Path) -> None:
    item = _named(
        "TensorFlowOpLayer", node_def={"op": "PyFunc", "name": "evil"}, constants={"0": [1.0]}
    )
    wired = entry(item, call_2("bn"), module=None)
    graphs.write_2(path, graphs.inserted(graphs.functional_2(), wired))


@fixture("climbing_weight_names.h5", r"there is no '.*\.\.'")
def climbing_weight_names(path: Path) -> None:
    layers = [
        (name, [(f"../../{weight}", value) for weight, value in values])
        for name, values in files.legacy_layers(files.weights())
    ]
    files.write_legacy(path, graphs.functional_2(), [])
    import h5py

    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        group.attrs["layer_names"] = [name for name, _ in layers]
        for name, values in layers:
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [weight for weight, _ in values]
