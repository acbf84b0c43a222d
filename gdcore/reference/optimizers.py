"""Optimizer updates in Keras's order of operations (keras/src/optimizers), array by array.

An optimizer is made from a configuration as Keras writes it; `apply` is one call of Keras's `apply`: gradient
accumulation, clipping, weight decay, the step itself, the moving average.  A learning rate that is a function is
called with the number of calls so far.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Optimizer:
    """The settings as attributes, and all that is around the step."""

    learning_rate: Any
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
        "loss_scale_factor": None,
        "gradient_accumulation_steps": None,
    }

    def __init__(self, **config: Any) -> None:
        for key, value in {**self.common, **self.defaults, **config}.items():
            setattr(self, key, value)
        self.schedule = self.learning_rate if callable(self.learning_rate) else None
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

    def decay_of(self, p: Array) -> float | None:
        """The weight decay of a parameter array."""
        return self.weight_decay

    def apply(self, params: list[Array], grads: list[Array]) -> None:
        """One call with a gradient for each array."""
        if not self.slots:
            for p in params:
                self.slots.append({**self.start(p), "average": np.zeros_like(p), "sum": np.zeros_like(p)})
        if self.schedule is not None:
            self.learning_rate = self.schedule(self.calls)
        if self.loss_scale_factor is not None:
            grads = [g / g.dtype.type(self.loss_scale_factor) for g in grads]
        every = self.gradient_accumulation_steps or 1
        iterations = self.calls // every
        if (self.calls + 1) % every == 0:
            if every > 1:
                grads = [(g + slot["sum"]) / every for g, slot in zip(grads, self.slots, strict=True)]
            grads = self.clip(grads)
            for p, g, slot in zip(params, grads, self.slots, strict=True):
                slot["sum"][...] = 0
                decay = self.decay_of(p)
                if decay is not None:
                    p -= p * p.dtype.type(decay) * p.dtype.type(self.learning_rate)
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


class Adan(Optimizer):
    """w <- w - lr (m_hat + b2 u_hat) / (sqrt(v_hat) + epsilon), u being the mean of the gradient's differences."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p), "u": np.zeros_like(p), "v": np.zeros_like(p), "last": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        m, u, v, last = slot["m"], slot["u"], slot["v"], slot["last"]
        difference = g - last if t > 1 else np.zeros_like(g)
        m += (g - m) * (1 - self.beta_1)
        u += (difference - u) * (1 - self.beta_2)
        v += ((g + self.beta_2 * difference) ** 2 - v) * (1 - self.beta_3)
        last[...] = g
        ahead = m / (1 - self.beta_1**t) + self.beta_2 * u / (1 - self.beta_2**t)
        p -= self.learning_rate * ahead / (np.sqrt(v / (1 - self.beta_3**t)) + self.epsilon)


class Lion(Optimizer):
    """w <- w - lr sign(m b1 + g (1 - b1)); m <- m b2 + g (1 - b2)."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        m = slot["m"]
        p -= self.learning_rate * np.sign(m * self.beta_1 + g * (1 - self.beta_1))
        m[...] = m * self.beta_2 + g * (1 - self.beta_2)


class Lamb(Optimizer):
    """u = m_hat / (sqrt(v_hat) + epsilon); w <- w - lr (|w| / |u|) u."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p), "v": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        m, v = slot["m"], slot["v"]
        m += (g - m) * (1 - self.beta_1)
        v += (g * g - v) * (1 - self.beta_2)
        u = m / (1 - self.beta_1**t) / (np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        length, other = np.sqrt(np.sum(p * p)), np.sqrt(np.sum(u * u))
        ratio = length / other if length > 0 and other > 0 else 1.0
        p -= ratio * self.learning_rate * u


class Adafactor(Optimizer):
    """The mean squares v of a matrix are the outer product of those of its rows and columns, over their mean.

    u = g / sqrt(v), limited in its root mean square; w <- w - max(epsilon_2, rms(w)) min(lr, 1 / sqrt(t)) u.
    """

    def start(self, p: Array) -> dict[str, Array]:
        if p.ndim < 2:
            return {"v": np.zeros_like(p)}
        return {"rows": np.zeros_like(p[..., 0]), "columns": np.zeros_like(p[..., 0, :])}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        def rms(x: Array) -> Any:
            return np.sqrt(np.mean(x * x))

        rho = min(self.learning_rate, 1 / np.sqrt(t))
        alpha = max(self.epsilon_2, rms(p)) * rho
        square = g * g + self.epsilon_1
        keep = 1 - t**self.beta_2_decay
        if p.ndim < 2:
            v = slot["v"]
            v[...] = keep * v + (1 - keep) * square
        else:
            rows, columns = slot["rows"], slot["columns"]
            rows[...] = keep * rows + (1 - keep) * square.mean(axis=-1)
            columns[...] = keep * columns + (1 - keep) * square.mean(axis=-2)
            v = (rows / rows.mean(axis=-1, keepdims=True))[..., None] * columns[..., None, :]
        u = g / np.sqrt(v)
        p -= alpha * (u / max(1.0, rms(u) / self.clip_threshold))


class Muon(Optimizer):
    """Matrices move by their momentum, orthogonalised by Newton and Schulz's iteration; all else by Adam."""

    def start(self, p: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(p), "v": np.zeros_like(p)}

    def decay_of(self, p: Array) -> float | None:
        return self.weight_decay if p.ndim == 2 else self.adam_weight_decay

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        m, v = slot["m"], slot["v"]
        if p.ndim != 2:
            rate = self.learning_rate * self.adam_lr_ratio
            m += (g - m) * (1 - self.adam_beta_1)
            v += (g * g - v) * (1 - self.adam_beta_2)
            alpha = rate * np.sqrt(1 - self.adam_beta_2**t) / (1 - self.adam_beta_1**t)
            p -= m * alpha / (np.sqrt(v) + self.epsilon)
            return
        m += g + m * (self.momentum - 1)
        move = self.learning_rate * self.orthogonalised(g + self.momentum * m if self.nesterov else m)
        p -= move if self.rms_rate is None else move * np.sqrt(max(p.shape)) * self.rms_rate

    def orthogonalised(self, x: Array) -> Array:
        """x with its singular values s after `ns_steps` of s <- a s + b s^3 + c s^5, from s / |x|."""
        if x.shape[0] > x.shape[1]:
            return self.orthogonalised(x.T).T
        x = x / (np.sqrt(np.sum(x * x)) + 1e-7)
        for _ in range(self.ns_steps):
            square = x @ x.T
            x = self.muon_a * x + (self.muon_b * square + self.muon_c * square @ square) @ x
        return x


class ScheduleFreeAdamW(Optimizer):
    """z moves as Adam's weights do, x is the mean of all z, and w = (1 - b1) z + b1 x.

    The old x is recovered from the old w by the new z, as in Keras on TensorFlow.
    """

    def start(self, p: Array) -> dict[str, Array]:
        return {"z": p.copy(), "v": np.zeros_like(p)}

    def step(self, p: Array, g: Array, slot: dict[str, Array], t: int) -> None:
        z, v, b1 = slot["z"], slot["v"], self.beta_1
        lr = self.learning_rate * min(t / self.warmup_steps, 1.0) if self.warmup_steps else self.learning_rate
        v += (g * g - v) * (1 - self.beta_2)
        z -= lr * g / (np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon)
        x = (p - (1 - b1) * z) / b1
        x = (1 - 1 / t) * x + z / t
        p[...] = (1 - b1) * z + b1 * x
