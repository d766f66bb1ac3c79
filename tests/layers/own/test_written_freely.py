"""Classes as Python allows them: one source text, run under Keras and here, gives one result."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError
from cnnfast.utils import tree
from layers.own.both import with_imports_changed

PROLOGUE = """
import abc

import keras
import numpy as np
from keras import Input, Model, Sequential, layers, ops

X = np.random.default_rng(3).normal(1, 2, (4, 3)).astype("float32")
ONES = np.ones((2, 3), "float32")


def filled(model):
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape).astype("float32") for w in model.weights])
    return model
"""


class Pair(NamedTuple):
    """What a call may take and return."""

    first: Any
    second: Any


def assert_same(source: str, tolerance: float = 1e-5) -> None:
    """Run `source` under both packages and compare what it leaves as `out`."""
    results = []
    for text in (PROLOGUE + source, with_imports_changed(PROLOGUE + source)):
        scope: dict[str, Any] = {"__name__": "a_script", "Pair": Pair}
        exec(compile(text, "a script", "exec"), scope)
        results.append([np.asarray(leaf) for leaf in tree.flatten(scope["out"])])
    theirs, ours = results
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=0, atol=tolerance * np.abs(other).max())


def test_a_mixin_in_front_of_a_layer_says_what_it_does() -> None:
    assert_same(
        """
class Gain:
    gain = 3.0

    def build(self, input_shape):
        super().build(input_shape)
        self.factor = self.add_weight(shape=(), initializer="ones", name="factor")

    def call(self, x):
        return super().call(x) * self.gain * self.factor

class Louder(Gain, layers.Dense):
    gain = 2.0

class Shifted(Louder):
    def call(self, x):
        return super().call(x) - 1

class Doubled:
    def call(self, x):
        return 2 * self.dense(x)

class Net(Doubled, Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(2)

class Base(layers.Layer, abc.ABC):
    @abc.abstractmethod
    def rule(self, x): ...

    def call(self, x):
        return self.rule(x)

class Cubed(Base):
    def rule(self, x):
        return x**3

inputs = Input((3,))
model = filled(Model(inputs, [Louder(4)(inputs), Shifted(2)(Cubed()(inputs))]))
net = Net()
net(X)
try:
    Base()
    abstract = 0
except TypeError:
    abstract = 1
out = [model(X), model.predict(X, verbose=0), filled(net)(X), abstract]
"""
    )


def test_what_a_mixin_says_and_nothing_here_hears_is_refused() -> None:
    class Loud:
        def __call__(self, x: Any) -> Any:
            return 2 * super().__call__(x)  # type: ignore[misc]

    class Attends:
        def _compute_attention(self, *args: Any, **kwargs: Any) -> Any:
            return args

    with pytest.raises(UnsupportedError, match=r"Both.*without their `__call__`"):
        type("Both", (Loud, cnnfast.layers.Dense), {})
    with pytest.raises(UnsupportedError, match=r"Both.*\['_compute_attention'\]"):
        type("Both", (Attends, cnnfast.layers.MultiHeadAttention), {})


def test_what_is_changed_after_a_call_counts_in_the_next() -> None:
    assert_same(
        """
class Base(layers.Layer):
    factor = 1.0

    def call(self, x):
        return x * self.factor

class Own(Base):
    pass

own, out = Own(), []
model = Model(inputs := Input((3,)), own(inputs))
def look():
    out.extend([own(ONES), model(ONES)])
look()
Base.factor = 3.0
look()
Own.factor = 4.0
look()
del Own.factor
look()
Base.call = lambda self, x: x + 7
look()

class Several(layers.Layer):
    def __init__(self):
        super().__init__()
        self.two, self.numbers, self.wide = False, [1.0, 2.0], 1

    def call(self, x):
        y = ops.concatenate([x] * self.wide, -1) * sum(self.numbers)
        return [y, 2 * y] if self.two else y

several = Several()
out.append(several(ONES))
several.numbers *= 3
out.append(several(ONES))
several.two = True
out.append(several(ONES))
several.wide = 2
out.append(several(ONES))
several.two = False
out.append(several(ONES))

class Inner(layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3, kernel_initializer="ones")
        self.blocks = [layers.Dense(3, kernel_initializer="ones") for _ in range(2)]

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.dense(x)

class Outer(Model):
    def __init__(self):
        super().__init__()
        self.inner = Inner()

    def call(self, x):
        return 2 * self.inner(x)

outer = Outer()
out.append(outer(ONES))
outer.inner.dense.activation = keras.activations.get("tanh")
out.append(outer(ONES))
outer.inner.blocks[0].activation = keras.activations.get("sigmoid")
out.append(outer(ONES))
outer.inner.blocks *= 2
out.append(outer(ONES))
"""
    )


def test_what_one_call_says_of_training_is_heard_by_those_behind_it() -> None:
    assert_same(
        """
class Says(layers.Layer):
    def call(self, x, training=None):
        return x * (2.0 if training else 3.0)

class Around(layers.Layer):
    def __init__(self):
        super().__init__()
        self.says, self.dense = Says(), layers.Dense(3, kernel_initializer="ones")

    def call(self, x, aloud=None):
        return self.says(self.dense(x), training=aloud) if aloud else self.says(self.dense(x))

class Several(layers.Layer):
    def __init__(self):
        super().__init__()
        self.around, self.says = Around(), Says()

    def call(self, x):
        y = self.around(x) + 10 * self.around(x, aloud=True) + 100 * self.around(x)
        return y + 1000 * self.says(x, training=None) + 10000 * self.says(x)

class MonteCarlo(Model):
    def __init__(self):
        super().__init__()
        self.drop, self.normalize = layers.Dropout(0.0), layers.BatchNormalization()

    def call(self, x):
        return self.normalize(self.drop(x, training=True))

class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.inside = MonteCarlo()

    def call(self, x):
        return self.inside(x)

several, monte_carlo = Several(), MonteCarlo()
out = [several(X), several(X, training=True), several(X, training=False)]
monte_carlo(X)
out.append(filled(monte_carlo)(X))
out.append(monte_carlo(X, training=False))
inputs = Input((3,))
y = Around()(layers.BatchNormalization()(layers.Dropout(0.0)(inputs, training=True)))
model = filled(Model(inputs, [y, Block()(inputs)]))
out.append(model.predict(X, verbose=0)[0])
filled(model)
out.append(model(X))
"""
    )


def test_a_frozen_batch_normalization_keeps_its_statistics_in_training() -> None:
    assert_same(
        """
class Own(layers.Layer):
    def __init__(self):
        super().__init__()
        self.normalize = layers.BatchNormalization()

    def call(self, x, training=None):
        return self.normalize(x, training=training) * (2.0 if self.trainable else 1.0)

inputs = Input((3,))
inner = Model(inputs, Own()(layers.BatchNormalization()(inputs)))
model = Sequential([inner, layers.BatchNormalization(trainable=False)])
model(X)
out = []
for trainable in (True, False, True):
    model.trainable = True  # the order of the weights follows from it
    model.layers[1].trainable = False
    filled(model)
    inner.trainable = trainable
    out += [model(X, training=False), model(X, training=True)]
frozen = layers.BatchNormalization(trainable=False)
frozen.build((None, 2, 3))
mask = np.array([[1, 0], [1, 1]], bool)
out.append(filled(frozen)(np.stack([X[:2], X[2:]], 1), training=True, mask=mask))
"""
    )


def test_a_call_may_return_none_beside_tensors_and_names_for_its_places() -> None:
    assert_same(
        """
class Attended(layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x, scores=False):
        return {"y": self.dense(x), "a": None, "scores": (x if scores else None,)}

class Paired(layers.Layer):
    def call(self, pair):
        return Pair(pair.first + 1, pair.second * 2)

class Net(layers.Layer):
    def __init__(self):
        super().__init__()
        self.embed = layers.Embedding(5, 3)
        self.attended, self.paired, self.last = Attended(), Paired(), layers.GRU(2)

    def call(self, x):
        x = self.embed(x)
        pair = self.paired(Pair(self.attended(x)["y"], x))
        return self.last(pair.first + pair.second + self.attended(x, scores=True)["scores"][0])

inputs = Input((4,))
model = filled(Model(inputs, Net()(inputs)))
tokens = np.array([[1, 2, 0, 0], [3, 0, 1, 0]], "float32")
attended = filled(model.layers[1].attended)
alone = attended(X)
pair = Paired()(Pair(X, X))
out = [model(tokens), model.predict(tokens, verbose=0), alone["y"], alone["a"] is None]
out += [attended(X, scores=True)["scores"][0], pair.first, pair.second]
try:
    attended(inputs)
    refused = False
except ValueError as error:
    refused = "All operation outputs must be tensors" in str(error)
out.append(refused)
"""
    )


def test_a_recurrent_layer_made_from_that_of_keras_hands_on_states_and_masks() -> None:
    assert_same(
        """
class Backwards(layers.GRU):
    def call(self, sequences, initial_state=None, mask=None, training=False):
        x = ops.flip(sequences, 1)
        return super().call(x, initial_state=initial_state, mask=mask, training=training)

class Doubled(layers.SimpleRNN):
    def call(self, sequences, initial_state=None, mask=None, training=False):
        return 2 * super().call(sequences, mask=mask)

inputs, state = Input((4, 3)), Input((3,))
masked = layers.Masking()(inputs)
outputs = [Backwards(3)(inputs, initial_state=state), Doubled(2)(inputs), Doubled(2)(masked)]
model = filled(Model([inputs, state], outputs))
x = np.random.default_rng(5).normal(size=(2, 4, 3)).astype("float32")
x[0, 2:] = 0
out = [model.predict([x, X[:2]], verbose=0), model([x, X[:2]])]
"""
    )
