"""Load a model that Keras saved, and use it on random images."""

import argparse

import numpy as np

from cnnfast.saving import load_model

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("file", help="a .keras or .h5 file, such as cnnfast/data/digits_cnn.keras")
parser.add_argument("--size", type=int, default=224, help="of images, where the model takes any")
arguments = parser.parse_args()

model = load_model(arguments.file)
model.summary()

shape = [arguments.size if size is None else size for size in model.input_shape[1:]]
images = np.random.rand(4, *shape).astype("float32")
print(model.predict(images, verbose=0))
