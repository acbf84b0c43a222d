"""Optimizers: hundreds of updates of the same arrays by the same gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import schedules
from .draw import Arrays, Draw, Of, SetUp
from .libraries import as_tensor, build, is_keras

STEPS = 200
_SHAPES = ((7, 3), (5,))
_ALL_SHAPES = (*_SHAPES, (4, 9), (2, 3, 4))

# the elementwise ones first; each with what its own settings may be
OPTIMIZERS: dict[str, Callable[[Draw], dict[str, Any]]] = {
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
ELEMENTWISE = tuple(OPTIMIZERS)[:8]


def _betas(d: Draw) -> dict[str, Any]:
    return {"beta_1": d.real(0.5, 0.95), "beta_2": d.real(0.8, 0.999), "epsilon": d.size(1e-8, 1e-2)}


def shared_options(d: Draw) -> dict[str, Any]:
    """Settings of all optimizers that leave an elementwise one elementwise."""
    return {
        **d.one_of({}, {"clipvalue": d.size(0.1, 3)}),
        **d.one_of({}, {"use_ema": True, "ema_momentum": d.real(0.5, 0.99), "ema_overwrite_frequency": d.whole(2, 9)}),
        **d.one_of({}, {"gradient_accumulation_steps": d.whole(2, 5)}),
        **d.one_of({}, {"loss_scale_factor": 2.0 ** d.whole(-3, 12)}),
        **d.one_of({}, {"weight_decay": d.size(1e-3, 1e-1)}),
    }


def draw(d: Draw) -> Iterator[SetUp]:
    def set_up(row: str, name: str, config: dict[str, Any]) -> SetUp:
        many = name not in ELEMENTWISE and name != "LossScaleOptimizer"
        return SetUp("optimizers", row, {"of": name, "config": config, "many": many, "data": d.seed()})

    for name, own in OPTIMIZERS.items():
        yield set_up(name, name, {})
        for _ in range(2):
            yield set_up(name, name, {"learning_rate": d.size(1e-3, 1e-1), **shared_options(d), **own(d)})
    for _ in range(3):
        inner = Of("optimizers", "Adam", {"learning_rate": d.size(1e-3, 1e-1), **_betas(d)})
        config = {"inner_optimizer": inner, "initial_scale": 2.0 ** d.whole(3, 12), "dynamic_growth_steps": 5}
        yield set_up("LossScaleOptimizer", "LossScaleOptimizer", config)
    for name in ("SGD", "Adam", "RMSprop"):
        rate = d.one_of(*(schedule.what["of"] for schedule in schedules.draw(d)))
        yield set_up("with a schedule", name, {"learning_rate": rate, **OPTIMIZERS[name](d)})
        clip = d.one_of("clipnorm", "global_clipnorm")
        config = {"learning_rate": d.size(1e-3, 1e-1), clip: d.size(0.1, 3), **OPTIMIZERS[name](d)}
        yield set_up("clipped by norm", name, config)


def run(library: Any, what: dict[str, Any]) -> Arrays:
    d = Draw(what["data"])
    shapes = _ALL_SHAPES if what["many"] else _SHAPES
    variables = [np.array(d.array(shape), np.float32) for shape in shapes]
    sizes = [2.0 ** np.floor(d.array(shape, -9, 4)) for shape in shapes]
    if is_keras(library):
        variables = [library.Variable(values) for values in variables]
    optimizer = build(library, Of("optimizers", what["of"], what["config"]))
    optimizer.build(variables)
    scaling = what["of"] == "LossScaleOptimizer"
    factor = what["config"].get("loss_scale_factor", 1.0)  # gradients are those of the scaled loss
    outputs: Arrays = {"arrays": []}
    for t in range(1, STEPS + 1):
        drift = t / STEPS - 0.5
        grads = [size * (d.array(size.shape) + drift) * (d.array(size.shape) > -0.9) for size in sizes]
        grads = [np.asarray(factor * g, np.float32) for g in grads]
        if scaling:  # gradients of the scaled loss, and now and then one that is not finite
            grads = [np.asarray(optimizer.scale_loss(as_tensor(library, g)), np.float32) for g in grads]
            if t % 7 == 5:
                grads[0] = np.full_like(grads[0], np.inf)
        # not in a tf.function, in which TensorFlow rearranges what the optimizers say
        optimizer.apply([as_tensor(library, g) for g in grads], variables)
        if t in (1, 10, STEPS):
            outputs["arrays"] += [np.array(v) for v in variables]
    if scaling:
        outputs["arrays"].append(np.float32(optimizer.dynamic_scale))
    optimizer.finalize_variable_values(variables)
    outputs["arrays"] += [np.array(v) for v in variables] if what["config"].get("use_ema") else []
    return outputs
