"""What a programmer might have got wrong in the Python package, and the tests that notice."""

from __future__ import annotations

from mutation.mutants import Mutant

STRUCTURE = ("models/test_structure.py", "layers/base/test_changing.py")
LIFETIMES = ("reliability/test_lifetimes.py", *STRUCTURE)
DATA = ("models/test_predict.py", "models/test_data.py", "models/test_evaluate.py")


def _of(file: str, *changes: tuple[str, str]) -> tuple[Mutant, ...]:
    return tuple(Mutant(file, context, wrong) for context, wrong in changes)


CONCURRENCY = ("reliability/test_concurrency.py", "engine/test_image_sizes.py")

PYTHON_MUTANTS: dict[tuple[str, ...], tuple[Mutant, ...]] = {
    STRUCTURE: (
        *_of(
            "layers/base/changing.py",
            ('*("_calls", «"_holders", "_integers"», "_user_attributes"', '"_holders"'),
            ("isinstance(kind, property) and «kind.fset is not None»:", "True"),
            ("«not (hasattr(type(layer), name) or name in vars(layer))»", "True"),
            ("if «layer in inside and name in taken»:", "False"),
            ("if «layer in inside and name in taken»:", "name in taken"),
            ('vars(layer)["name"] = name\n    «layer._changed()»', "pass"),
            ("if «layer._build_shape is not None»:", "False"),
            ("if «same is None»:", "False"),
            ("if «hasattr(type(layer), key)»:", "False"),
            ("if «hasattr(type(layer), key)»:", "True"),
            ("    try:\n        «retrace(layer)»", "pass"),
            ("    «_check_around(layer, name, value)»\n    try", "pass"),
            ("                «vars(layer).update(attributes)»\n", "pass"),
            ("«del vars(layer)[key]»\n                vars(layer).update(attributes)", "pass"),
            ("            for layer in values:\n                «layer._changed()»", "pass"),
            ("return [«same.get(id(item), item)» for item in value]", "item"),
            ("return {key: «same.get(id(item), item)» for key", "item"),
            ("return «same.get(id(value), value)»", "value"),
            ("and all(«(made.name, made.shape) == (own.name, own.shape)» for", "True"),
            ("«made is own or made.get_config() == own.get_config()» for", "True"),
            ("and «len(twin.weights) == len(layer.weights)»", "True"),
        ),
        *_of(
            "symbolic/retracing.py",
            ("return «order[::-1]»", "order"),
            ("            «tensor.node.restate(tensor, shape, dtype)»\n", "pass"),
            ("if «len(made) != len(tensors)»:", "False"),
            ("for user in «_users(tensor)»:", "()"),
            ("[user] if isinstance(user, Node) else «_calls_of(user)»", "()"),
            ("            «yield from _calls_of(holder)»", "yield from ()"),
        ),
        *_of(
            "symbolic/tensor.py",
            ("«self._facts = (shape, dtype, tensor._name)»\n\n    def tensor", "pass"),
            ("return leaf if isinstance(leaf, KerasTensor) else «settled(leaf)»", "leaf"),
        ),
        *_of(
            "layers/base/layer.py",
            ("return (*weights, «*layers»)", "0"),
            ("return («*weights», *layers)", "0"),
            ("yield from («layer._version» for layer in", "0"),
            ("        «self._version = advance()»", "pass"),
            ("«value.copy() if isinstance(value, list | dict) else value»", "value"),
            ('dict.fromkeys((«"_engine", »"_training_engines"))', ""),
            ("        «twin._hold_layers()»\n", "pass"),
            ("moved.attributes(state))\n        «self._hold_layers()»", "pass"),
        ),
        *_of(
            "layers/core/wrapper.py", ("self.layer = layer\n        «self._hold_layers()»", "pass")
        ),
        *_of("layers/base/rounding.py", ("            «self._changed()»\n", "pass")),
        *_of(
            "symbolic/array_arguments.py",
            ("copy = «array.copy()»", "array"),
            ("    «copy.flags.writeable = False»\n", "pass"),
            ("return «tuple(settled(item) for item in value)»", "value"),
        ),
        *_of("variables.py", ("        «_epoch = next(_epochs)»\n", "next(_epochs)")),
        *_of(
            "engine/executor.py",
            ("if «versions != self._versions» or epsilon", "False"),
        ),
        *_of(
            "models/functional.py",
            ("if «isinstance(leaf, Variable)»:", "False"),
            ("        «self._hold_layers()»\n", "pass"),
        ),
        *_of(
            "models/sequential.py",
            ("            «retrace(self)»\n", "pass"),
            ("            «self._layers, self._tensors, self._built = before»\n", "pass"),
            ("        finally:\n            «self._changed()»", "pass"),
            ("        try:\n            «self._hold_layers()»", "pass"),
            ("            «self._check_name(layer, self._layers[:number])»", "pass"),
        ),
        *_of(
            "models/model.py",
            ("«twin.compile(**self._compile_arguments)»", "pass"),
        ),
        *_of("models/inference.py", ("if «name in Inference.__annotations__»:", "False")),
        *_of(
            "ops/base/operation.py", ('if not («name.startswith("_") or is_open(self)»):', "True")
        ),
        *_of("symbolic/activation_functions.py", ("        if «not is_open(self)»:", "False")),
    ),
    LIFETIMES: (
        *_of(
            "symbolic/tensor.py",
            ("if «tensor is None»:\n            tensor = KerasTensor", "True"),
            ("self._tensor = «weakref.ref(tensor)»\n\n    def restate", "lambda: tensor"),
            ("(*living, «weakref.ref(new)»)", "lambda: new"),
        ),
        *_of("layers/base/layer.py", ("InPhase(«weakref.proxy(self)», False)", "self")),
        *_of(
            "files/hdf5.py",
            (
                "«_ = self.root»  # which is no group",
                "self._kept = self.root",
            ),
        ),
    ),
    DATA: (
        *_of(
            "models/inference.py",
            ("if «type(limit) is int» and x.ndim", "True"),
            ("x.shape[0] <= limit «> 0»:", ""),
            ('hooks.call("on_predict_begin", «{}»)', "*()"),
            ('hooks.call("on_predict_batch_begin", step, «{}»)', "*()"),
            ('hooks.call("on_predict_end", «{}»)', "*()"),
            ('hooks.call("on_test_begin", «{}»)', "*()"),
            ('hooks.call("on_test_batch_begin", step, «{}»)', "*()"),
            ("        «require_samples(batch)»\n", "pass"),
        ),
        *_of(
            "models/data.py",
            ("self._available = «max(math.ceil(self._samples / batch_size), 1)»", "0"),
            ("batch_size = «max(batch_size, 1)»", "batch_size"),
            ("array = «as_array(values)»", "np.asarray(values)"),
            ("list | tuple) and «structure» and not", "True"),
            ("except «(TypeError, RuntimeError)» as", "TypeError"),
            ("if any(«shape[0] == 0» for shape in shapes)", "False"),
        ),
        *_of(
            "symbolic/arrays.py",
            ("array = «as_array(x)»", "np.asarray(x)"),
            ("array.ndim == 0 or «0 in array.shape[1:]»:", "False"),
            ("except («ValueError, TypeError, RuntimeError») as", "ValueError, TypeError"),
        ),
        *_of("models/rank.py", ("array = «as_array(x)»", "np.asarray(x)")),
        *_of(
            "ops/base/operation.py",
            ("array = «widened(np.asarray(eager.given(value)))»", "np.asarray(eager.given(value))"),
        ),
        *_of("utils/narrow.py", ('== "V" and «np.can_cast(array.dtype, np.float32)»:', "False")),
    ),
    CONCURRENCY: (
        *_of(
            "engine/late.py",
            ("key = («Same(numbers)»,)", "id(numbers)"),
            ("isinstance(other, Same) and «self._held is other._held»", "False"),
        ),
    ),
}
