"""What `gdcore.verify` runs: set-ups of every part, drawn from a seed, and one way to run them with any library.

A set-up is a description made of plain values and of `Of`; `run(library, set_up)` builds it with Keras or with gdcore,
which have the same API, and gives arrays.  What Keras gave for the seed 0 is in ``figures`` (made by
``tests/keras_figures/make_verify.py``); other seeds are for a live Keras.

Where Keras is not itself the measure, set-ups keep out of the way; docs/keras.md lists these corners.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

Arrays = dict[str, list[Any]]


class Of(NamedTuple):
    """An object of a library: ``library.module.name(**config)``."""

    module: str
    name: str
    config: dict[str, Any]


class SetUp(NamedTuple):
    """What to run; set-ups of the same part and name share a line of the table."""

    part: str
    name: str
    what: dict[str, Any]


class Draw:
    """Settings and data from a seed, the same with every NumPy: RandomState's stream is frozen."""

    def __init__(self, seed: int) -> None:
        self._stream = np.random.RandomState(seed)

    def real(self, low: float, high: float) -> float:
        return round(low + (high - low) * float(self._stream.random_sample()), 3)

    def fraction(self, low: float, high: float) -> float:
        """A number that is the same in float32 and float64."""
        return round(64 * self.real(low, high)) / 64

    def size(self, low: float, high: float) -> float:
        """A number of any order of magnitude between the two."""
        return float(f"{10 ** self.real(math.log10(low), math.log10(high)):.3g}")

    def whole(self, low: int, high: int) -> int:
        return low + int(self._stream.random_sample() * (high + 1 - low))

    def flag(self) -> bool:
        return bool(self._stream.random_sample() < 0.5)

    def one_of(self, *values: Any) -> Any:
        return values[self.whole(0, len(values) - 1)]

    def seed(self) -> int:
        return self.whole(0, 2**31 - 1)

    def array(self, shape: Any, low: float = -1.0, high: float = 1.0) -> Any:
        return low + (high - low) * self._stream.random_sample(shape)

    def classes(self, shape: Any, count: int) -> Any:
        return np.floor(self.array(shape, 0, count)).astype(np.int64)


# ---- what differs between the libraries ------------------------------------------------------------------------


def _is_keras(library: Any) -> bool:
    return bool(library.__name__ == "keras")


def _made(library: Any, said: Any) -> Any:
    """A description with its objects made."""
    if isinstance(said, Of):
        holder = library
        for name in said.module.split("."):
            holder = getattr(holder, name)
        return getattr(holder, said.name)(**_made(library, said.config))
    if isinstance(said, dict):
        return {key: _made(library, value) for key, value in said.items()}
    return [_made(library, value) for value in said] if isinstance(said, list) else said


@contextlib.contextmanager
def _floats(library: Any, dtype: str) -> Iterator[None]:
    """Let Keras's objects, as ours, work in the type of their data."""
    if not _is_keras(library):
        yield
        return
    library.config.set_floatx(dtype)
    library.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        library.config.set_floatx("float32")
        library.config.set_dtype_policy("float32")


def _tensor(library: Any, values: Any) -> Any:
    return library.ops.convert_to_tensor(values) if _is_keras(library) else values


def _taped(function: Callable[[Any], Any], x: Any, upstream: Any) -> Any:
    """TensorFlow's derivative of ``sum(upstream * function(x))``."""
    import tensorflow as tf

    points = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(tf.constant(upstream) * function(points))
    return tape.gradient(total, points).numpy()


# ---- optimizers ------------------------------------------------------------------------------------------------

STEPS = 200
_SHAPES = ((7, 3), (5,))
_ALL_SHAPES = (*_SHAPES, (4, 9), (2, 3, 4))

# the elementwise ones first; each with what its own settings may be
_OPTIMIZERS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "SGD": lambda d: {"momentum": d.one_of(0.0, d.real(0.5, 0.95)), "nesterov": d.flag()},
    "Adagrad": lambda d: {"initial_accumulator_value": d.real(0, 1), "epsilon": d.size(1e-8, 1e-2)},
    "RMSprop": lambda d: {
        "rho": d.real(0.5, 0.99),
        "momentum": d.one_of(0.0, d.real(0.3, 0.9)),
        "centered": d.flag(),
        "epsilon": d.size(1e-5, 1e-2),
    },
    "Adadelta": lambda d: {"rho": d.real(0.5, 0.99), "epsilon": d.size(1e-8, 1e-3)},
    "Adam": lambda d: {**_betas(d), "amsgrad": d.flag()},
    "AdamW": lambda d: {**_betas(d), "weight_decay": d.size(1e-3, 1e-1)},
    "Adamax": lambda d: _betas(d),
    "Lion": lambda d: {"beta_1": d.real(0.5, 0.95), "beta_2": d.real(0.5, 0.99)},
    "Nadam": lambda d: _betas(d),
    # the difference of two nearly equal powers, over the rate: small rates and gradients leave few digits in float32
    "Ftrl": lambda d: {
        "learning_rate": d.size(0.05, 0.5),
        "clipvalue": None,
        "learning_rate_power": d.real(-0.9, -0.2),
        "initial_accumulator_value": d.real(0.05, 0.5),
        "l1_regularization_strength": d.one_of(0.0, d.real(0, 0.05)),
        "l2_regularization_strength": d.one_of(0.0, d.real(0, 0.05)),
        "l2_shrinkage_regularization_strength": d.one_of(0.0, d.real(0, 0.05)),
        "beta": d.one_of(0.0, d.real(0, 0.3)),
    },
    "Lamb": lambda d: _betas(d),
    "Adafactor": lambda d: {
        "beta_2_decay": d.real(-0.9, -0.4),
        "epsilon_2": d.size(1e-3, 1e-1),
        "clip_threshold": d.real(0.5, 1.5),
    },
    "Muon": lambda d: {
        "momentum": d.real(0.7, 0.97),
        "nesterov": d.flag(),
        "ns_steps": d.whole(1, 6),
        "rms_rate": d.one_of(None, 0.2, d.real(0.1, 0.5)),
        "weight_decay": d.one_of(None, d.size(1e-3, 1e-1)),
        "adam_lr_ratio": d.real(0.2, 2.0),
    },
    "ScheduleFreeAdamW": lambda d: {**_betas(d), "warmup_steps": d.whole(0, 20)},
}
_ELEMENTWISE = tuple(_OPTIMIZERS)[:8]


def _betas(d: Draw) -> dict[str, Any]:
    return {"beta_1": d.real(0.5, 0.95), "beta_2": d.real(0.8, 0.999), "epsilon": d.size(1e-8, 1e-2)}


def _shared_options(d: Draw) -> dict[str, Any]:
    """Settings of all optimizers that leave an elementwise one elementwise."""
    return {
        **d.one_of({}, {"clipvalue": d.size(0.1, 3)}),
        **d.one_of({}, {"use_ema": True, "ema_momentum": d.real(0.5, 0.99), "ema_overwrite_frequency": d.whole(2, 9)}),
        **d.one_of({}, {"gradient_accumulation_steps": d.whole(2, 5)}),
        **d.one_of({}, {"loss_scale_factor": 2.0 ** d.whole(-3, 12)}),
        **d.one_of({}, {"weight_decay": d.size(1e-3, 1e-1)}),
    }


def _optimizers(d: Draw) -> Iterator[SetUp]:
    def set_up(row: str, name: str, config: dict[str, Any]) -> SetUp:
        many = name not in _ELEMENTWISE and name != "LossScaleOptimizer"
        return SetUp("optimizers", row, {"of": name, "config": config, "many": many, "data": d.seed()})

    for name, own in _OPTIMIZERS.items():
        yield set_up(name, name, {})
        for _ in range(2):
            yield set_up(name, name, {"learning_rate": d.size(1e-3, 1e-1), **_shared_options(d), **own(d)})
    for _ in range(3):
        inner = Of("optimizers", "Adam", {"learning_rate": d.size(1e-3, 1e-1), **_betas(d)})
        config = {"inner_optimizer": inner, "initial_scale": 2.0 ** d.whole(3, 12), "dynamic_growth_steps": 5}
        yield set_up("LossScaleOptimizer", "LossScaleOptimizer", config)
    for name in ("SGD", "Adam", "RMSprop"):
        rate = d.one_of(*(schedule.what["of"] for schedule in _schedules(d)))
        yield set_up("with a schedule", name, {"learning_rate": rate, **_OPTIMIZERS[name](d)})
        clip = d.one_of("clipnorm", "global_clipnorm")
        config = {"learning_rate": d.size(1e-3, 1e-1), clip: d.size(0.1, 3), **_OPTIMIZERS[name](d)}
        yield set_up("clipped by norm", name, config)


def _run_optimizer(library: Any, what: dict[str, Any]) -> Arrays:
    d = Draw(what["data"])
    shapes = _ALL_SHAPES if what["many"] else _SHAPES
    variables = [np.array(d.array(shape), np.float32) for shape in shapes]
    sizes = [2.0 ** np.floor(d.array(shape, -9, 4)) for shape in shapes]
    if _is_keras(library):
        variables = [library.Variable(values) for values in variables]
    optimizer = _made(library, Of("optimizers", what["of"], what["config"]))
    optimizer.build(variables)
    scaling = what["of"] == "LossScaleOptimizer"
    factor = what["config"].get("loss_scale_factor", 1.0)  # gradients are those of the scaled loss
    outputs: Arrays = {"arrays": []}
    for t in range(1, STEPS + 1):
        drift = t / STEPS - 0.5
        grads = [size * (d.array(size.shape) + drift) * (d.array(size.shape) > -0.9) for size in sizes]
        grads = [np.asarray(factor * g, np.float32) for g in grads]
        if scaling:  # gradients of the scaled loss, and now and then one that is not finite
            grads = [np.asarray(optimizer.scale_loss(_tensor(library, g)), np.float32) for g in grads]
            if t % 7 == 5:
                grads[0] = np.full_like(grads[0], np.inf)
        # not in a tf.function, in which TensorFlow rearranges what the optimizers say
        optimizer.apply([_tensor(library, g) for g in grads], variables)
        if t in (1, 10, STEPS):
            outputs["arrays"] += [np.array(v) for v in variables]
    if scaling:
        outputs["arrays"].append(np.float32(optimizer.dynamic_scale))
    optimizer.finalize_variable_values(variables)
    outputs["arrays"] += [np.array(v) for v in variables] if what["config"].get("use_ema") else []
    return outputs


# ---- activations, losses, initializers, schedules --------------------------------------------------------------

# Keras rounds many settings to float32 also for float64: activations and layers get such that float32 holds too.
_ACTIVATIONS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    **dict.fromkeys(
        "linear sigmoid tanh selu exponential relu6 silu softplus softsign log_sigmoid hard_sigmoid hard_silu "
        "hard_tanh sparse_plus sparse_sigmoid tanh_shrink mish".split(),
        lambda d: {},
    ),
    "relu": lambda d: {
        "negative_slope": d.one_of(0.0, d.fraction(0, 0.5)),
        "max_value": d.one_of(None, 6.0, d.fraction(1, 4)),
        "threshold": d.one_of(0.0, d.fraction(-1, 1)),
    },
    "leaky_relu": lambda d: {"negative_slope": d.fraction(0.02, 0.5)},
    "elu": lambda d: {"alpha": d.fraction(0.1, 2)},
    "celu": lambda d: {"alpha": d.fraction(0.1, 2)},
    "hard_shrink": lambda d: {"threshold": d.fraction(0, 2)},
    "soft_shrink": lambda d: {"threshold": d.fraction(0, 2)},
    "threshold": lambda d: {"threshold": d.fraction(-1, 1), "default_value": d.fraction(-2, 2)},
    "squareplus": lambda d: {"b": d.fraction(0.1, 5)},
    "gelu": lambda d: {"approximate": d.flag()},
    "softmax": lambda d: {"axis": d.one_of(0, 1, -1)},
    "log_softmax": lambda d: {"axis": d.one_of(0, 1, -1)},
    "sparsemax": lambda d: {"axis": d.one_of(0, 1, -1)},
    "glu": lambda d: {"axis": d.one_of(0, 1, -1)},
}


def _activations(d: Draw) -> Iterator[SetUp]:
    for name, own in _ACTIVATIONS.items():
        plain: dict[str, Any] = own(d) if name in ("threshold", "leaky_relu") else {}
        yield SetUp("activations", name, {"config": plain, "dtype": "float32", "data": d.seed()})
        if name != "gelu":  # whose constants TensorFlow has in float32 only
            yield SetUp("activations", name, {"config": plain, "dtype": "float64", "data": d.seed()})
        for _ in range(2 if own(d) else 0):
            yield SetUp("activations", name, {"config": own(d), "dtype": "float32", "data": d.seed()})


def points(name: str, what: dict[str, Any]) -> tuple[Any, Any]:
    """(x, upstream) of a set-up of an activation; not 0 for celu, where TensorFlow counts both its halves."""
    d = Draw(what["data"])
    kinks = [1.0 if name == "celu" else 0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 1e-3, -1e-3, 20.0, -20.0]
    near, far = d.array(40, -3, 3), d.array(20, -12, 12)
    x = np.concatenate([kinks, near, far]).astype(np.float32).reshape(12, 6)
    if "axis" in what["config"] or name in ("softmax", "log_softmax"):
        x /= 4  # one value far above the others leaves slopes that are nothing but rounding
    return x.astype(what["dtype"]), d.array(x.shape).astype(np.float32).astype(what["dtype"])


def _run_activation(library: Any, name: str, what: dict[str, Any]) -> Arrays:
    x, upstream = points(name, what)
    activation = getattr(library.activations, name)
    value = np.array(activation(_tensor(library, x), **what["config"]))
    if value.shape != x.shape:
        upstream = np.ascontiguousarray(upstream[: value.shape[0], : value.shape[1]])
    if _is_keras(library):
        slope = _taped(lambda points: activation(points, **what["config"]), x, upstream)
    else:
        slope = activation.derivative(x, upstream, **what["config"])
    return {"value": [value], "slope": [slope]}


# data that suit a loss or a metric, and what its settings may be
_LOSSES: dict[str, tuple[str, Callable[[Draw], dict[str, Any]]]] = {
    "MeanAbsoluteError": ("real", lambda d: {}),
    "MeanSquaredError": ("real", lambda d: {}),
    "MeanAbsolutePercentageError": ("real", lambda d: {}),
    "MeanSquaredLogarithmicError": ("counts", lambda d: {}),
    "Huber": ("real", lambda d: {"delta": d.real(0.2, 2)}),
    "LogCosh": ("real", lambda d: {}),
    "Poisson": ("counts", lambda d: {}),
    "KLDivergence": ("shares", lambda d: {}),
    "Hinge": ("labels signs", lambda d: {}),
    "SquaredHinge": ("labels signs", lambda d: {}),
    "CategoricalHinge": ("scores", lambda d: {}),
    "CosineSimilarity": ("counts", lambda d: {}),
    "BinaryCrossentropy": ("chances labels", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
    "BinaryFocalCrossentropy": (
        "chances labels",
        lambda d: {"gamma": d.real(0.5, 3), "alpha": d.real(0.1, 0.9), "apply_class_balancing": d.flag()},
    ),
    "CategoricalCrossentropy": ("onehot scores", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
    "CategoricalFocalCrossentropy": ("onehot scores", lambda d: {"gamma": d.real(0.5, 3), "alpha": d.real(0.1, 0.9)}),
    "SparseCategoricalCrossentropy": ("classes ranks", lambda d: {"ignore_class": d.one_of(None, 1)}),
}
_LOGITS = ("labels", "scores", "ranks")


def data(kind: str, d: Draw, rows: int, units: int) -> tuple[Any, Any]:
    """(targets, outputs)"""
    outputs = d.array((rows, units), -2, 2)
    if kind in ("shares", "onehot", "classes"):
        shares = d.array((2, rows, units), 0.05, 1)
        shares = np.round(shares / shares.sum(axis=-1, keepdims=True), 4)  # whatever order sums are taken in
        outputs = shares[0]
    if kind == "shares":
        return shares[1], outputs
    if kind == "counts":
        return d.classes((rows, units), 6).astype(float), d.array((rows, units), 0.05, 4)
    if kind == "chances":
        return d.classes((rows, units), 2).astype(float), d.array((rows, units), 0.01, 0.99)
    if kind == "labels":
        return d.classes((rows, units), 2).astype(float), 2 * outputs
    if kind == "signs":
        return 2.0 * d.classes((rows, units), 2) - 1, outputs
    if kind in ("onehot", "scores"):
        return np.eye(units)[d.classes(rows, units)], outputs
    if kind in ("classes", "ranks"):
        return d.classes((rows, 1), units).astype(float), outputs
    return d.array((rows, units), -2, 2), outputs


def _losses(d: Draw) -> Iterator[SetUp]:
    for name, (kinds, own) in _LOSSES.items():
        for dtype in ("float32", "float32", "float64"):
            for kind in kinds.split():
                config = own(d)
                if kind in _LOGITS and "crossentropy" in name.lower():
                    config["from_logits"] = True
                config["reduction"] = d.one_of("sum_over_batch_size", "sum", "mean_with_sample_weight")
                what = {"config": config, "kind": kind, "weighted": d.flag(), "dtype": dtype, "data": d.seed()}
                yield SetUp("losses", name, what)


def _run_loss(library: Any, name: str, what: dict[str, Any]) -> Arrays:
    d, dtype = Draw(what["data"]), what["dtype"]
    y, p = (a.astype(np.float32).astype(dtype) for a in data(what["kind"], d, 12, 4))
    w = d.array(len(y), 0.2, 2).astype(np.float32).astype(dtype) if what["weighted"] else None
    with _floats(library, dtype):
        loss = getattr(library.losses, name)(**what["config"])
        each = getattr(library.losses, name)(**{**what["config"], "reduction": "none"})
        outputs = [np.array(each(y, p)), np.array(loss(y, p, w))]
        if _is_keras(library):
            gradient = _taped(lambda points: loss(y, points, w), p, np.ones((), dtype))
        else:
            gradient = loss.gradient(y, p, w)
    return {"value": outputs, "slope": [gradient]}


def _scaling(d: Draw) -> dict[str, Any]:
    return {
        "scale": d.real(0.2, 3),
        "mode": d.one_of("fan_in", "fan_out", "fan_avg"),
        "distribution": d.one_of("truncated_normal", "untruncated_normal"),
    }


_INITIALIZERS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "Zeros": lambda d: {},
    "Ones": lambda d: {},
    "Constant": lambda d: {"value": d.real(-2, 2)},
    "Identity": lambda d: {"gain": d.real(0.2, 2)},
    "RandomUniform": lambda d: {"minval": d.real(-2, 0), "maxval": d.real(0.1, 2)},
    "GlorotUniform": lambda d: {},
    "HeUniform": lambda d: {},
    "LecunUniform": lambda d: {},
    "RandomNormal": lambda d: {"mean": d.real(-1, 1), "stddev": d.real(0.1, 2)},
    "TruncatedNormal": lambda d: {"mean": d.real(-1, 1), "stddev": d.real(0.1, 2)},
    "VarianceScaling": _scaling,
    "GlorotNormal": lambda d: {},
    "HeNormal": lambda d: {},
    "LecunNormal": lambda d: {},
    "Orthogonal": lambda d: {"gain": d.real(0.2, 2)},
}
_UNIFORM = tuple(_INITIALIZERS)[:8]


def _initializers(d: Draw) -> Iterator[SetUp]:
    for name, own in _INITIALIZERS.items():
        for dtype in ("float32", "float32", "float32", "float64"):
            config = own(d)
            if name not in tuple(_INITIALIZERS)[:4]:
                config["seed"] = d.one_of(d.seed(), -d.seed(), d.whole(0, 9))
            shape = [d.whole(1, 12), d.whole(1, 12)]
            yield SetUp("initializers", name, {"config": config, "shape": shape, "dtype": dtype})


def _run_initializer(library: Any, name: str, what: dict[str, Any]) -> Arrays:
    made = getattr(library.initializers, name)(**what["config"])
    return {"arrays": [np.array(made(tuple(what["shape"]), dtype=what["dtype"]))]}


_SCHEDULES: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "ExponentialDecay": lambda d: {
        "decay_steps": d.whole(2, 60),
        "decay_rate": d.real(0.5, 1.2),
        "staircase": d.flag(),
    },
    "InverseTimeDecay": lambda d: {"decay_steps": d.whole(2, 60), "decay_rate": d.real(0.1, 2), "staircase": d.flag()},
    "PolynomialDecay": lambda d: {
        "decay_steps": d.whole(5, 90),
        "end_learning_rate": d.size(1e-4, 1e-2),
        "power": d.one_of(1.0, 2.0, d.real(0.3, 3)),
        "cycle": d.flag(),
    },
    "CosineDecay": lambda d: {
        "decay_steps": d.whole(10, 90),
        "alpha": d.real(0, 0.3),
        **d.one_of({}, {"warmup_target": d.size(1e-2, 0.5), "warmup_steps": d.whole(1, 20)}),
    },
    "CosineDecayRestarts": lambda d: {
        "first_decay_steps": d.whole(5, 30),
        "t_mul": d.one_of(1.0, 2.0, d.real(1.1, 3)),
        "m_mul": d.real(0.5, 1.1),
        "alpha": d.real(0, 0.3),
    },
}


def _schedules(d: Draw) -> Iterator[SetUp]:
    for name, own in _SCHEDULES.items():
        for _ in range(3):
            config = {"initial_learning_rate": d.size(1e-3, 0.3), **own(d)}
            yield SetUp("schedules", name, {"of": Of("optimizers.schedules", name, config)})
    name = "PiecewiseConstantDecay"
    for _ in range(3):
        at = d.whole(1, 20)
        config = {"boundaries": [at, 3 * at, 4 * at], "values": [d.size(1e-3, 0.3) for _ in range(4)]}
        yield SetUp("schedules", name, {"of": Of("optimizers.schedules", name, config)})


def _run_schedule(library: Any, what: dict[str, Any]) -> Arrays:
    schedule = _made(library, what["of"])
    # not so many that rates become denormal numbers, which TensorFlow takes for 0
    steps = [*range(30), 31, 40, 59, 60, 64, 90, 99, 150, 200]
    return {"arrays": [np.float32(schedule(_tensor(library, np.int64(step)))) for step in steps]}


# ---- metrics ---------------------------------------------------------------------------------------------------


def _thresholds(d: Draw) -> dict[str, Any]:
    return {"thresholds": d.one_of(None, d.fraction(0.1, 0.9), [d.fraction(0, 0.4), d.fraction(0.5, 1)])}


def _area(d: Draw) -> dict[str, Any]:
    return {
        "curve": d.one_of("ROC", "PR"),
        "summation_method": d.one_of("interpolation", "minoring", "majoring"),
        "num_thresholds": d.one_of(200, d.whole(3, 50)),
        "multi_label": d.flag(),
    }


def _share(name: str) -> Callable[[Draw], dict[str, Any]]:
    return lambda d: {name: d.real(0.2, 0.8), "num_thresholds": d.one_of(200, d.whole(3, 50))}


def _beta(d: Draw) -> dict[str, Any]:
    return {"average": d.one_of(None, "micro", "macro", "weighted"), "threshold": d.one_of(None, d.fraction(0.2, 0.8))}


def _none(d: Draw) -> dict[str, Any]:
    return {}


# row of the table: {class: (data, settings)}
_METRICS: dict[str, dict[str, tuple[str, Callable[[Draw], dict[str, Any]]]]] = {
    "means and errors": {
        **dict.fromkeys(
            "MeanSquaredError MeanAbsoluteError RootMeanSquaredError MeanAbsolutePercentageError LogCoshError "
            "CosineSimilarity".split(),
            ("real", _none),
        ),
        "MeanSquaredLogarithmicError": ("counts", _none),
        "R2Score": ("real", lambda d: {"class_aggregation": d.one_of("uniform_average", "variance_weighted_average")}),
    },
    "correlations": {"PearsonCorrelation": ("real", _none), "ConcordanceCorrelation": ("real", _none)},
    "accuracies": {
        "Accuracy": ("equal", _none),
        "BinaryAccuracy": ("chances", lambda d: {"threshold": d.fraction(0.2, 0.8)}),
        "CategoricalAccuracy": ("onehot", _none),
        "SparseCategoricalAccuracy": ("classes", _none),
        "TopKCategoricalAccuracy": ("onehot", lambda d: {"k": d.whole(1, 3)}),
        "SparseTopKCategoricalAccuracy": ("classes", lambda d: {"k": d.whole(1, 3)}),
    },
    "cross-entropies and hinges": {
        "BinaryCrossentropy": ("chances", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
        "CategoricalCrossentropy": ("onehot", lambda d: {"label_smoothing": d.one_of(0.0, d.real(0, 0.4))}),
        "SparseCategoricalCrossentropy": ("classes", _none),
        "KLDivergence": ("shares", _none),
        "Poisson": ("counts", _none),
        **dict.fromkeys("Hinge SquaredHinge CategoricalHinge".split(), ("signs", _none)),
    },
    "counts and rates": {
        **dict.fromkeys("TruePositives TrueNegatives FalsePositives FalseNegatives".split(), ("chances", _thresholds)),
        **dict.fromkeys("Precision Recall".split(), ("chances", _thresholds)),
    },
    "curves": {
        "AUC": ("chances", _area),
        "SensitivityAtSpecificity": ("chances", _share("specificity")),
        "SpecificityAtSensitivity": ("chances", _share("sensitivity")),
        "PrecisionAtRecall": ("chances", _share("recall")),
        "RecallAtPrecision": ("chances", _share("precision")),
    },
    "F scores": {
        "F1Score": ("onehot", _beta),
        "FBetaScore": ("onehot", lambda d: {**_beta(d), "beta": d.real(0.3, 3)}),
    },
    "intersections over unions": {
        "MeanIoU": ("equal", lambda d: {"num_classes": 4}),
        "IoU": ("equal", lambda d: {"num_classes": 4, "target_class_ids": [0, 2]}),
        "BinaryIoU": ("chances", lambda d: {"threshold": d.fraction(0.2, 0.8)}),
        "OneHotIoU": ("onehot", lambda d: {"num_classes": 4, "target_class_ids": [1]}),
        "OneHotMeanIoU": ("onehot", lambda d: {"num_classes": 4}),
    },
}


def _metrics(d: Draw) -> Iterator[SetUp]:
    for row, classes in _METRICS.items():
        for name, (kind, own) in classes.items():
            for _ in range(2):
                what = {"kind": kind, "weighted": d.flag(), "data": d.seed()}
                yield SetUp("metrics", row, {"of": Of("metrics", name, own(d)), **what})
    for name in ("Mean", "Sum"):
        what = {"kind": "counts", "weighted": d.flag(), "data": d.seed()}
        yield SetUp("metrics", "means and errors", {"of": Of("metrics", name, {}), **what})


def _run_metric(library: Any, what: dict[str, Any]) -> Arrays:
    d, metric = Draw(what["data"]), _made(library, what["of"])
    units = 1 if what["of"].name == "BinaryIoU" else 4  # it wants a weight for each output
    y, p = d.classes((2, 40), 4) if what["kind"] == "equal" else data(what["kind"], d, 40, units)
    if what["kind"] == "real":
        p = y + p / 2  # figures of what has nothing to do with each other are nothing but rounding
    w = d.array(len(y), 0.2, 2).astype(np.float32)
    if "IoU" in what["of"].name:
        w = np.ceil(w)  # these count in whole numbers
    y, p = y.astype(np.float32), p.astype(np.float32)
    results = []
    for rows in (slice(0, 23), slice(23, 40)):
        given = (p[rows],) if what["of"].name in ("Mean", "Sum") else (y[rows], p[rows])
        metric.update_state(*given, sample_weight=w[rows] if what["weighted"] else None)
        results.append(np.array(metric.result(), np.float32))
    return {"figures": results}


# ---- whole runs ------------------------------------------------------------------------------------------------


def _layer(name: str, **config: Any) -> Of:
    return Of("layers", name, config)


def _dense(units: int, activation: str | None = None, **config: Any) -> Of:
    return _layer("Dense", units=units, activation=activation, **config)


def _initializer(d: Draw) -> str:
    return str(d.one_of("glorot_uniform", "he_normal", "lecun_uniform", "truncated_normal", "orthogonal"))


_LAYERS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "Dense": lambda d: {
        "units": d.whole(2, 9),
        "activation": d.one_of("tanh", "sigmoid", "elu", "selu", "silu", "softplus", "softsign"),
        "use_bias": d.flag(),
        "kernel_initializer": _initializer(d),
    },
    "Activation": lambda d: {
        "activation": d.one_of("tanh", "sigmoid", "softmax", "mish", "log_softmax", "exponential")
    },
    "ReLU": lambda d: {
        "negative_slope": d.fraction(0, 0.3),
        "max_value": d.fraction(1, 3),
        "threshold": d.fraction(0, 0.5),
    },
    "LeakyReLU": lambda d: {"negative_slope": d.fraction(0.02, 0.5)},
    "ELU": lambda d: {"alpha": d.real(0.2, 2)},
    "Softmax": lambda d: {},
    "PReLU": lambda d: {"alpha_initializer": Of("initializers", "Constant", {"value": d.real(0, 0.5)})},
    "Flatten": lambda d: {},
    "Rescaling": lambda d: {"scale": d.fraction(0.2, 2), "offset": d.fraction(-1, 1)},
    "Normalization": lambda d: {"mean": d.fraction(-1, 1), "variance": d.fraction(0.5, 3), "invert": d.flag()},
    "BatchNormalization": lambda d: {
        "momentum": d.real(0.5, 0.99),
        "epsilon": d.size(1e-3, 1e-1),
        "center": d.flag(),
        "scale": d.flag(),
    },
    "LayerNormalization": lambda d: {"epsilon": d.size(1e-3, 1e-1), "center": d.flag(), "scale": d.flag()},
    "Dropout": lambda d: {"rate": d.real(0.1, 0.7), "seed": d.one_of(None, d.seed())},
    "AlphaDropout": lambda d: {"rate": d.real(0.1, 0.5), "seed": d.one_of(None, d.seed())},
    "GaussianDropout": lambda d: {"rate": d.real(0.1, 0.5), "seed": d.one_of(None, d.seed())},
    "GaussianNoise": lambda d: {"stddev": d.real(0.05, 0.5), "seed": d.one_of(None, d.seed())},
}


def _regularizer(d: Draw) -> Of:
    l1, l2 = 2.0 ** -d.whole(4, 9), 2.0 ** -d.whole(4, 9)
    return d.one_of(
        Of("regularizers", "L1", {"l1": l1}),
        Of("regularizers", "L2", {"l2": l2}),
        Of("regularizers", "L1L2", {"l1": l1, "l2": l2}),
    )


def _constraint(d: Draw) -> Of:
    return d.one_of(
        Of("constraints", "MaxNorm", {"max_value": d.real(0.3, 1.5), "axis": d.one_of(0, 1)}),
        Of("constraints", "MinMaxNorm", {"min_value": d.real(0.2, 0.5), "max_value": 1.0, "rate": d.real(0.2, 1)}),
        Of("constraints", "UnitNorm", {}),
        Of("constraints", "NonNeg", {}),
    )


def _model(d: Draw, layers: list[Of], dtype: str = "float32", kind: str = "onehot", **more: Any) -> dict[str, Any]:
    """A run as everybody's: `more` changes what is in it."""
    ends = {
        "onehot": ("softmax", "categorical_crossentropy"),
        "classes": ("softmax", "sparse_categorical_crossentropy"),
        "chances": ("sigmoid", "binary_crossentropy"),
    }
    end, loss = ends.get(kind, (None, "mean_squared_error"))
    what: dict[str, Any] = {
        "layers": [*layers, _dense(3, end)],
        "optimizer": Of("optimizers", "SGD", {"learning_rate": d.size(1e-2, 1e-1)}),
        "loss": loss,
        "compile": {},
        "fit": {"epochs": 4, "batch_size": d.whole(5, 20)},
        "rows": d.whole(30, 50),
        "kind": kind,
        "dtype": dtype,
        "seed": d.seed(),
        "data": d.seed(),
    }
    return {**what, **more, "fit": {**what["fit"], **more.get("fit", {})}}


def _layers(d: Draw) -> Iterator[SetUp]:
    for name, own in _LAYERS.items():
        # Keras draws AlphaDropout's uniform numbers in its default type, which is float32 for all that ask for none
        for dtype in ("float32", "float32", "float32" if name == "AlphaDropout" else "float64"):
            bias = name != "BatchNormalization"  # a bias below it has a gradient of 0, and what is not, is rounding
            stack = [_dense(d.whole(4, 9), d.one_of("tanh", None), use_bias=bias), _layer(name, **own(d))]
            yield SetUp("layers", name, _model(d, stack, dtype))
    for _ in range(4):
        ruled = _dense(6, "tanh", kernel_regularizer=_regularizer(d), activity_regularizer=_regularizer(d))
        yield SetUp("layers", "regularizers", _model(d, [ruled], d.one_of("float32", "float64")))
        rule = Of(
            "regularizers", "OrthogonalRegularizer", {"factor": d.real(0.1, 1), "mode": d.one_of("rows", "columns")}
        )
        ruled = _dense(6, "tanh", kernel_regularizer=rule, bias_regularizer=_regularizer(d))
        yield SetUp("layers", "regularizers", _model(d, [ruled]))
        ruled = _dense(6, "tanh", kernel_constraint=_constraint(d), bias_constraint=Of("constraints", "NonNeg", {}))
        yield SetUp("layers", "constraints", _model(d, [ruled], d.one_of("float32", "float64")))
    frozen = [_dense(6, "tanh", trainable=False), _layer("BatchNormalization", trainable=False)]
    yield SetUp("layers", "frozen layers", _model(d, frozen))


def _stack(d: Draw) -> list[Of]:
    return [_dense(d.whole(3, 9), d.one_of("tanh", "sigmoid", "elu", "relu", "silu")) for _ in range(d.whole(1, 3))]


def _noisy(d: Draw) -> list[Of]:
    noise = [_layer(name, **_LAYERS[name](d)) for name in ("GaussianNoise", "Dropout", "GaussianDropout")]
    return [noise[0], _dense(8, "tanh"), noise[1], _dense(7, "elu"), d.one_of(*noise[1:])]


def _runs(d: Draw) -> Iterator[SetUp]:
    for kind in ("onehot", "classes", "chances", "real"):
        for dtype in ("float32", "float64"):
            yield SetUp("runs", "a seed and the defaults", _model(d, _stack(d), dtype, kind))
        accuracy: dict[str, Any] = {"compile": {"metrics": ["accuracy", "mae"] if kind != "classes" else ["accuracy"]}}
        split = {"validation_split": d.real(0.15, 0.4)}
        yield SetUp("runs", "validation split", _model(d, _stack(d), kind=kind, fit=split, **accuracy))
        yield SetUp("runs", "without shuffling", _model(d, _stack(d), kind=kind, fit={"shuffle": False}))
        yield SetUp("runs", "dropout and noise", _model(d, _noisy(d), kind=kind, fit=split))
        metrics: dict[str, Any] = {"compile": {"weighted_metrics": ["accuracy"], "loss_weights": d.real(0.3, 3)}}
        weights = d.one_of({"sample_weight": True}, {"class_weight": {0: d.real(0.2, 3), 1: d.real(0.2, 3)}})
        yield SetUp("runs", "weighted rows and losses", _model(d, _stack(d), kind=kind, fit=weights, **metrics))
        normalized = [_dense(8, "tanh"), _layer("BatchNormalization"), _dense(7, "silu"), _layer("LayerNormalization")]
        yield SetUp("runs", "normalized", _model(d, normalized, kind=kind, fit=split))
    for name, own in _OPTIMIZERS.items():
        if name != "ScheduleFreeAdamW":  # Keras's own fit starts its z at 0, and so loses the first weights
            said = Of("optimizers", name, {"learning_rate": 0.01, **own(d), **_shared_options(d)})
            yield SetUp("runs", "every optimizer", _model(d, [_dense(6, d.one_of("tanh", "gelu"))], optimizer=said))
    for name, (kinds, own_loss) in _LOSSES.items():
        yield SetUp("runs", "every loss", _loss_model(d, name, kinds.split()[0], own_loss(d), "float32"))


def _loss_model(d: Draw, name: str, kind: str, config: dict[str, Any], dtype: str) -> dict[str, Any]:
    """A run with that loss, and an end that gives what it can take."""
    ends = {"counts": "softplus", "labels": "tanh", "chances": "sigmoid", "shares": "softmax"}
    run = _model(d, [_dense(6, "tanh")], dtype, kind, loss=Of("losses", name, config))
    if kind in ends:
        run["layers"][-1] = _dense(3, ends[kind])
    if name == "MeanAbsolutePercentageError":  # it has large slopes
        run["optimizer"] = Of("optimizers", "SGD", {"learning_rate": 1e-5})
    return run


def _callbacks(d: Draw) -> Iterator[SetUp]:
    def run(name: str, config: dict[str, Any], **more: Any) -> SetUp:
        fit = {"epochs": 12, "validation_split": 0.3, "callbacks": [Of("callbacks", name, config)]}
        sgd = Of("optimizers", "SGD", {"learning_rate": d.real(0.1, 0.5), "momentum": 0.5, **more})
        return SetUp("callbacks", name, _model(d, [_dense(6, "tanh")], kind="real", fit=fit, optimizer=sgd))

    for _ in range(2):
        monitor = d.one_of("loss", "val_loss")
        stop = {"monitor": monitor, "patience": d.whole(1, 3), "restore_best_weights": d.flag()}
        yield run("EarlyStopping", {**stop, "min_delta": d.one_of(0.0, 0.02)})
        plateau = {"monitor": monitor, "factor": d.real(0.2, 0.8), "patience": d.whole(1, 2), "min_delta": 0.03}
        yield run("ReduceLROnPlateau", {**plateau, "cooldown": d.whole(0, 2)})
        yield run("LearningRateScheduler", {"schedule": _falling if d.flag() else _of_the_epoch})
        averages = {"use_ema": True, "ema_momentum": d.real(0.5, 0.95)}
        yield run("SwapEMAWeights", {"swap_on_epoch": d.flag()}, **averages)


def _falling(epoch: int, rate: float) -> float:
    return rate if epoch < 3 else rate * 0.8


def _of_the_epoch(epoch: int) -> float:
    return 0.3 / (1 + epoch // 2)


def _data(what: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Rows, targets, and the arguments of `fit`."""
    d, rows, dtype = Draw(what["data"]), what["rows"], what["dtype"]
    x = d.array((rows, 5), -2, 2).astype(np.float32).astype(dtype)
    y = data(what["kind"], d, rows, 3)[0].astype(np.float32).astype(dtype)
    if what["kind"] == "real":
        y = np.clip(x[:, :3], -1, 1) + y / 4  # so that there is something to learn
    fit = dict(what["fit"])
    if fit.get("sample_weight"):
        fit["sample_weight"] = d.array(rows, 0.2, 2).astype(np.float32).astype(dtype)
    return x, y.astype(dtype), fit


def _compiled(library: Any, what: dict[str, Any]) -> Any:
    library.utils.set_random_seed(what["seed"])
    inputs = library.Input((5,), dtype=what["dtype"])
    model = library.Sequential([inputs, *_made(library, what["layers"])])
    model.compile(_made(library, what["optimizer"]), _made(library, what["loss"]), **what["compile"])
    return model


def _trained(library: Any, model: Any, what: dict[str, Any]) -> Arrays:
    x, y, fit = _data(what)
    history = model.fit(x, y, **_made(library, fit), verbose=0).history
    return {
        "losses": [np.array(history[name], np.float64) for name in sorted(history)],
        "after": [
            *model.get_weights(),
            np.array(model.predict(x, verbose=0)),
            np.array(model.evaluate(x, y, verbose=0), np.float64),
        ],
    }


def _run_model(library: Any, what: dict[str, Any]) -> Arrays:
    with _floats(library, what["dtype"]):
        return _trained(library, _compiled(library, what), what)


# ---- files -----------------------------------------------------------------------------------------------------


def _files(d: Draw) -> Iterator[SetUp]:
    for name in ("SGD", "Adam", "RMSprop", "Adafactor"):
        said = Of("optimizers", name, {"learning_rate": 0.01, **_OPTIMIZERS[name](d)})
        stack = [
            _dense(6, use_bias=False),
            _layer("BatchNormalization"),
            _layer("LeakyReLU", negative_slope=d.fraction(0.1, 0.4)),
        ]
        rate = {"kernel_regularizer": _regularizer(d), "kernel_initializer": _initializer(d)}
        fit = {"epochs": 2, "shuffle": False}
        what = _model(
            d, [*stack, _dense(5, "tanh", **rate)], optimizer=said, fit=fit, compile={"metrics": ["accuracy"]}
        )
        yield SetUp("files", "Keras's, read by gdcore", what)


def written(library: Any, what: dict[str, Any]) -> bytes:
    """A ``.keras`` file of a model in the midst of its training."""
    import os
    import tempfile

    model = _compiled(library, what)
    x, y, fit = _data(what)
    model.fit(x, y, **fit, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        with open(path, "rb") as file:
            return file.read()


def read(library: Any, content: bytes, what: dict[str, Any]) -> Arrays:
    """What becomes of the model in a file when its training goes on."""
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        with open(path, "wb") as file:
            file.write(content)
        model = (library.saving if _is_keras(library) else library.models).load_model(path)
    return _trained(library, model, what)


# ---- gradients -------------------------------------------------------------------------------------------------


def gradient_set_ups(ours: Any, seed: int) -> Iterator[SetUp]:
    """A small net in float64 around each layer, activation and loss."""
    d = Draw(seed)
    for name, own in _LAYERS.items():
        yield SetUp("layers", name, _model(d, [_dense(5, "tanh"), _layer(name, **own(d))], "float64"))
    for name, settings in _ACTIVATIONS.items():
        if name != "glu":  # which no layer can have
            activation = getattr(ours.activations, name).with_parameters(**settings(d))
            if "axis" in activation.parameters:
                activation = getattr(ours.activations, name)
            yield SetUp("activations", name, _model(d, [_dense(5, activation)], "float64", "real"))
    for name, (kinds, settings) in _LOSSES.items():
        yield SetUp("losses", name, _loss_model(d, name, kinds.split()[0], settings(d), "float64"))


# ---- all of them -----------------------------------------------------------------------------------------------

_DRAWN: dict[str, Callable[[Draw], Iterator[SetUp]]] = {
    "optimizers": _optimizers,
    "activations": _activations,
    "losses": _losses,
    "initializers": _initializers,
    "schedules": _schedules,
    "metrics": _metrics,
    "layers": _layers,
    "callbacks": _callbacks,
    "runs": _runs,
    "files": _files,
}
PARTS = tuple(_DRAWN)


def set_ups(part: str, seed: int) -> list[SetUp]:
    """The set-ups of a part that a seed gives."""
    return list(_DRAWN[part](Draw((seed + 7919 * PARTS.index(part)) % 2**32)))


def run(library: Any, set_up: SetUp) -> Arrays:
    """What a library gives for a set-up (for all but files): arrays, by what is measured on them."""
    part, name, what = set_up
    if part in ("layers", "callbacks", "runs"):
        return _run_model(library, what)
    if part in ("optimizers", "schedules", "metrics"):
        runner = {"optimizers": _run_optimizer, "schedules": _run_schedule, "metrics": _run_metric}[part]
        return runner(library, what)
    return {"activations": _run_activation, "losses": _run_loss, "initializers": _run_initializer}[part](
        library, name, what
    )
