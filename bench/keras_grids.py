"""The grids of exercises 5.A and 6.A in Keras, a part of each, scaled up; run it with a Python that has Keras.

    python bench/keras_grids.py

Each optimizer is trained once, at one rate and for a part of the epochs; a training of so many epochs costs what its
first one (with tracing and compiling) and the quickest of the others cost.  What building costs is in it, what drawing
costs is not.
"""

import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import train_test_split

OPTIMIZERS = ("SGD", "Adagrad", "RMSprop", "Adam", "Adamax", "Nadam")
RATES = 4


def iris():
    x, y = load_iris(return_X_y=True)
    return x.astype("float32"), np.eye(3, dtype="float32")[y], None


def digits():
    x, y = load_digits(return_X_y=True)
    one_hot = np.eye(10, dtype="float32")[y]
    x, x_test, y, y_test = train_test_split(
        x.astype("float32"), one_hot, test_size=0.2, random_state=42, stratify=one_hot
    )
    return x, y, (x_test, y_test)


def training(data, units, optimizer, epochs, batch_size=32):
    """Seconds to build and for each epoch."""
    x, y, test = data
    keras.backend.clear_session()
    keras.utils.set_random_seed(5)
    ends = [time.perf_counter()]
    model = keras.Sequential(
        [
            keras.Input((units[0],)),
            *(keras.layers.Dense(n, activation="selu") for n in units[1:-1]),
            keras.layers.Dense(units[-1], activation="softmax"),
        ]
    )
    model.compile(getattr(keras.optimizers, optimizer)(0.01), "categorical_crossentropy", metrics=["accuracy"])
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_data=test, verbose=0, callbacks=[clock])
    return np.diff(ends)


def grid(data, units, epochs, tried):
    """Seconds for all optimizers at all rates, from `tried` epochs of each optimizer at one rate."""
    total = 0.0
    for optimizer in OPTIMIZERS:
        first, *others = training(data, units, optimizer, tried)
        total += RATES * (first + (epochs - 1) * float(np.min(others)))
    return total


if __name__ == "__main__":
    training(iris(), (4, 8, 3), "SGD", 2)  # what loads on first use
    seconds = {
        "5.A": grid(iris(), (4, 8, 3), 400, 40),
        "6.A": grid(digits(), (64, 128, 64, 32, 16, 10), 5, 5),
    }
    print(json.dumps({name: round(value, 2) for name, value in seconds.items()}))
    print(f"Keras {keras.version()} on {keras.backend.backend()}, {os.cpu_count()} processors")
