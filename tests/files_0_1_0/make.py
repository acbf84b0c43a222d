"""Writes the files of this folder, with gdcore 0.1.0: `tests/test_old_files.py` reads them with the gdcore of today.

Run it once, in a folder from which Python imports gdcore 0.1.0::

    PYTHONPATH=/path/to/gdcore-0.1.0 python tests/files_0_1_0/make.py

Each object is pickled in the middle of its life: optimizers and metrics after some updates, models after some epochs.
Each is then loaded again, and asked: what it says and what its next step gives is recorded in ``expected.npz``.  The
test loads the same pickle and asks the same questions, by the functions of this script (`ASK`).  They use public
names only.
"""

import ast
import importlib
import inspect
import json
import lzma
import os
import pathlib
import pickle
import pkgutil
import shutil
import sys
import tempfile

import numpy as np

import gdcore
from gdcore import (
    activations,
    callbacks,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    random,
    regularizers,
    surfaces,
    utils,
)
from gdcore.layers import (
    ELU,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Input,
    LayerNormalization,
    LeakyReLU,
    Normalization,
    PReLU,
    ReLU,
    Rescaling,
    Softmax,
)
from gdcore.optimizers import schedules

HERE = pathlib.Path(__file__).resolve().parent


def figures(*shape):
    """Numbers between -1 and 1, the same on every machine."""
    n = int(np.prod(shape))
    return (((np.arange(n) * 37) % 101 - 50) / 50).astype(np.float32).reshape(shape)


X = figures(24, 6)
CLASSES = np.arange(24) % 3
VALUES = figures(24, 2)
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]
SHARES = (np.abs(figures(24, 3)) + 0.125) / 2  # as if they were probabilities
POSITIVE = np.abs(figures(24, 2)) + 0.25
HALVES = np.float32(CLASSES % 2)[:, np.newaxis]
CHANCES = (np.abs(figures(24, 1)) + 0.125) / 2


# ---- what is written -------------------------------------------------------------------------------------------


def every_layer():
    """Layers of every kind but Flatten, trained by Adam with a schedule, a moving average and clipping."""
    utils.set_random_seed(1)
    normalization = Normalization()
    normalization.adapt(X)
    model = gdcore.Sequential(
        [
            Input((6,)),
            normalization,
            Rescaling(0.5, 0.125),
            Dense(
                8,
                "gelu",
                kernel_regularizer=regularizers.L2(0.01),
                bias_regularizer=regularizers.L1(0.01),
                kernel_constraint=constraints.MaxNorm(2.0),
                activity_regularizer=regularizers.L1L2(0.001, 0.002),
            ),
            BatchNormalization(),
            Dropout(0.25),
            Dense(8, "selu", trainable=False, name="frozen"),
            PReLU(alpha_initializer=initializers.Constant(0.2)),
            GaussianNoise(0.1),
            LayerNormalization(),
            ELU(0.5),
            AlphaDropout(0.125, seed=3),
            Dense(6, kernel_initializer=initializers.Orthogonal(seed=4)),
            LeakyReLU(0.1),
            GaussianDropout(0.125),
            Dense(6, kernel_regularizer=regularizers.OrthogonalRegularizer(0.01), use_bias=False),
            ReLU(6.0, negative_slope=0.1),
            Activation("tanh"),
            Dense(3, activation=activations.leaky_relu),
            Softmax(),
        ],
        name="every_layer",
    )
    rate = schedules.CosineDecay(0.01, 50, warmup_target=0.02, warmup_steps=5)
    model.compile(
        optimizers.Adam(rate, use_ema=True, clipnorm=1.0, weight_decay=0.001),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", metrics.SparseTopKCategoricalAccuracy(2)],
    )
    model.fit(X, CLASSES, batch_size=8, epochs=2, verbose=0)
    return model


def float64_and_flat():
    """Rows of two axes, float64, SGD with momentum."""
    utils.set_random_seed(2)
    model = gdcore.Sequential([Input((2, 3)), Flatten(), Dense(5, "mish"), Dense(2)], dtype="float64")
    model.compile(optimizers.SGD(0.05, momentum=0.9, nesterov=True), losses.Huber(0.5), metrics=["mae", "mse"])
    model.fit(X.reshape(24, 2, 3), VALUES, batch_size=5, epochs=2, verbose=0)
    return model


def by_differences():
    """Trained by finite differences (in float64: they are mostly rounding in float32), watched by a metric object."""
    utils.set_random_seed(3)
    model = gdcore.Sequential([Dense(3, "sigmoid", input_dim=6), Dense(1, "sigmoid")], dtype="float64")
    model.compile(
        optimizers.RMSprop(0.01), "mae", metrics=[metrics.AUC(num_thresholds=20)], gradient="central", h=0.000003
    )
    model.fit(X, HALVES, batch_size=8, epochs=2, verbose=0)
    return model


def not_compiled():
    utils.set_random_seed(4)
    return gdcore.Sequential([Dense(4, "relu", input_dim=6), Dense(2)], name="not_compiled")


def not_built():
    return gdcore.Sequential([Dense(4, "relu", kernel_initializer=initializers.HeNormal(seed=5)), Dense(2)])


MODELS = {
    f.__name__: f for f in (every_layer, float64_and_flat, by_differences, not_compiled, not_built)
}  # name -> how it is made


def small(optimizer="sgd", loss="mse", **options):
    utils.set_random_seed(6)
    model = gdcore.Sequential([Dense(3, "tanh", input_dim=6), Dense(2)])
    model.compile(optimizer, loss, **options)
    return model


def optimizer_objects():
    made = {
        "SGD": optimizers.SGD(0.1),
        "SGD-momentum": optimizers.SGD(0.1, 0.9, nesterov=True),
        "Adagrad": optimizers.Adagrad(0.1),
        "RMSprop": optimizers.RMSprop(0.01),
        "RMSprop-centered": optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        "Adadelta": optimizers.Adadelta(1.0),
        "Adam": optimizers.Adam(0.01),
        "Adam-amsgrad": optimizers.Adam(0.01, amsgrad=True),
        "AdamW": optimizers.AdamW(0.01, 0.1),
        "Adamax": optimizers.Adamax(0.01),
        "Nadam": optimizers.Nadam(0.01),
        "Ftrl": optimizers.Ftrl(0.1, l1_regularization_strength=0.01, beta=0.1),
        "Lion": optimizers.Lion(0.01),
        "Lamb": optimizers.Lamb(0.01),
        "Adafactor": optimizers.Adafactor(0.1),
        "Muon": optimizers.Muon(0.01),
        "ScheduleFreeAdamW": optimizers.ScheduleFreeAdamW(0.01, warmup_steps=2),
        "LossScaleOptimizer": optimizers.LossScaleOptimizer(optimizers.Adam(0.01), 1024.0, dynamic_growth_steps=4),
        "with-schedule": optimizers.SGD(schedules.ExponentialDecay(0.1, 2, 0.5)),
        "with-average": optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2),
        "with-accumulation": optimizers.Adam(0.01, gradient_accumulation_steps=2),
        "with-clipnorm": optimizers.SGD(0.1, clipnorm=0.5, name="clipped"),
        "with-clipvalue": optimizers.SGD(0.1, clipvalue=0.5),
        "with-global-clipnorm": optimizers.SGD(0.1, global_clipnorm=0.5, loss_scale_factor=2.0, weight_decay=0.01),
    }
    for optimizer in made.values():
        weights = optimizer_weights()
        for step in range(3):
            optimizer.apply(optimizer_gradients(step), weights)
    return made | {f"{name}-fresh": optimizers.get(name) for name in ("sgd", "adam", "muon")}


def optimizer_weights():
    return [figures(4, 3) + 0.5, figures(3), figures(2, 2) - 0.25]


def optimizer_gradients(step):
    return [np.roll(figures(4, 3), step), np.roll(figures(3), step) * 2, np.roll(figures(2, 2), step)]


def schedule_objects():
    return {
        "ExponentialDecay": schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True),
        "InverseTimeDecay": schedules.InverseTimeDecay(0.1, 3, 0.5),
        "PolynomialDecay": schedules.PolynomialDecay(0.1, 6, 0.01, power=2.0, cycle=True),
        "PiecewiseConstantDecay": schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01]),
        "CosineDecay": schedules.CosineDecay(0.0, 6, 0.1, warmup_target=0.1, warmup_steps=2),
        "CosineDecayRestarts": schedules.CosineDecayRestarts(0.1, 3),
        "EpochDecay": schedules.EpochDecay(0.1, 0.5, 3),
    }


def loss_objects():
    made = {name: kind() for name, kind in classes_of(losses, losses.Loss)}
    return made | {
        "Huber-half": losses.Huber(0.5, reduction="sum", name="half"),
        "BinaryCrossentropy-logits": losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        "SparseCategoricalCrossentropy-ignored": losses.SparseCategoricalCrossentropy(ignore_class=1),
        "function": losses.mean_squared_error,
    }


def metric_objects():
    several = {
        "F1Score": {"threshold": 0.5},
        "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
        "MeanIoU": {"num_classes": 3},
        "MeanMetricWrapper": {"fn": losses.mean_absolute_error, "name": "wrapped"},
        "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 1]},
        "OneHotMeanIoU": {"num_classes": 3},
        "PrecisionAtRecall": {"recall": 0.5, "num_thresholds": 20},
        "RecallAtPrecision": {"precision": 0.5, "num_thresholds": 20},
        "SensitivityAtSpecificity": {"specificity": 0.5, "num_thresholds": 20},
        "SparseTopKCategoricalAccuracy": {"k": 2},
        "SpecificityAtSensitivity": {"sensitivity": 0.5, "num_thresholds": 20},
        "TopKCategoricalAccuracy": {"k": 2},
    }
    made = {name: kind(**several.get(name, {})) for name, kind in classes_of(metrics, metrics.Metric)}
    made["AUC-PR"] = metrics.AUC(20, "PR", name="area")
    made["Precision-thresholds"] = metrics.Precision([0.25, 0.5])
    for metric in made.values():
        metric.update_state(*metric_arguments(metric))
    return made


def metric_arguments(metric):
    name = type(metric).__name__
    if name in ("Mean", "Sum"):
        return (VALUES,)
    if name in ("IoU", "MeanIoU"):
        return CLASSES, np.roll(CLASSES, 1)
    if name.startswith("Sparse"):
        return CLASSES, SHARES
    if name.startswith(("Categorical", "TopK", "OneHot", "F1", "FBeta")):
        return ONE_HOT, SHARES
    if name.endswith(("Divergence", "Poisson", "LogarithmicError", "PercentageError")):
        return POSITIVE, POSITIVE[::-1]
    if name.endswith(("Error", "Similarity", "Correlation", "R2Score", "Wrapper")):
        return VALUES, VALUES[::-1]
    return HALVES, CHANCES


def initializer_objects():
    several = {
        "Constant": {"value": 0.25},
        "Identity": {"gain": 2.0},
        "Ones": {},
        "Zeros": {},
        "VarianceScaling": {"scale": 2.0, "mode": "fan_out", "distribution": "uniform", "seed": 3},
    }
    made = {
        name: kind(**several.get(name, {"seed": 7}))
        for name, kind in classes_of(initializers, initializers.Initializer)
    }
    made["GlorotUniform-used"] = initializers.GlorotUniform(seed=random.SeedGenerator(9))
    made["GlorotUniform-used"]((2, 2))
    return made


def activation_objects():
    names = [name for name, value in vars(activations).items() if isinstance(value, activations.Activation)]
    made = {name: getattr(activations, name) for name in sorted(names)}
    return made | {
        "threshold": activations.threshold.with_parameters(0.25, -1.0),
        "relu-of-three": activations.relu.with_parameters(negative_slope=0.1, max_value=3.0, threshold=0.25),
        "elu-half": activations.elu.with_parameters(alpha=0.5),
        "gelu-approximate": activations.gelu.with_parameters(approximate=True),
    }


def callback_objects():
    made = {
        "EarlyStopping": callbacks.EarlyStopping("loss", min_delta=0.01, patience=1, restore_best_weights=True),
        "ReduceLROnPlateau": callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=0.5),
        "ModelCheckpoint": callbacks.ModelCheckpoint("checkpoint.keras", "loss", save_best_only=True),
        "LearningRateScheduler": callbacks.LearningRateScheduler(min),
        "CSVLogger": callbacks.CSVLogger("log.csv", ";"),
        "TerminateOnNaN": callbacks.TerminateOnNaN(),
        "BackupAndRestore": callbacks.BackupAndRestore("backup", double_checkpoint=True),
        "SwapEMAWeights": callbacks.SwapEMAWeights(),
        "ProgbarLogger": callbacks.ProgbarLogger(),
        "LambdaCallback": callbacks.LambdaCallback(on_train_begin=len),
        "History": callbacks.History(),
        "CallbackList": callbacks.CallbackList([callbacks.History(), callbacks.TerminateOnNaN()]),
    }
    used = {f"{name}-used": pickle.loads(pickle.dumps(callback)) for name, callback in made.items()}
    for name in ("LearningRateScheduler-used", "LambdaCallback-used", "CallbackList-used"):
        del used[name]
    for callback in used.values():
        fit_with(callback)
    return made | used


def fit_with(callback):
    # min(epoch, rate) is a float from the second epoch on
    model = small(optimizers.SGD(0.1, use_ema=True))
    first = int(isinstance(callback, callbacks.LearningRateScheduler))
    given = callback.callbacks if isinstance(callback, callbacks.CallbackList) else [callback]
    history = model.fit(X, VALUES, 8, epochs=4, initial_epoch=first, callbacks=given, verbose=0)
    return model, history


def build(optimizer, units):
    model = gdcore.Sequential([Dense(units, "tanh", input_dim=6), Dense(3, "softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


GRID = {
    "optimizer": ["sgd", optimizers.Adam(0.01), optimizers.SGD(schedules.CosineDecay(0.1, 9), momentum=0.5)],
    "units": [2, 3],
}


def run_sweep(file=None, **grid):
    """The sweep that ``sweep.jsonl`` is of, or one with more in its grid."""
    return gdcore.sweep(
        build,
        X,
        CLASSES,
        grid=GRID | grid,
        epochs=2,
        batch_size=8,
        validation_split=0.25,
        n_jobs=1,
        seed=11,
        repeats=2,
        callbacks=[callbacks.EarlyStopping("loss")],
        file=file,
        verbose=0,
    )


def result_objects():
    model = MODELS["not_compiled"]()
    model.compile("adam", "mse")
    history = model.fit(X, VALUES, epochs=2, batch_size=8, verbose=0)
    return {
        "Sweep": run_sweep(),
        "History": history,
        "BatchSize": gdcore.find_batch_size(model, "1MB", 64),
        "GradientReport": gdcore.check_gradients(model, X, VALUES),
        "minimize": gdcore.minimize(surfaces.booth, [1.0, 2.0], "adam", maxiter=20),
    }


def data_objects():
    return {
        "Dataset": gdcore.Dataset(X, CLASSES, 7, True, 5),
        "Dataset-weighted": gdcore.Dataset(X, VALUES, 7, False, sample_weight=np.abs(figures(24))),
        "Dataset-standardized": gdcore.Dataset(X, CLASSES, 7, "fresh", 5).standardize().one_hot(),
    }


def random_objects():
    made = {"SeedGenerator": random.SeedGenerator(5), "SeedGenerator-used": random.SeedGenerator(5, name="used")}
    for _ in range(3):
        made["SeedGenerator-used"].next()
    return made


def surface_objects():
    return {name: surfaces.get(name) for name, value in vars(surfaces).items() if isinstance(value, surfaces.Surface)}


def classes_of(module, base):
    """Names and public classes of a module that derive from base, without it."""
    found = inspect.getmembers(module, lambda value: inspect.isclass(value) and issubclass(value, base))
    return [(name, kind) for name, kind in found if kind is not base and not name.startswith("_")]


OBJECTS = {
    "models": lambda: {name: make() for name, make in MODELS.items()},
    "optimizers": optimizer_objects,
    "schedules": schedule_objects,
    "losses": loss_objects,
    "metrics": metric_objects,
    "initializers": initializer_objects,
    "regularizers": lambda: {
        "L1": regularizers.L1(0.1),
        "L2": regularizers.L2(0.2),
        "L1L2": regularizers.L1L2(0.1, 0.2),
        "OrthogonalRegularizer": regularizers.OrthogonalRegularizer(0.1, "columns"),
    },
    "constraints": lambda: {
        "MaxNorm": constraints.MaxNorm(0.5),
        "MinMaxNorm": constraints.MinMaxNorm(0.25, 0.75, 0.5, axis=1),
        "NonNeg": constraints.NonNeg(),
        "UnitNorm": constraints.UnitNorm(),
    },
    "activations": activation_objects,
    "callbacks": callback_objects,
    "results": result_objects,
    "data": data_objects,
    "random": random_objects,
    "surfaces": surface_objects,
}
"""Family -> what makes its objects by name."""


# ---- what they are asked ---------------------------------------------------------------------------------------


def ask_model(model):
    inputs = X.reshape(24, 2, 3) if model.built and model.input_shape[1:] == (2, 3) else X
    classes = model.name == "every_layer"
    targets = CLASSES if classes else HALVES if model.built and model.output_shape[-1] == 1 else VALUES
    answers = {"predict": model.predict(inputs, verbose=0), **numbered("weights", model.get_weights())}
    answers["config"] = as_json(model.get_config())
    if model.optimizer is None:
        model.compile("sgd", "mse")
    else:
        answers["applied"] = model.optimizer.iterations
        answers["evaluate"] = model.evaluate(inputs, targets, batch_size=8, verbose=0)
        answers |= ask_slots("before", model.optimizer)
    utils.set_random_seed(13)
    history = model.fit(inputs, targets, batch_size=8, epochs=1, verbose=0)
    answers |= {f"history {name}": values for name, values in history.history.items()}
    answers |= numbered("next weights", model.get_weights())
    answers["rate"] = model.optimizer.learning_rate
    answers["optimizer"] = as_json(model.optimizer.get_config())
    return answers | ask_slots("after", model.optimizer)


def ask_slots(when, optimizer):
    return numbered(f"slots {when}", optimizer.variables)


def ask_optimizer(optimizer):
    answers = {"applied": optimizer.iterations, "rate": optimizer.learning_rate}
    answers["config"] = as_json(optimizer.get_config())
    answers["text"] = str(optimizer)
    answers |= ask_slots("before", optimizer)
    weights = optimizer_weights()
    for step in (3, 4):
        optimizer.apply(optimizer_gradients(step), weights)
        answers |= numbered(f"step {step}", weights)
    optimizer.finalize_variable_values(weights)
    answers |= numbered("final", weights) | ask_slots("after", optimizer)
    answers["next rate"] = optimizer.learning_rate
    return answers


def ask_schedule(schedule):
    return {"rates": [schedule(step) for step in range(12)], "config": as_json(schedule.get_config())}


def ask_loss(loss):
    name = type(loss).__name__
    if name.startswith("Sparse"):
        targets, outputs = CLASSES, SHARES
    elif name.startswith("Categorical"):
        targets, outputs = ONE_HOT, SHARES
    elif name.startswith("Binary") or "Hinge" in name:
        targets, outputs = HALVES, CHANCES
    else:
        targets, outputs = POSITIVE, POSITIVE[::-1]
    answers = {"value": loss(targets, outputs)}
    if not isinstance(loss, losses.Loss):
        return answers
    answers["gradient"] = loss.gradient(targets, outputs)
    return answers | {"config": as_json(loss.get_config())}


def ask_metric(metric):
    answers = {"result": metric.result(), "name": metric.name}
    metric.update_state(*(np.roll(given, 1, axis=0) * 1 for given in metric_arguments(metric)))
    answers["next result"] = metric.result()
    answers |= numbered("variables", metric.variables)
    if type(metric) is not metrics.MeanMetricWrapper:
        answers["config"] = as_json(metric.get_config())
    metric.reset_state()
    metric.update_state(*metric_arguments(metric))
    return answers | {"result after a reset": metric.result()}


def ask_initializer(initializer):
    answers = {"first": initializer((4, 4)), "second": initializer((4, 4))}
    return answers | {"config": as_json(initializer.get_config())}


def ask_penalty(penalty):
    return {"value": penalty(figures(4, 3)), "config": as_json(penalty.get_config())}


def ask_activation(activation):
    x = figures(6, 4) * 3
    value = activation(x)
    answers = {"value": value, "derivative": activation.derivative(x, figures(*value.shape))}
    return answers | {"config": as_json(activations.serialize(activation))}


def ask_callback(callback):
    answers = settings("before", callback)
    model, history = fit_with(callback)
    answers |= {f"history {name}": values for name, values in history.history.items()}
    answers |= settings("after", callback) | numbered("weights", model.get_weights())
    return answers


def settings(when, callback):
    """Public attributes that are numbers, texts or lists of weights."""
    found = {}
    for name, value in vars(callback).items():
        if name.startswith("_") or name in ("model", "params"):
            continue
        if isinstance(value, bool | int | float | str):
            found[f"{name} {when}"] = value
        elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            found |= numbered(f"{name} {when}", value)
        elif isinstance(value, dict):
            found[f"{name} {when}"] = as_json(value)
    return found


def ask_result(result):
    if isinstance(result, callbacks.History):
        return {"history": as_json(result.history), "epoch": result.epoch}
    if isinstance(result, int):
        return {"size": int(result), "layers": as_json(result.layers), "foretold": as_json(result.foretold)}
    if hasattr(result, "runs"):
        return ask_sweep(result)
    if hasattr(result, "arrays"):
        return {"all good": bool(result), "loss": result.loss, "arrays": as_json(result.arrays)}
    return {"x": result.x, "fun": result.fun, "message": result.message, "nit": result.nit}


def ask_sweep(result):
    answers = {"best": as_json(result.best.history), "monitor": result.monitor}
    answers["seconds"] = [run.seconds for run in result.runs]
    answers["seeds"] = [run.seed for run in result.runs]
    answers["diverged"] = [run.diverged for run in result.runs]
    answers["by optimizer"] = as_json({name: run.history for name, run in result.best_by("optimizer").items()})
    return answers | {f"history {i}": as_json(run.history) for i, run in enumerate(result.runs)}


def ask_dataset(data):
    utils.set_random_seed(14)
    answers = {"rows": data.rows}
    for i, batch in enumerate(data):
        answers |= numbered(f"batch {i}", batch)
    if data.mean is not None:
        answers |= {"mean": data.mean, "scale": data.scale}
    loss = "mse" if data.y.ndim > 1 and data.y.shape[1] == 2 else "categorical_crossentropy"
    if data.y.ndim == 1 or data.y.shape[1] == 1:
        loss = "sparse_categorical_crossentropy"
    utils.set_random_seed(15)
    model = gdcore.Sequential([Dense(2 if loss == "mse" else 3, "softmax", input_dim=6)])
    model.compile("sgd", loss)
    history = model.fit(data, epochs=2, verbose=0)
    return answers | {"loss": history.history["loss"]} | numbered("weights", model.get_weights())


def ask_generator(generator):
    answers = numbered("next", [generator.next() for _ in range(3)])
    answers["config"] = as_json(generator.get_config())
    return answers | {"drawn": random.normal((5,), seed=generator)}


def ask_surface(surface):
    x = figures(5, 1 if surface.name == "swish" else 2)
    return {"value": surface(x), "gradient": surface.gradient(x), "minima": surface.minima}


ASK = {
    "models": ask_model,
    "optimizers": ask_optimizer,
    "schedules": ask_schedule,
    "losses": ask_loss,
    "metrics": ask_metric,
    "initializers": ask_initializer,
    "regularizers": ask_penalty,
    "constraints": ask_penalty,
    "activations": ask_activation,
    "callbacks": ask_callback,
    "results": ask_result,
    "data": ask_dataset,
    "random": ask_generator,
    "surfaces": ask_surface,
}
"""Family -> the question: it takes an object and gives a dictionary of figures and texts."""


def numbered(name, values):
    return {f"{name} {i}": np.array(value) for i, value in enumerate(values) if value is not None}


def as_json(value):
    """Dictionaries with their names in order, arrays as lists."""

    def plain(value):
        return value.tolist() if isinstance(value, np.ndarray | np.generic) else repr(value)

    return json.dumps(value, sort_keys=True, default=plain)


# ---- files -----------------------------------------------------------------------------------------------------


def interrupted(folder):
    """A `fit` that is stopped in its third epoch, and leaves its backup."""
    model = small(optimizers.Adam(0.01))
    stop = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: [][epoch - 3] if epoch == 2 else None)
    try:
        model.fit(X, VALUES, 8, 4, verbose=0, callbacks=[callbacks.BackupAndRestore(folder), stop])
    except IndexError:
        return
    raise AssertionError("the training was not interrupted")


def resumed(folder):
    """The rest of that training."""
    model = small(optimizers.Adam(0.01))
    history = model.fit(X, VALUES, 8, 4, verbose=0, callbacks=callbacks.BackupAndRestore(folder))
    return {"epoch": history.epoch, "loss": history.history["loss"], **numbered("weights", model.get_weights())}


def write_files():
    """Writes the files of models, sweeps and backups; returns what they give, by name."""
    model = MODELS["every_layer"]()
    model.save(HERE / "model.keras")
    model.save_weights(HERE / "model.npz")
    (HERE / "model.json").write_text(model.to_json() + "\n")
    smaller = MODELS["float64_and_flat"]()
    smaller.save_weights(HERE / "smaller.weights.h5")
    (HERE / "smaller.json").write_text(smaller.to_json() + "\n")
    (HERE / "sweep.jsonl").unlink(missing_ok=True)
    run_sweep(HERE / "sweep.jsonl")
    interrupted(HERE / "backup")
    return ask_files(HERE)


def tell_normalization(model):
    """0.1.0 read the arrays of an adapted `Normalization` and went on without them, until somebody set them."""
    for layer in model.layers:
        if type(layer).__name__ == "Normalization":
            layer.set_weights(layer.get_weights())


def ask_files(folder):
    """What the files in a folder give, by their names; from copies where reading changes them."""
    utils.set_random_seed(16)  # layers that drop draw their seeds when they are made
    model = gdcore.models.load_model(folder / "model.keras")
    tell_normalization(model)
    found = {"model.keras": ask_model(model)}
    for weights, architecture, inputs in (
        ("model.npz", "model.json", X),
        ("smaller.weights.h5", "smaller.json", X.reshape(24, 2, 3)),
    ):
        model = gdcore.models.model_from_json((folder / architecture).read_text())
        model.load_weights(folder / weights)
        tell_normalization(model)
        found[weights] = {"predict": model.predict(inputs, verbose=0), **numbered("weights", model.get_weights())}
    found["sweep.jsonl"] = ask_sweep(run_sweep(folder / "sweep.jsonl"))
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder / "backup", copy, dirs_exist_ok=True)
        found["backup"] = resumed(copy)
    return found


def record(answers, name, given):
    answers |= {f"{name}: {question}": np.asarray(answer) for question, answer in given.items()}


def write_pickles():
    """Writes ``pickles.xz``: names and pickles; returns what they are asked and answer."""
    pickles, answers = {}, {}
    for family, make in OBJECTS.items():
        for name, value in make().items():
            content = pickles[f"{family}/{name}"] = pickle.dumps(value, protocol=4)
            record(answers, f"{family}/{name}", ASK[family](pickle.loads(content)))
    (HERE / "pickles.xz").write_bytes(lzma.compress(pickle.dumps(pickles, protocol=4), preset=9))
    return answers


def read_pickles():
    """Name -> pickle."""
    return pickle.loads(lzma.decompress((HERE / "pickles.xz").read_bytes()))


def write_expected(answers):
    """Writes ``expected.npz``: the figures of each type in a row, and where each answer lies; texts as JSON."""
    kinds = {}
    places = {}
    for name, answer in answers.items():
        if answer.dtype.kind == "U":
            places[name] = answer.item()
        else:
            rows = kinds.setdefault(str(answer.dtype), [])
            places[name] = [str(answer.dtype), sum(map(len, rows)), list(answer.shape)]
            rows.append(answer.reshape(-1))
    written = {kind: np.concatenate(rows) for kind, rows in kinds.items()}
    text = json.dumps(places).encode()
    np.savez_compressed(HERE / "expected.npz", places=np.frombuffer(text, np.uint8), **written)


def read_expected():
    """Name -> figures or text."""
    with np.load(HERE / "expected.npz") as file:
        kinds = {name: file[name] for name in file.files}
    found = {}
    for name, place in json.loads(kinds["places"].tobytes()).items():
        found[name] = place
        if isinstance(place, list):
            kind, start, shape = place
            found[name] = kinds[kind][start : start + int(np.prod(shape))].reshape(shape)
    return found


# ---- names -----------------------------------------------------------------------------------------------------


def public_names():
    """Public modules, what they define or list in ``__all__``, and the members of their classes: a line for each."""
    lines = []
    for path, module in sorted(public_modules().items()):
        lines.append(path)
        for name in sorted(listed(module)):
            value = getattr(module, name)
            members = " ".join(sorted(set(public_members(value)))) if inspect.isclass(value) else ""
            lines.append(f"{path}.{name}: {members}".rstrip(": "))
    return sorted(set(lines))


def public_modules():
    found = {"gdcore": gdcore, "gdcore.optimizers.schedules": schedules}
    for module in pkgutil.walk_packages(gdcore.__path__, "gdcore."):
        if not any(part.startswith("_") for part in module.name.split(".")):
            found[module.name] = importlib.import_module(module.name)
    return found


def public_members(kind):
    """Methods, properties and fields of named tuples, as gdcore has them."""
    for owner in kind.__mro__:
        if owner.__module__.startswith("gdcore"):
            for name, value in vars(owner).items():
                if not name.startswith("_") and hasattr(value, "__get__"):
                    yield name


def listed(module):
    if hasattr(module, "__all__"):
        return list(module.__all__)
    tree = ast.parse(inspect.getsource(module))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    own = {name for name in vars(module) if not name.startswith("_")} - imported
    # second names, and functions, that a module gives when it is asked
    own |= {name for name in (*getattr(module, "_ALL", ()), *losses.FUNCTIONS) if hasattr(module, name)}
    if module.__name__.startswith("gdcore.lessons."):
        own &= {"main", "run"}  # the rest of a lesson is its own affair
    return own


def main():
    if gdcore.__version__ != "0.1.0" or hasattr(gdcore, "tuning"):
        sys.exit("this is not gdcore 0.1.0")
    build = gdcore.show_config("dicts")["core"]
    answers = {"isa": np.asarray(build["isa"]), "compiler": np.asarray(build["compiler"])}
    here = pathlib.Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # for what callbacks write
        answers |= write_pickles()
        for name, given in write_files().items():
            record(answers, f"files/{name}", given)
        os.chdir(here)
    write_expected(answers)
    (HERE / "names.txt").write_text("\n".join(public_names()) + "\n")


if __name__ == "__main__":
    main()
