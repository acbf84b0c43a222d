"""Records Keras's activations and their derivatives at many points, against which the tests compare gdcore.

Run it in a scratch environment with a real Keras, as make.py beside it:

    pip install keras tensorflow-cpu
    python tests/keras_figures/make_activations.py

It writes, beside itself, ``activations.npz``: the points ``x`` (rows, 5), what flows back ``upstream``, and for each
case ``NAME/value`` and ``NAME/gradient`` (of sum(upstream * value) with respect to x), in float32 and, under
``float64/``, in float64.  A case is an activation's name, followed by its parameters as a query:
``relu?max_value=2&threshold=1``.  ``configs`` holds what Keras writes for activations with parameters, as JSON;
``versions`` says what made it.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).resolve().parent
CASES = (
    "linear relu sigmoid softmax tanh elu selu celu exponential leaky_relu relu6 silu softplus softsign log_sigmoid "
    "hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink squareplus sparse_plus sparse_sigmoid tanh_shrink gelu "
    "gelu?approximate=true mish log_softmax sparsemax threshold?threshold=0.5&default_value=-2 "
    "threshold?threshold=-1&default_value=3 relu?negative_slope=0.3 relu?max_value=2 relu?max_value=6 "
    "relu?threshold=1 relu?threshold=-1 relu?threshold=-1&max_value=3 relu?negative_slope=0.25&max_value=6 "
    "relu?negative_slope=0.25&max_value=3&threshold=0.5 relu?negative_slope=0.1&threshold=-1&max_value=6 "
    "relu?negative_slope=2&threshold=1 elu?alpha=0.3 celu?alpha=0.3 celu?alpha=2 leaky_relu?negative_slope=0.01 "
    "hard_shrink?threshold=1 soft_shrink?threshold=1 squareplus?b=0.25 softmax?axis=0 softmax?axis=1 "
    "softmax?axis=null log_softmax?axis=0 log_softmax?axis=null sparsemax?axis=0 glu?axis=0"
).split()


def parameters(case):
    name, _, query = case.partition("?")
    return name, {k: json.loads(v) for k, _, v in (p.partition("=") for p in query.split("&") if p)}


def configs():
    from keras.src.ops import nn

    made = [
        keras.layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5),
        keras.layers.LeakyReLU(0.1),
        keras.layers.ELU(0.3),
        keras.layers.Softmax(),
        nn.Celu(0.3),
        nn.HardShrink(0.7),
        nn.SoftShrink(0.7),
        nn.Squareplus(b=2),
        nn.Threshold(0.1, 2.0),
        nn.Gelu(approximate=True),
        nn.LogSoftmax(axis=0),
        nn.Sparsemax(axis=0),
        nn.Glu(axis=0),
        keras.activations.mish,
    ]
    return [keras.activations.serialize(activation) for activation in made]


def main():
    rng = np.random.default_rng(30)
    kinks = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 1e-3, -1e-3, 1e-6, -20.0, 20.0, 40.0, 2.0, -2.0]
    x = np.concatenate([kinks, 3 * rng.normal(size=83), 10 * rng.normal(size=30), 0.3 * rng.normal(size=20)])
    x = x.reshape(-1, 5)
    upstream = rng.normal(size=x.shape)
    arrays = {"x": x.astype(np.float32), "upstream": upstream.astype(np.float32)}
    for dtype in ("float32", "float64"):
        for case in CASES:
            name, given = parameters(case)
            points = tf.constant(arrays["x"].astype(dtype))
            with tf.GradientTape() as tape:
                tape.watch(points)
                value = getattr(keras.activations, name)(points, **given)
                up = tf.constant(arrays["upstream"][: value.shape[0]].astype(dtype))
                total = tf.reduce_sum(up * value)
            prefix = "" if dtype == "float32" else "float64/"
            arrays[f"{prefix}{case}/value"] = value.numpy()
            arrays[f"{prefix}{case}/gradient"] = tape.gradient(total, points).numpy()
    versions = f"keras {keras.__version__}, tensorflow {tf.__version__}, numpy {np.__version__}"
    np.savez_compressed(
        HERE / "activations.npz", versions=np.array(versions), configs=np.array(json.dumps(configs())), **arrays
    )


if __name__ == "__main__":
    main()
