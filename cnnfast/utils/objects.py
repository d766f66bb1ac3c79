"""Small objects named in a config: initializers, regularizers, constraints.

Keras writes them as ``{"module", "class_name", "config", "registered_name"}``. The classes a
config may name stand in one closed table per kind; a name is never imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cnnfast.utils import handed_over
from cnnfast.utils.naming import to_snake_case, what_there_is
from cnnfast.utils.registered import get_registered_name
from cnnfast.utils.registry import Registry

if TYPE_CHECKING:
    from typing import Self


class ConfigObject:
    """An object that a plain dict describes completely."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return what was made with the arguments in `config`."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


T = TypeVar("T", bound=ConfigObject)


class ObjectTable(Registry[type[T]]):
    """The classes of one kind, by name, and the objects that configs make of them.

    Parameters
    ----------
    kind
        For messages, such as ``"initializer"``.
    module
        Where Keras has them, such as ``"keras.initializers"``.
    classes
        The whole table.
    aliases
        Further names that Keras knows.
    opaque
        Makes an object of a config whose class is not in the table, which may be a user's own.
    """

    def __init__(
        self,
        kind: str,
        module: str,
        classes: Sequence[type[T]],
        aliases: Mapping[str, type[T]],
        opaque: Callable[[Mapping[str, Any]], T],
    ) -> None:
        super().__init__(kind)
        self._module = module
        self._opaque = opaque
        spelt = {to_snake_case(cls.__name__): cls for cls in classes}
        self.register(classes, **(spelt | dict(aliases)))
        self.seal()

    def make(self, identifier: object) -> T | None:
        """Return the object that a name, config, class or object stands for; None stays None.

        Raises
        ------
        ValueError
            If the name is unknown or `identifier` is something else.
        """
        if identifier is None or isinstance(identifier, ConfigObject):
            return identifier  # type: ignore[return-value]
        if isinstance(identifier, str):
            given = self.given(identifier)
            if given is not None:
                return self._given(given, {"class_name": identifier, "config": {}})
            if identifier in self:
                return self[identifier]()
        elif isinstance(identifier, Mapping):
            return self.deserialize(identifier)
        if isinstance(identifier, type):
            identifier = identifier()
        if isinstance(identifier, ConfigObject):
            return identifier  # type: ignore[return-value]
        if callable(identifier):
            return UsersObject(identifier)  # type: ignore[return-value]
        raise ValueError(
            f"Could not interpret {self.kind} identifier: it must be a name, a config, an object "
            f"or a function. {what_there_is(identifier, self._names())} Received: {identifier!r}"
        )

    def deserialize(self, config: Mapping[str, Any]) -> T:
        """Return the object that `config` describes, in Keras' form of any age.

        Raises
        ------
        ValueError
            If `config` does not have that form.
        """
        name, arguments = config.get("class_name"), config.get("config")
        if name == "function" and isinstance(arguments, str):
            given = handed_over.find_for(config)
            return self._opaque(config) if given is None else self._given(given, config)
        if not isinstance(name, str) or not isinstance(arguments, Mapping):
            raise ValueError(
                f"The config of {_a(self.kind)} must hold `class_name` and `config`. "
                f"Received: {dict(config)}"
            )
        given = handed_over.find_for(config)
        if given is not None:
            return self._given(given, config)
        cls = self.get(name)
        if cls is None or _is_foreign(config):
            return self._opaque(config)
        try:
            # Files before Keras 3 also store a dtype here.
            return cls(**{key: v for key, v in arguments.items() if key != "dtype"})
        except TypeError as error:
            raise ValueError(
                f"The {self.kind} {name} does not take these arguments. Received: {dict(arguments)}"
            ) from error

    def _given(self, given: Any, config: Mapping[str, Any]) -> T:
        """Make an object of what the user handed over; one of Keras is kept for the config."""
        if isinstance(given, type):
            if handed_over.comes_from_keras(given):
                return self._opaque(config)
            make = getattr(given, "from_config", None)
            given = make(dict(config["config"])) if make else given(**config["config"])
        elif not callable(given) or handed_over.is_of_keras(type(given)):
            return self._opaque(config)
        return given if isinstance(given, ConfigObject) else UsersObject(given)  # type: ignore[return-value]

    def serialize(self, item: T | None) -> dict[str, Any] | None:
        """Return the config of `item` in the form of Keras 3."""
        if item is None:
            return None
        if isinstance(item, OpaqueObject):
            return dict(item.original)
        if isinstance(item, UsersObject):
            return item.serialized()
        own = self.get(type(item).__name__) is type(item)
        return {
            "module": self._module if own else None,
            "class_name": type(item).__name__,
            "config": item.get_config(),
            "registered_name": None if own else get_registered_name(type(item)),
        }

    def _names(self) -> list[str]:
        return sorted(name for name in self if name.islower())


class OpaqueObject(ConfigObject):
    """A config whose class is not known here; kept to be written again."""

    def __init__(self, original: Mapping[str, Any]) -> None:
        self.original = original

    def get_config(self) -> dict[str, Any]:
        return {"original": dict(self.original)}


class UsersObject(ConfigObject):
    """A function of the user's, or an object that can be called like one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function does."""
        return self.function(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"function": self.function}

    def serialized(self) -> dict[str, Any]:
        """Return the config object that Keras writes of it.

        Raises
        ------
        ValueError
            If it has neither a `get_config` nor a name.
        """
        if hasattr(self.function, "get_config"):
            kind = type(self.function)
            name, arguments = kind.__name__, self.function.get_config()
            registered = get_registered_name(kind)
            module = None
        else:
            name, arguments = "function", self.function.__name__
            registered = get_registered_name(self.function)
            registered = name if registered == arguments else registered
            module = "builtins"
        if arguments == "<lambda>":
            raise ValueError(
                "A config knows a function by its name, which this one does not have: define it "
                f"with `def`. Received: {self.function!r}"
            )
        return {
            "module": module,
            "class_name": name,
            "config": arguments,
            "registered_name": registered,
        }


def _is_foreign(config: Mapping[str, Any]) -> bool:
    module = config.get("module")
    return isinstance(module, str) and not module.startswith(("keras", "tf_keras", "tensorflow"))


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
