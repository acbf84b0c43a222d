"""Record layers as gdcore 0.1.0 pickled them, with what they said of themselves; run with 0.1.0 installed:

    python tests/pickles/make_layers.py

Writes ``layers-0.1.0.npz``: the pickle of a list of layers that a model has trained (but for the first and the last),
their configurations and what the core was told of them as JSON, and their arrays ``layer/array``.
"""

import json
import pickle
from pathlib import Path

import numpy as np

import gdcore
from gdcore import Input, Sequential, activations, constraints, initializers, layers, random, regularizers

gdcore.utils.set_random_seed(7)
rng = np.random.default_rng(3)
x, y = rng.normal(size=(24, 2, 2)).astype("f4"), rng.normal(size=(24, 2)).astype("f4")
adapted = layers.Normalization()
adapted.adapt(x.reshape(24, 4))
made = [
    layers.Rescaling([[0.5, 1.0], [1.5, 2.0]], 0.25),
    layers.Flatten(),
    adapted,
    layers.Dense(
        4,
        "elu",
        kernel_initializer=initializers.HeNormal(seed=random.SeedGenerator(4)),
        kernel_regularizer="l1",
        bias_constraint=constraints.MinMaxNorm(0.1, 2.0),
        activity_regularizer=regularizers.L2(0.01),
    ),
    layers.ReLU(6.0, 0.1, 0.5),
    layers.LeakyReLU(0.2),
    layers.ELU(0.7),
    layers.PReLU("uniform", "l2", "non_neg"),
    layers.BatchNormalization(momentum=0.8, trainable=False),
    layers.LayerNormalization(center=False),
    layers.Dropout(0.25),
    layers.Dropout(0.0, name="none"),
    layers.AlphaDropout(0.125, seed=3),
    layers.GaussianDropout(0.25),
    layers.GaussianNoise(0.5),
    layers.Activation(activations.celu.with_parameters(0.3)),
    layers.Normalization(mean=0.5, variance=2.0, invert=True, axis=None),
    layers.Dense(
        2, use_bias=False, kernel_regularizer=regularizers.OrthogonalRegularizer(0.1), kernel_constraint="max_norm"
    ),
    layers.Softmax(),
]
model = Sequential([Input((2, 2), name="rows"), *made])
model.compile("sgd", "mse")
model.fit(x, y, epochs=2, verbose=0)
stack = [Input((2, 2)), *model.layers, layers.Dense(3, input_dim=2)]
specs, shape = [], (2, 2)
for layer in model.layers:
    specs.append(layer._spec(shape))
    shape = layer._output_shape(shape)
arrays = {f"{i}/{j}": w for i, layer in enumerate(stack) for j, w in enumerate(layer.get_weights())}
np.savez_compressed(
    Path(__file__).parent / "layers-0.1.0.npz",
    pickle=np.frombuffer(pickle.dumps(stack, protocol=4), np.uint8),
    configs=json.dumps([layers.serialize(layer) for layer in stack]),
    specs=json.dumps(specs),
    **arrays,
)
