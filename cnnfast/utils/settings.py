"""A namespace of settings, as scripts keep their hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Config:
    """Settings by name, as attributes and as items.

    Parameters
    ----------
    **kwargs
        The settings.

    Examples
    --------
    >>> config = cnnfast.utils.Config(size=3)
    >>> config.size, config["size"]
    (3, 3)
    """

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_values", dict(kwargs))
        object.__setattr__(self, "_frozen", False)

    _values: dict[str, Any]
    _frozen: bool

    @property
    def frozen(self) -> bool:
        """Whether nothing can be changed."""
        return self._frozen

    def freeze(self) -> None:
        """Let nothing be changed."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Let everything be changed."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings in a new dict."""
        return dict(self._values)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Change several settings, as `dict.update` does."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def keys(self) -> Any:
        """Return the names."""
        return self._values.keys()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or `default` where there is none."""
        return self._values.get(name, default)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._values:
            raise AttributeError(name)
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self._frozen:
            raise ValueError(
                "Cannot mutate Config instance since it is frozen. To enable mutability, call "
                "`config.unfreeze()`."
            )
        self._values[name] = value

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Config {self._values}>"
