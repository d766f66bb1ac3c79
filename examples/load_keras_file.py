"""Load a model that Keras saved and use it: ``python load_keras_file.py model.keras``."""

import sys

import numpy as np

from cnnfast.saving import load_model

model = load_model(sys.argv[1])
model.summary()

height, width, channels = model.input_shape[1:]
images = np.random.rand(4, height, width, channels).astype("float32")
print(model.predict(images, verbose=0))
