"""Learning-rate schedules in Keras's order of operations (keras/src/optimizers/schedules).

Each function takes the step, as a NumPy scalar whose type is that of all arithmetic, and a configuration as Keras
writes it.
"""

from typing import Any

import numpy as np


def exponential_decay(
    step: Any, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool, name: str
) -> Any:
    """initial rate^(step / decay_steps)."""
    kind = type(step)
    p = step / kind(decay_steps)
    return kind(initial_learning_rate) * kind(decay_rate) ** (np.floor(p) if staircase else p)


def inverse_time_decay(
    step: Any, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool, name: str
) -> Any:
    """initial / (1 + rate step / decay_steps)."""
    kind = type(step)
    p = step / kind(decay_steps)
    return kind(initial_learning_rate) / (1 + kind(decay_rate) * (np.floor(p) if staircase else p))


def polynomial_decay(
    step: Any,
    initial_learning_rate: float,
    decay_steps: float,
    end_learning_rate: float,
    power: float,
    cycle: bool,
    name: str,
) -> Any:
    """(initial - end)(1 - step / decay_steps)^power + end; a cycle multiplies decay_steps instead of stopping."""
    kind = type(step)
    over = kind(decay_steps)
    if not cycle:
        step = min(step, over)
    elif step != 0:
        over = over * np.ceil(step / over)
    end = kind(end_learning_rate)
    return (kind(initial_learning_rate) - end) * (1 - step / over) ** kind(power) + end


def piecewise_constant_decay(step: Any, boundaries: list[float], values: list[float], name: str) -> Any:
    """The value of the range that the step lies in; boundaries belong to the range below."""
    return type(step)(values[int(np.searchsorted(boundaries, float(step), side="left"))])


def cosine_decay(
    step: Any,
    initial_learning_rate: float,
    decay_steps: float,
    alpha: float,
    name: str,
    warmup_target: float | None,
    warmup_steps: float,
) -> Any:
    """A straight line to warmup_target, if there is one; then half a period of the cosine."""
    kind = type(step)
    initial, over = kind(initial_learning_rate), kind(decay_steps)
    if warmup_target is not None:
        before, target = kind(warmup_steps), kind(warmup_target)
        step = min(step, over + before)
        if step < before:
            return (target - initial) * (step / before) + initial
        step, initial = step - before, target
    cosine = kind(0.5) * (1 + np.cos(kind(np.pi) * (min(step, over) / over)))
    return initial * (kind(1 - alpha) * cosine + kind(alpha))


def cosine_decay_restarts(
    step: Any,
    initial_learning_rate: float,
    first_decay_steps: float,
    t_mul: float,
    m_mul: float,
    alpha: float,
    name: str,
) -> Any:
    """Cosine decays one after the other, the i-th t_mul^i times as long and m_mul^i times as high."""
    kind = type(step)
    p, longer = step / kind(first_decay_steps), kind(t_mul)
    if longer == 1:
        i = np.floor(p)
        p = p - i
    else:
        i = np.floor(np.log(1 - p * (1 - longer)) / np.log(longer))
        p = (p - (1 - longer**i) / (1 - longer)) / longer**i
    cosine = kind(0.5) * kind(m_mul) ** i * (1 + np.cos(kind(np.pi) * p))
    return kind(initial_learning_rate) * ((1 - kind(alpha)) * cosine + kind(alpha))


def epoch_decay(step: Any, initial_learning_rate: float, decay: float, steps_per_epoch: float, name: str) -> Any:
    """initial (1 - decay)^(k + 1) in epoch k."""
    return type(step)(initial_learning_rate * (1 - decay) ** (np.floor(float(step) / steps_per_epoch) + 1))
