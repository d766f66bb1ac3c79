"""Config objects: what a file says of a layer, and the layer made of it.

A class that is not in the table is refused; it is never imported or looked up elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import field
from typing import Any

from cnnfast.activations import one_config
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.lambda_layer import Lambda
from cnnfast.layers.serialization import foreign, keras1, refused
from cnnfast.layers.serialization.foreign import Stored
from cnnfast.layers.serialization.stand_in import STOOD_FOR, StandIn, name_in
from cnnfast.symbolic.registry import LAYERS, configs
from cnnfast.utils import handed_over
from cnnfast.utils.naming import names_of_files
from cnnfast.utils.records import record
from cnnfast.utils.registered import get_registered_name

_PUBLIC = ("keras", "keras.layers")
_KERAS = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")


def serialize(layer: Layer) -> dict[str, Any]:
    """Return `layer` as a config object of Keras 3."""
    if isinstance(layer, StandIn):
        return _of_stand_in(layer)
    class_name = type(layer).__name__
    # Else a user's class, whatever its name is. (No file may name a Lambda, so no table has it.)
    own = LAYERS.get(class_name) is type(layer) or type(layer) is Lambda
    module = layer.keras_module if own else None
    registered = None if module in _PUBLIC else get_registered_name(type(layer))
    with one_config() as named:
        if not own:
            _check_name(str(registered), layer, named)
        config = {
            "module": module,
            "class_name": class_name,
            "config": layer.get_config(),
            "registered_name": registered,
        }
    build_config = layer._get_build_config()
    if build_config is not None:
        config["build_config"] = build_config
    compile_config = layer._get_compile_config()
    if compile_config is not None:
        config["compile_config"] = compile_config
    return config


def _check_name(name: str, layer: Layer, named: dict[str, Any]) -> None:
    """Refuse a second class of one name, which a file could not tell from the first.

    Raises
    ------
    UnsupportedError
        If there is one in the same config.
    """
    known = named.setdefault(name, type(layer))
    if known is not type(layer):
        raise layer.unsupported(
            "has the name of another class, by which a config knows it: register one of them "
            "under a name of its own, `@cnnfast.saving.register_keras_serializable(package)`. "
            f"Received: {name!r} for {known} and {type(layer)}"
        )


def _of_stand_in(layer: StandIn) -> dict[str, Any]:
    """Return the config object that the file has, marked where it may be one of Keras' own.

    Keras passes over the mark: it makes its own layer of it, or the user's class of that name.
    """
    config = {**layer.original, "config": layer.get_config()}
    known = known_class(config, config["class_name"]) is not None
    return config | {STOOD_FOR: True} if known else config


@record(frozen=True)
class _Scope:
    """What all configs inside one have in common.

    `stored` says which weights a layer has. `shared` holds the layers made so far that the file
    says occur more than once, and `unnumbered` those of which it does not, with their configs.
    `stood_for` holds the first layer that something was handed over for by each name.
    """

    root: Any
    stored: Stored
    shared: dict[int, Layer] = field(default_factory=dict)
    unnumbered: dict[tuple[Any, Any], tuple[Any, Layer]] = field(default_factory=dict)
    stood_for: foreign.StoodFor = field(default_factory=foreign.StoodFor)


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
        What stands in for layers, activations and more, and wins over Keras' own, by the name of
        the layer, by its registered name (``"package>Name"``), or by that of its class or
        function: a function of NumPy arrays, float32 with the batch as first axis, or a subclass
        of `Layer`. Where the file says that a class is Keras' own, the name of the layer counts
        alone. A warning names what nothing goes by.

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
    with handed_over.scope(custom_objects) as given:
        made = deserialize_stored(config, foreign.nothing_stored)
    given.warn_of_unused()
    return made


def deserialize_stored(config: Mapping[str, Any], stored: Stored) -> Layer:
    """Make the layer or model of a config object, of which `stored` says what weights it has."""
    scope = _Scope(config, stored)
    token = _scope.set(scope)
    try:
        with names_of_files():
            return _shared(config, scope)
    finally:
        _scope.reset(token)


def with_layers(config: dict[str, Any], *names: str, functions: bool = False) -> dict[str, Any]:
    """Return the config of a layer with the layers of `names` in place of their configs.

    `functions`: whether a function of the user may stand in for them.
    """
    made = {
        name: _all_inside(config[name], functions)
        for name in names
        if isinstance(config.get(name), Mapping | list)
    }
    return config | made


def _all_inside(config: Any, functions: bool) -> Any:
    if isinstance(config, Mapping):
        return _made_inside(config, functions)
    return [_all_inside(one, functions) if isinstance(one, Mapping) else one for one in config]


def _made_inside(config: Mapping[str, Any], functions: bool) -> Layer:
    scope = _scope.get() or _Scope(None, foreign.nothing_stored)
    return _shared(config, scope, functions)


def _shared(config: Mapping[str, Any], scope: _Scope, functions: bool = True) -> Layer:
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
            scope.shared[number] = twin or _made(config, scope, functions)
        return scope.shared[number]
    made = _made(config, scope, functions)
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


def _made(config: Mapping[str, Any], scope: _Scope, functions: bool) -> Layer:
    name = config.get("class_name") if isinstance(config, Mapping) else None
    inner = config.get("config") if isinstance(config, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(
            "The config of a layer must be a dict with `class_name` and `config`. "
            f"Received: {config!r}"
        )
    if name == "Merge" and isinstance(inner, Mapping):
        name, inner = keras1.current_merge(inner)
    cls = known_class(config, name)
    names = _names(config, cls, scope)
    given = LAYERS.given(*names)
    if isinstance(given, type) and handed_over.is_of_keras(given) and given.__name__ in LAYERS:
        cls, given = LAYERS[given.__name__], None
    if given is not None:
        if name != "Activation":
            handed_over.meant(name_in(config), "a layer")
        scope.stood_for.add(str(handed_over.key(*names)), given, config)
        return foreign.make(given, config, scope.stored, functions=functions)
    if cls is None:
        refusal = refused.layer(
            config,
            name,
            own=_is_keras(config),
            supported=LAYERS,
            weights=scope.stored(config),
            functions=functions,
        )
        raise UnsupportedError(refusal)
    if name == "Sequential" and isinstance(inner, list):
        # Keras up to 2.2.2 wrote the bare list of layers.
        inner = {"name": None, "layers": inner}
    if not isinstance(inner, Mapping):
        raise ValueError(
            f"The `config` of a {name} must be a dict. Received: {type(inner).__name__}"
        )
    try:
        return cls.from_config(keras1.current(inner))
    except UnsupportedError as error:
        raise (error.inside(name_in(config)) if functions else error) from error.__cause__


def known_class(config: Mapping[str, Any], class_name: str) -> type[Layer] | None:
    """Return the class of the table that a config object names; None where it names another."""
    return LAYERS.get(class_name) if _is_keras(config) else None


def _names(config: Mapping[str, Any], cls: type[Layer] | None, scope: _Scope) -> list[Any]:
    """Return the names by which something may have been handed over for a layer.

    `cls` is Keras' own class of that name, if it may be meant.
    """
    models = (LAYERS["Functional"], LAYERS["Sequential"])
    names = [] if config is scope.root and cls in models else [name_in(config)]
    class_name = config["class_name"]
    if class_name == "Lambda":
        names += _names_of_function(config)
    if cls is None or config.get("module") is None:
        return [*names, config.get("registered_name"), class_name, handed_over.bare(class_name)]
    handed_over.pass_over(class_name)
    return names


def _names_of_function(config: Mapping[str, Any]) -> list[Any]:
    """Return the names by which a file knows the function of a `Lambda`, which it does not hold."""
    inner = config.get("config")
    fields = inner if isinstance(inner, Mapping) else {}
    function = fields.get("function")
    if isinstance(function, Mapping):
        name = function.get("config") if function.get("class_name") == "function" else None
    else:  # Keras 2 has names and code in one field
        name = function if fields.get("function_type") == "function" else None
    return [name, handed_over.bare(name)] if isinstance(name, str) else []


def _is_keras(config: Mapping[str, Any]) -> bool:
    """Whether Keras' own layers may be meant, not a user's class or an operation of that name.

    Where Keras writes modules, that of a user's own class is None. Where it writes none, a class
    that does not say how it is configured has all arguments of `Layer` in its config. Where a
    function stood for the layer when the file was written, nothing else may be made of it.
    """
    inner = config.get("config")
    if STOOD_FOR in config or (isinstance(inner, Mapping) and "autocast" in inner):
        return False
    module, registered = config.get("module", "keras"), config.get("registered_name")
    own = (
        isinstance(module, str)
        and any(module == package or module.startswith(f"{package}.") for package in _KERAS)
        and ".ops" not in module
    )
    return own and (registered is None or registered == config.get("class_name"))


_FUNCTIONS: dict[str, Callable[..., Any]] = {"serialize": serialize, "deserialize": deserialize}
configs.fill(_FUNCTIONS.__getitem__)
