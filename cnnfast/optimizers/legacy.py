"""The optimizers of Keras 2 by their later names; nothing is trained by either."""

from cnnfast.optimizers.adaptive import Adam
from cnnfast.optimizers.gradient_descent import SGD, Adagrad, Ftrl, RMSprop
from cnnfast.optimizers.optimizer import Optimizer

__all__ = ["SGD", "Adagrad", "Adam", "Ftrl", "Optimizer", "RMSprop"]
