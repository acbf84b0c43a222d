"""Records Keras's activations and their derivatives at many points, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_activations.py

It writes, beside itself, ``activations.npz``: the points ``x`` (rows, 5), what flows back ``upstream``, and for each
name ``NAME/value`` and ``NAME/gradient`` (of sum(upstream * value) with respect to x), in float32 and, under
``float64/``, in float64. ``versions`` says what made it.
"""

import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
NAMES = (
    "linear relu sigmoid softmax tanh elu selu celu exponential leaky_relu relu6 silu softplus softsign log_sigmoid "
    "hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink squareplus sparse_plus"
).split()


def main():
    rng = np.random.default_rng(30)
    kinks = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 1e-3, -1e-3, 1e-6, -20.0, 20.0, 40.0]
    x = np.concatenate([kinks, 3 * rng.normal(size=85), 10 * rng.normal(size=30)]).reshape(-1, 5)
    upstream = rng.normal(size=x.shape)
    arrays = {"x": x.astype(np.float32), "upstream": upstream.astype(np.float32)}
    for dtype in ("float32", "float64"):
        for name in NAMES:
            points = tf.constant(arrays["x"].astype(dtype))
            with tf.GradientTape() as tape:
                tape.watch(points)
                value = getattr(keras.activations, name)(points)
                total = tf.reduce_sum(tf.constant(arrays["upstream"].astype(dtype)) * value)
            prefix = "" if dtype == "float32" else "float64/"
            arrays[f"{prefix}{name}/value"] = value.numpy()
            arrays[f"{prefix}{name}/gradient"] = tape.gradient(total, points).numpy()
    versions = f"keras {keras.__version__}, tensorflow {tf.__version__}, numpy {np.__version__}"
    np.savez_compressed(HERE / "activations.npz", versions=np.array(versions), **arrays)


if __name__ == "__main__":
    main()
