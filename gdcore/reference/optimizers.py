"""Optimizer updates in Keras's order of operations (keras/src/optimizers), array by array.

An optimizer is made from a configuration as Keras writes it; `apply` is one call of Keras's `apply`: gradient
accumulation, clipping, weight decay, the step itself, the moving average.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Optimizer:
    """The settings as attributes, and all that is around the step."""

    defaults: dict[str, Any] = {}  # noqa: RUF012 - read only
    common: dict[str, Any] = {  # noqa: RUF012 - read only
        "name": None,
        "learning_rate": 0.001,
        "weight_decay": None,
        "clipnorm": None,
        "clipvalue": None,
        "global_clipnorm": None,
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "gradient_accumulation_steps": None,
    }

    def __init__(self, **config: Any) -> None:
        for key, value in {**self.common, **self.defaults, **config}.items():
            setattr(self, key, value)
        self.calls = 0
        self.slots: list[dict[str, Array]] = []

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def start(self, p: Array) -> dict[str, Array]:
        """The arrays that go with a parameter array, as they are before the first step."""
        return {}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        """Change p and slot in place; t counts the steps from 1."""
        raise NotImplementedError

    def apply(self, params: list[Array], grads: list[Array]) -> None:
        """One call with a gradient for each array."""
        if not self.slots:
            for p in params:
                self.slots.append({**self.start(p), "average": np.zeros_like(p), "sum": np.zeros_like(p)})
        every = self.gradient_accumulation_steps or 1
        iterations = self.calls // every
        if (self.calls + 1) % every == 0:
            if every > 1:
                grads = [(g + slot["sum"]) / every for g, slot in zip(grads, self.slots, strict=True)]
            grads = self.clip(grads)
            for p, g, slot in zip(params, grads, self.slots, strict=True):
                slot["sum"][...] = 0
                if self.weight_decay is not None:
                    p -= p * p.dtype.type(self.weight_decay) * p.dtype.type(self.learning_rate)
                self.step(p, g, slot, iterations + 1)
        else:
            for g, slot in zip(grads, self.slots, strict=True):
                slot["sum"] += g
        if self.use_ema:
            momentum = self.ema_momentum if iterations else 0.0
            for p, slot in zip(params, self.slots, strict=True):
                slot["average"][...] = momentum * slot["average"] + (1 - momentum) * p
                if self.ema_overwrite_frequency and (iterations + 1) % self.ema_overwrite_frequency == 0:
                    p[...] = slot["average"]
        self.calls += 1

    def update(self, params: list[Array], grads: list[Array]) -> None:
        """The same as `apply`."""
        self.apply(params, grads)

    def clip(self, grads: list[Array]) -> list[Array]:
        """Gradients limited by the norm of each, by the norm of all, or by value."""
        if self.clipnorm:
            return [g * self.clipnorm / max(np.sqrt(np.sum(g * g)), self.clipnorm) for g in grads]
        if self.global_clipnorm:
            norm = np.sqrt(sum(np.sum(g * g) for g in grads))
            return [g * (self.global_clipnorm * min(1 / norm, 1 / self.global_clipnorm)) for g in grads]
        if self.clipvalue:
            return [np.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads


class SGD(Optimizer):
    """w <- w - g lr; with momentum v <- v m - g lr and w <- w + v, or (Nesterov) w <- w + (v m - g lr)."""

    defaults = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}  # noqa: RUF012 - read only

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False, **rest: Any) -> None:
        super().__init__(learning_rate=learning_rate, momentum=momentum, nesterov=nesterov, **rest)

    def start(self, p: Array) -> dict[str, Array]:
        return {"v": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        lr, m = p.dtype.type(self.learning_rate), p.dtype.type(self.momentum)
        if self.momentum == 0:
            p -= g * lr
            return
        v = slot["v"]
        v[...] = v * m - g * lr
        p += v * m - g * lr if self.nesterov else v


class Adagrad(Optimizer):
    """a <- a + g^2; w <- w - lr g / sqrt(a + epsilon)."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"a": np.full_like(p, self.initial_accumulator_value)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        slot["a"] += g * g
        p -= self.learning_rate * g / np.sqrt(slot["a"] + self.epsilon)


class RMSprop(Optimizer):
    """v <- rho v + (1 - rho) g^2; w <- w - lr g / sqrt(v + epsilon); centered: v less the squared mean of g."""

    def start(self, p: Array) -> dict[str, Array]:
        return {name: np.zeros_like(p) for name in ("v", "momentum", "mean")}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        v, rho = slot["v"], self.rho
        v[...] = rho * v + (1 - rho) * (g * g)
        variance = v
        if self.centered:
            mean = slot["mean"]
            mean[...] = rho * mean + (1 - rho) * g
            variance = v - mean * mean
        increment = self.learning_rate * g / np.sqrt(variance + self.epsilon)
        if self.momentum > 0:
            slot["momentum"][...] = self.momentum * slot["momentum"] + increment
            increment = slot["momentum"]
        p -= increment


class Adadelta(Optimizer):
    """w <- w + lr d with d = -sqrt(mean of d^2 + epsilon) g / sqrt(mean of g^2 + epsilon)."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"g2": np.zeros_like(p), "d2": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        rho, eps = self.rho, self.epsilon
        slot["g2"][...] = rho * slot["g2"] + (1 - rho) * (g * g)
        d = -(np.sqrt(slot["d2"] + eps) * g / np.sqrt(slot["g2"] + eps))
        slot["d2"][...] = rho * slot["d2"] + (1 - rho) * (d * d)
        p += self.learning_rate * d


class Adam(Optimizer):
    """m and v are decayed means of g and g^2; w <- w - m lr sqrt(1 - b2^t) / (1 - b1^t) / (sqrt(v) + epsilon)."""

    defaults = {"amsgrad": False}  # noqa: RUF012 - read only

    def start(self, p: Array) -> dict[str, Array]:
        return {name: np.zeros_like(p) for name in ("m", "v", "largest")}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        m, v = slot["m"], slot["v"]
        alpha = self.learning_rate * np.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        m += (g - m) * (1 - self.beta_1)
        v += (g * g - v) * (1 - self.beta_2)
        if self.amsgrad:
            slot["largest"][...] = np.maximum(slot["largest"], v)
            v = slot["largest"]
        p -= m * alpha / (np.sqrt(v) + self.epsilon)


class AdamW(Adam):
    """Adam whose weight decay is set."""


class Adamax(Optimizer):
    """u <- max(b2 u, |g|); w <- w - lr m / ((1 - b1^t) (u + epsilon))."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p), "u": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        m, u = slot["m"], slot["u"]
        m += (g - m) * (1 - self.beta_1)
        u[...] = np.maximum(self.beta_2 * u, np.abs(g))
        p -= self.learning_rate * m / ((1 - self.beta_1**t) * (u + self.epsilon))


class Nadam(Optimizer):
    """Adam with a look ahead: the momentum's rate is u_t = b1 (1 - 0.96^t / 2), corrected by the product of all u."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p), "v": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        def u(k: int) -> float:
            return float(self.beta_1 * (1 - 0.5 * 0.96**k))

        product = float(np.prod([u(k) for k in range(1, t + 1)]))
        m, v = slot["m"], slot["v"]
        m += (g - m) * (1 - self.beta_1)
        v += (g * g - v) * (1 - self.beta_2)
        m_hat = u(t + 1) * m / (1 - product * u(t + 1)) + (1 - u(t)) * g / (1 - product)
        p -= m_hat * self.learning_rate / (np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)


class Ftrl(Optimizer):
    """Each weight minimises the sum of all gradients so far, linearised, plus its regularisation."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"a": np.full_like(p, self.initial_accumulator_value), "linear": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        lr, power, l1 = self.learning_rate, -self.learning_rate_power, self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2 * lr)
        a, linear = slot["a"], slot["linear"]
        new = a + g * g
        linear += g + 2 * self.l2_shrinkage_regularization_strength * p - (new**power - a**power) / lr * p
        p[...] = (np.clip(linear, -l1, l1) - linear) / (new**power / lr + 2 * l2)
        a[...] = new


class Lion(Optimizer):
    """w <- w - lr sign(m b1 + g (1 - b1)); m <- m b2 + g (1 - b2)."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        m = slot["m"]
        p -= self.learning_rate * np.sign(m * self.beta_1 + g * (1 - self.beta_1))
        m[...] = m * self.beta_2 + g * (1 - self.beta_2)
