"""gdcore against figures recorded from a real Keras on TensorFlow (tests/keras_figures/make.py made them).

Tolerances: float64 runs agree to rounding, but for momentum, which Keras rounds to float32 on its way to a
float64 variable; float32 runs as near as Keras on another backend is to Keras on TensorFlow.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import gdcore

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "figures.json").read_text())
ARRAYS = np.load(FOLDER / "figures.npz")
RUNS = FIGURES["runs"]


def arrays(prefix):
    found = [name for name in ARRAYS.files if name.startswith(prefix + "/")]
    return [ARRAYS[name] for name in sorted(found, key=lambda name: int(name.rpartition("/")[2]))]


def build(run):
    model = gdcore.Sequential(
        [
            gdcore.Input((run["n_in"],)),
            *(gdcore.layers.Dense(d["units"], d["activation"], use_bias=d["use_bias"]) for d in run["layers"]),
        ],
        dtype=run["dtype"],
    )
    loss = gdcore.losses.get(run["loss"])
    if run["loss_options"]:
        loss = type(loss)(**run["loss_options"])
    chosen = [
        [
            m if isinstance(m, str) else getattr(gdcore.metrics, m["class_name"])(**m["config"])
            for m in run.get(which, [])
        ]
        for which in ("metrics", "weighted_metrics")
    ]
    model.compile(gdcore.optimizers.SGD(run["learning_rate"], run["momentum"], run["nesterov"]), loss, None, *chosen)
    return model


def data(run):
    weight = ARRAYS[run["key"] + "/sample_weight"] if run["sample_weight"] else None
    return ARRAYS[run["key"] + "/x"], ARRAYS[run["key"] + "/y"], weight


@pytest.fixture(params=RUNS, ids=lambda run: f"{run['key']}-{run['name'].replace(' ', '-')}")
def run(request):
    return request.param


def test_prediction_loss_and_gradient(run):
    rtol = 2e-12 if run["dtype"] == "float64" else 2e-6
    x, y, weight = data(run)
    model = build(run)
    model.set_weights(arrays(run["key"] + "/initial"))
    expected = ARRAYS[run["key"] + "/predictions"]
    np.testing.assert_allclose(model.predict(x[:16]), expected, rtol=rtol, atol=rtol)
    values = model.evaluate(x, y, batch_size=run["batch_size"], sample_weight=weight, return_dict=True)
    recorded = ARRAYS[run["key"] + "/evaluate"]
    for i, key in enumerate(run["evaluate_keys"]):
        np.testing.assert_allclose(values[key], recorded[i], rtol=rtol, atol=1e-7, err_msg=key)
    _, gradient = model.gradient(x, y, sample_weight=weight)
    for ours, theirs in zip(gradient, arrays(run["key"] + "/gradients"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * max(np.abs(theirs).max(), 1e-3))


def test_training(run):
    exact = run["dtype"] == "float64" and not run["momentum"]
    x, y, weight = data(run)
    model = build(run)
    model.set_weights(arrays(run["key"] + "/initial"))
    held_out, split = None, 0.0
    if isinstance(run["validation"], float):
        split = run["validation"]
    elif run["validation"]:
        names = ["val_x", "val_y"] + (["val_sample_weight"] if run["validation"] == "weighted" else [])
        held_out = tuple(ARRAYS[f"{run['key']}/{name}"] for name in names)
    history = model.fit(
        x,
        y,
        batch_size=run["batch_size"],
        epochs=run["epochs"],
        shuffle=False,
        sample_weight=weight,
        validation_data=held_out,
        validation_split=split,
        verbose=0,
    ).history
    recorded = ARRAYS[run["key"] + "/history"]
    for i, key in enumerate(run["history_keys"]):
        np.testing.assert_allclose(history[key], recorded[i], rtol=1e-11 if exact else 2e-6, atol=1e-7, err_msg=key)
    for ours, theirs in zip(model.get_weights(), arrays(run["key"] + "/final"), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11 if exact else 2e-5)


def test_initializers_bit_for_bit():
    for name, described in FIGURES["initializers"].items():
        for seed in (7, 123456789):
            for shape in ((5, 4), (1, 3), (3, 1), (100, 7)):
                config = {**described["config"], "seed": seed}
                made = getattr(gdcore.initializers, described["class_name"]).from_config(config)(shape)
                recorded = ARRAYS[f"initializers/{name}/{seed}/{shape[0]}x{shape[1]}"]
                assert made.dtype == np.float32
                assert np.array_equal(made, recorded), (name, seed, shape)


@pytest.mark.parametrize("seed", FIGURES["set_random_seed"]["seeds"])
def test_a_seed_gives_keras_weights(seed):
    described = FIGURES["set_random_seed"]
    gdcore.utils.set_random_seed(seed)
    model = gdcore.Sequential(
        [gdcore.Input((described["n_in"],)), *(gdcore.layers.Dense(d["units"]) for d in described["layers"])]
    )
    for ours, theirs in zip(model.get_weights(), arrays(f"set_random_seed/{seed}"), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("run", FIGURES["shuffled"], ids=lambda run: run["key"])
def test_a_default_run_from_a_seed_alone(run):
    x, y = ARRAYS["shuffled/x"], ARRAYS["shuffled/y"]
    gdcore.utils.set_random_seed(run["seed"])
    model = build({"dtype": "float32", "loss_options": {}, **run})
    for ours, theirs in zip(model.get_weights(), arrays(run["key"] + "/initial"), strict=True):
        assert np.array_equal(ours, theirs)
    collected = {key: [] for key in run["history_keys"]}
    for epochs in run["fits"]:
        history = model.fit(
            x, y, batch_size=run["batch_size"], epochs=epochs, validation_split=run["validation"], verbose=0
        ).history
        for key in collected:
            collected[key] += history[key]
    recorded = ARRAYS[run["key"] + "/history"]
    for i, key in enumerate(run["history_keys"]):
        np.testing.assert_allclose(collected[key], recorded[i], rtol=2e-6, atol=1e-7, err_msg=key)
    for ours, theirs in zip(model.get_weights(), arrays(run["key"] + "/final"), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5)
