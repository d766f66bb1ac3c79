"""The introductory Keras CNN; only the imports differ from the Keras script."""

import numpy as np

from cnnfast.layers import Conv2D, Dense, Flatten, MaxPooling2D
from cnnfast.models import Sequential

model = Sequential()
model.add(Conv2D(32, (3, 3), input_shape=(64, 64, 3), activation="relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(128, activation="relu"))
model.add(Dense(10, activation="softmax"))

model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
model.summary()

image = np.random.rand(1, 64, 64, 3).astype("float32")
prediction = model.predict(image)
print("class", np.argmax(prediction), "of", prediction.shape[1])
