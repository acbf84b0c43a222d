"""Records what Keras's initializers and random functions draw, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_initializers.py

It writes, beside itself, ``initializers.json``: the versions, the cases as (class name, arguments, Keras's config of
them) with the draws as (seed, shape, dtype), the serialized form of an initializer with a generator for a seed, the
states of a generator, and all the names that Keras knows; and ``initializers.npz``: ``CASE/DRAW`` with their numbers,
and ``random/...`` with those of the functions of ``keras.random`` and of TensorFlow's stateful ops.
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

DRAWS = (
    (7, (5, 4), "float32"),
    (7, (4, 7), "float32"),
    (7, (2, 3, 5), "float32"),
    (123456789, (31, 17), "float32"),
    (2**31 + 3, (3, 3), "float32"),
    (-5, (3, 1), "float32"),
    (7, (5, 4), "float64"),
    (0, (6, 9), "float64"),
)
CASES = {
    "zeros": ("Zeros", {}),
    "ones": ("Ones", {}),
    "constant": ("Constant", {"value": -0.3}),
    "identity": ("Identity", {"gain": 0.7}),
    "random uniform": ("RandomUniform", {}),
    "random uniform bounds": ("RandomUniform", {"minval": -1.3, "maxval": 0.4}),
    "random normal": ("RandomNormal", {}),
    "random normal moments": ("RandomNormal", {"mean": 0.7, "stddev": 1.9}),
    "truncated normal": ("TruncatedNormal", {}),
    "truncated normal moments": ("TruncatedNormal", {"mean": -2.5, "stddev": 0.3}),
    "variance scaling": ("VarianceScaling", {}),
    "variance scaling normal": ("VarianceScaling", {"scale": 0.4, "mode": "fan_out", "distribution": "normal"}),
    "variance scaling untruncated": (
        "VarianceScaling",
        {"scale": 3.0, "mode": "fan_avg", "distribution": "untruncated_normal"},
    ),
    "variance scaling uniform": ("VarianceScaling", {"scale": 0.1, "mode": "fan_out", "distribution": "uniform"}),
    "variance scaling axes": (
        "VarianceScaling",
        {"distribution": "uniform", "mode": "fan_avg", "input_axes": [1], "output_axes": [-1, 0]},
    ),
    "glorot uniform": ("GlorotUniform", {}),
    "glorot uniform axes": ("GlorotUniform", {"input_axes": [0, 1], "output_axes": [0]}),
    "glorot normal": ("GlorotNormal", {}),
    "he uniform": ("HeUniform", {}),
    "he normal": ("HeNormal", {}),
    "lecun uniform": ("LecunUniform", {}),
    "lecun normal": ("LecunNormal", {}),
    "orthogonal": ("Orthogonal", {}),
    "orthogonal gain": ("Orthogonal", {"gain": 1.4}),
}


def record_cases(arrays):
    described = {}
    for case, (name, arguments) in CASES.items():
        cls = getattr(keras.initializers, name)
        seeded = issubclass(cls, keras.initializers.RandomNormal.__mro__[1])
        for i, (seed, shape, dtype) in enumerate(DRAWS):
            if name == "Identity" and len(shape) != 2:
                continue
            made = cls(**arguments, **({"seed": seed} if seeded else {}))
            arrays[f"{case}/{i}"] = made(shape, dtype=dtype).numpy()
        described[case] = {"class_name": name, "arguments": arguments, "seeded": seeded, "config": made.get_config()}
    return described


def record_random(arrays):
    random = keras.random
    for dtype in ("float32", "float64"):
        for seed in (0, 7, -3):
            arrays[f"random/uniform/{dtype}/{seed}"] = random.uniform((101,), -0.3, 2.2, dtype, seed).numpy()
            arrays[f"random/normal/{dtype}/{seed}"] = random.normal((101,), 0.4, 1.3, dtype, seed).numpy()
            arrays[f"random/truncated_normal/{dtype}/{seed}"] = random.truncated_normal(
                (101,), 0.4, 1.3, dtype, seed
            ).numpy()
        arrays[f"random/far/{dtype}"] = random.normal((100_003,), dtype=dtype, seed=11).numpy()[::997]
        arrays[f"random/far_truncated/{dtype}"] = random.truncated_normal((100_003,), dtype=dtype, seed=11).numpy()[
            ::997
        ]
        generator = random.SeedGenerator(3)
        x = np.linspace(-3, 3, 35).reshape(5, 7).astype(dtype)
        for call in range(3):
            arrays[f"random/dropout/{dtype}/{call}"] = random.dropout(x, 0.3, seed=generator).numpy()
        for call in range(2):
            arrays[f"random/dropout_rows/{dtype}/{call}"] = random.dropout(x, 0.3, (None, 1), seed=generator).numpy()
        tf.random.set_seed(5)
        arrays[f"random/stateful/{dtype}/0"] = tf.random.normal((33,), 0.4, 1.3, dtype).numpy()
        arrays[f"random/stateful/{dtype}/1"] = tf.random.truncated_normal((33,), 0.4, 1.3, dtype).numpy()
        arrays[f"random/stateful/{dtype}/2"] = tf.random.uniform((33,), -0.3, 2.2, dtype).numpy()
        arrays[f"random/stateful/{dtype}/3"] = tf.random.normal((33,), 0.4, 1.3, dtype, seed=8).numpy()
    for dtype, low, high in (("int32", -3, 10), ("int64", -(2**62), 2**62 + 5), ("uint8", 0, 200), ("int32", 0, 1)):
        arrays[f"random/randint/{dtype}/{low}/{high}"] = random.randint((4, 5), low, high, dtype, seed=7).numpy()
    arrays["random/shuffle/0"] = random.shuffle(np.arange(40).reshape(20, 2), seed=7).numpy()
    arrays["random/shuffle/1"] = random.shuffle(np.arange(40).reshape(2, 20), axis=1, seed=7).numpy()
    keras.utils.set_random_seed(5)
    arrays["random/shared/0"] = random.uniform((5,)).numpy()
    arrays["random/shared/1"] = random.uniform((5,)).numpy()
    for seed in (0, 5, 2**31 + 5):
        tf.random.set_seed(seed)
        for i, op_seed in enumerate((None, 0, 3, -4)):
            arrays[f"random/seeds/{seed}/{i}"] = tf.random.uniform((5,), seed=op_seed).numpy()


def record_states():
    generator = keras.random.SeedGenerator(5)
    return [generator.next(ordered).numpy().tolist() for ordered in (True, True, False, False, True)]


def main():
    arrays = {}
    described = record_cases(arrays)
    record_random(arrays)
    with_generator = keras.initializers.HeNormal(seed=keras.random.SeedGenerator(4, name="a_generator"))
    report = {
        "made": datetime.date.today().isoformat(),
        "versions": {
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "libc": " ".join(platform.libc_ver()),
        },
        "cases": described,
        "draws": DRAWS,
        "with_generator": keras.initializers.serialize(with_generator),
        "states": record_states(),
        "names": sorted(keras.src.initializers.ALL_OBJECTS_DICT),
    }
    (HERE / "initializers.json").write_text(json.dumps(report, indent=1) + "\n")
    np.savez_compressed(HERE / "initializers.npz", **arrays)


if __name__ == "__main__":
    main()
