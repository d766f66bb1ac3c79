"""What type checkers find before it is run, by the code that mypy gives it. It is not run."""

from __future__ import annotations

import cnnfast
from cnnfast import Input, Sequential, activations, layers, ops

x = Input((8, 8, 3))

layers.Conv2D(8, 3, padding="smae")  # E: arg-type
layers.Conv2D(8, 3, padding="causal")  # E: arg-type
layers.Conv2D("8", 3)  # E: arg-type
layers.Conv2D(8, kernel_size="3")  # E: arg-type
layers.Conv2D(8, 3, data_format="channel_last")  # E: arg-type
layers.Conv2D(8, 3, input_shap=(8, 8, 3))  # E: call-arg
layers.Conv2D(8)  # E: call-arg
layers.Dense(3, activaton="relu")  # E: call-arg
layers.Dense(3, name=3)  # E: arg-type
layers.Dense(3, activation=3)  # E: arg-type
layers.Dense(3, kernel_initializer=3)  # E: arg-type
layers.MaxPooling2D(poolsize=2)  # E: call-arg
layers.LSTM(4, return_sequence=True)  # E: call-arg
layers.LSTM(4, return_sequences="yes")  # E: arg-type
layers.RandomFlip("sideways")  # E: arg-type
layers.RandomRotation()  # E: call-arg
layers.UpSampling2D(2, interpolation="linear")  # E: arg-type
layers.Attention(score_mode="cosine")  # E: arg-type
layers.add([x, x], nam="sum")  # E: call-arg
Sequential([layers.Dense])  # E: list-item

ops.softmax(x, axes=1)  # E: call-arg
ops.mean(x, keepdim=True)  # E: call-arg
ops.max_pool(x, 2, padding="smae")  # E: arg-type
ops.relu("x")  # E: type-var
ops.add(x)  # E: call-overload
activations.relu(x, max=1.0)  # E: call-arg
for _pixel in x:  # E: attr-defined
    pass
len(x)  # E: arg-type
cnnfast.load_modle("model.keras")  # E: attr-defined
