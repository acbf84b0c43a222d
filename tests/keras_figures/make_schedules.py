"""Records the learning rates that Keras's schedules give, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_schedules.py

It writes, beside itself, ``schedules.npz``: the steps (``steps``, int64) and for each case the rates at them
(``case``, float32, each from a call with one step, as an optimizer makes it); and ``schedules.json``: the cases as
(class name, config), and versions.
"""

import datetime
import json
import os
import pathlib
import platform

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
STEPS = [*range(65), 69, 70, 71, 99, 100, 101, 127, 128, 150, 199, 200, 255, 256, 1000, 1023, 4095, 12345, 10**6, 10**9]

CASES = {
    "exponential": ("ExponentialDecay", [0.1, 10, 0.5]),
    "exponential stairs": ("ExponentialDecay", [0.03, 7, 0.83, True]),
    "exponential growing": ("ExponentialDecay", [1e-4, 1000.5, 1.7]),
    "exponential zero": ("ExponentialDecay", [0.1, 3, 0.0]),
    "inverse": ("InverseTimeDecay", [0.1, 10, 0.5]),
    "inverse stairs": ("InverseTimeDecay", [0.07, 3, 1.3, True]),
    "polynomial": ("PolynomialDecay", [0.1, 50]),
    "polynomial power": ("PolynomialDecay", [0.1, 50, 0.003, 2.5]),
    "polynomial root": ("PolynomialDecay", [0.3, 64, 0.01, 0.5]),
    "polynomial cycle": ("PolynomialDecay", [0.1, 20, 0.001, 1.0, True]),
    "polynomial cycle power": ("PolynomialDecay", [0.1, 13, 0.02, 3.0, True]),
    "polynomial rising": ("PolynomialDecay", [0.001, 30, 0.1, 2.0]),
    "pieces": ("PiecewiseConstantDecay", [[10, 20, 64], [0.1, 0.05, 0.01, 0.003]]),
    "two pieces": ("PiecewiseConstantDecay", [[5], [0.1, 0.2]]),
    "pieces between": ("PiecewiseConstantDecay", [[2.5, 7.0], [1.0, 0.5, 0.1]]),
    "cosine": ("CosineDecay", [0.1, 50]),
    "cosine alpha": ("CosineDecay", [0.1, 37, 0.15]),
    "cosine warm": ("CosineDecay", [0.001, 40, 0.05, "w", 0.2, 13]),
    "cosine cold": ("CosineDecay", [0.1, 40, 0.0, "w", 0.02, 8]),
    "cosine no warm-up": ("CosineDecay", [0.1, 40, 0.0, "w", 0.3, 0]),
    "cosine no target": ("CosineDecay", [0.1, 40, 0.0, "w", None, 10]),
    "restarts": ("CosineDecayRestarts", [0.1, 10]),
    "restarts equal": ("CosineDecayRestarts", [0.1, 8, 1.0, 0.9]),
    "restarts all": ("CosineDecayRestarts", [0.1, 7, 1.5, 0.8, 0.1]),
    "restarts tripled": ("CosineDecayRestarts", [0.05, 4, 3.0, 1.1, 0.01]),
}


def main():
    arrays = {"steps": np.array(STEPS)}
    described = {}
    for case, (name, arguments) in CASES.items():
        schedule = getattr(keras.optimizers.schedules, name)(*arguments)
        arrays[case] = np.array([schedule(tf.constant(step, tf.int64)).numpy() for step in STEPS])
        described[case] = (name, schedule.get_config())
    np.savez_compressed(HERE / "schedules.npz", **arrays)
    versions = {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "date": datetime.date.today().isoformat(),
    }
    (HERE / "schedules.json").write_text(json.dumps({"versions": versions, "cases": described}, indent=1) + "\n")


if __name__ == "__main__":
    main()
