"""The data sets of `keras.datasets`, from the files that Keras keeps; nothing is downloaded."""

from typing import TYPE_CHECKING

from cnnfast.utils.facade import facade

if TYPE_CHECKING:
    from cnnfast.datasets import (
        boston_housing,
        california_housing,
        cifar10,
        cifar100,
        fashion_mnist,
        imdb,
        mnist,
        reuters,
    )

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = facade(__name__, {name: f"datasets.{name}:" for name in __all__})
