"""NumPy by hand: float32 buffers made once and written in place, all parameters in one vector for the update."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..workloads import Net, Prediction, Product, Training, Update
from .base import EPSILON, Peer, Runner, blas_thread_choices, importing

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
DIFFERENCE_STEP = 3e-6  # the course's


def activate(name: str, z: Any) -> None:
    """z becomes f(z)."""
    if name == "sigmoid":
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        np.reciprocal(z, out=z)
    elif name == "tanh":
        np.tanh(z, out=z)
    elif name == "relu":
        np.maximum(z, 0, out=z)
    elif name == "selu":
        low = np.minimum(z, 0)
        np.expm1(low, out=low)
        low *= SELU_ALPHA
        np.maximum(z, 0, out=z)
        z += low
        z *= SELU_SCALE
    else:
        z -= z.max(axis=1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)


def multiply_by_slope(name: str, a: Any, d: Any) -> None:
    """d is multiplied by the slope where the activation gave a."""
    if name == "sigmoid":
        d *= a
        d *= 1 - a
    elif name == "tanh":
        d *= 1 - a * a
    elif name == "relu":
        d *= a > 0
    else:
        d *= np.where(a > 0, np.float32(SELU_SCALE), a + np.float32(SELU_SCALE * SELU_ALPHA))


def mean_loss(loss: str, outputs: Any, targets: Any) -> float:
    """Of a batch: targets are one-hot rows, or numbers of shape (rows, 1)."""
    if loss == "mae":
        return float(np.abs(outputs - targets).mean())
    if loss == "crossentropy":
        return -float(np.log(outputs[targets > 0]).mean())
    return -float(np.log(np.maximum(np.where(targets > 0, outputs, 1 - outputs), np.float32(1e-30))).mean())


class Adam:
    """Keras's update of one vector."""

    def __init__(self, size: int, rate: float) -> None:
        self.rate = rate
        self.m, self.v, self.scratch, self.other = np.zeros((4, size), np.float32)
        self.t = 0

    def reset(self) -> None:
        self.m[...] = self.v[...] = self.t = 0

    def __call__(self, theta: Any, grad: Any) -> None:
        self.t += 1
        m, v, scratch, other = self.m, self.v, self.scratch, self.other
        np.subtract(grad, m, out=scratch)
        scratch *= np.float32(0.1)
        m += scratch
        np.multiply(grad, grad, out=scratch)
        scratch -= v
        scratch *= np.float32(0.001)
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += np.float32(EPSILON)
        np.multiply(m, np.float32(self.rate * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)), out=other)
        other /= scratch
        theta -= other


class Trainer:
    """A net with the buffers of its steps."""

    def __init__(self, workload: Training) -> None:
        net = self.net = workload.net
        self.workload = workload
        self.x, y = workload.arrays()
        self.targets = np.eye(net.widths[-1], dtype=np.float32)[y] if workload.loss == "crossentropy" else y
        self.start = np.concatenate([a.ravel() for a in net.start()])
        self.theta, self.grad = self.start.copy(), np.zeros_like(self.start)
        self.weights, self.slopes = _views(self.theta, net), _views(self.grad, net)
        self.outputs = [np.empty((workload.batch, width), np.float32) for width in net.widths]
        self.deltas = [np.empty((workload.batch, width), np.float32) for width in net.widths]
        self.wanted = np.empty((workload.batch, net.widths[-1]), np.float32)
        self.adam = Adam(self.theta.size, workload.rate)
        self.rng = np.random.default_rng(1)
        self.losses: list[float] = []

    def run(self, shuffle: bool) -> None:
        self.losses.clear()
        n, batch = len(self.x), self.workload.batch
        for _ in range(self.workload.epochs):
            order = self.rng.permutation(n) if shuffle else np.arange(n)
            for first in range(0, n, batch):
                self.step(order[first : first + batch])

    def reset(self) -> None:
        self.theta[...] = self.start
        self.adam.reset()

    def step(self, rows: Any) -> None:
        size = len(rows)
        a, t = [buffer[:size] for buffer in self.outputs], self.wanted[:size]
        np.take(self.x, rows, axis=0, out=a[0], mode="clip")  # with a mode other than "raise", out needs no copy
        np.take(self.targets, rows, axis=0, out=t, mode="clip")
        self.forward(a)
        self.losses.append(mean_loss(self.workload.loss, a[-1], t))
        self.backward(a, t)
        self.update()

    def forward(self, a: list[Any]) -> None:
        for l, name in enumerate(self.net.activations):  # noqa: E741
            np.matmul(a[l], self.weights[2 * l], out=a[l + 1])
            a[l + 1] += self.weights[2 * l + 1]
            activate(name, a[l + 1])

    def backward(self, a: list[Any], t: Any) -> None:
        names, d = self.net.activations, [delta[: len(t)] for delta in self.deltas]
        np.subtract(a[-1], t, out=d[-1])  # with a cross-entropy, the slope through the last activation too
        if self.workload.loss == "mae":
            np.sign(d[-1], out=d[-1])
            multiply_by_slope(names[-1], a[-1], d[-1])
        d[-1] *= np.float32(1 / len(t))
        for l in reversed(range(len(names))):  # noqa: E741
            np.matmul(a[l].T, d[l + 1], out=self.slopes[2 * l])
            np.sum(d[l + 1], axis=0, out=self.slopes[2 * l + 1])
            if l:
                np.matmul(d[l + 1], self.weights[2 * l].T, out=d[l])
                multiply_by_slope(names[l - 1], a[l], d[l])

    def update(self) -> None:
        if self.workload.optimizer == "adam":
            self.adam(self.theta, self.grad)
        else:
            self.grad *= np.float32(self.workload.rate)
            self.theta -= self.grad


def _views(flat: Any, net: Net) -> list[Any]:
    shapes = [a.shape for a in net.start()]
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, cuts[:-1]), shapes, strict=True)]


def training(workload: Training) -> Runner:
    if workload.gradient != "analytic":
        return differences(workload)
    trainer = Trainer(workload)
    return Runner(trainer.run, lambda: trainer.weights, trainer.reset, blas_thread_choices())


def differences(workload: Training) -> Runner:
    """As a course for beginners writes it: a loss with each parameter moved, and one with none moved."""
    x, y = (a[:, 0].astype(np.float64) for a in workload.arrays())
    (w1, b1, w2, b2) = workload.net.start()
    start = [*w1[0], *b1, *w2[:, 0], *b2]
    now: list[Any] = []

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + np.exp(-z))

    def loss(u0: Any, u1: Any, u2: Any, b0: Any, b1: Any, b2: Any, v0: Any, v1: Any, v2: Any, c: Any) -> Any:
        hidden = v0 * sigmoid(u0 * x + b0) + v1 * sigmoid(u1 * x + b1) + v2 * sigmoid(u2 * x + b2)
        return np.sum(np.abs(y - sigmoid(hidden + c))) / len(y)

    def run(shuffle: bool) -> None:
        for _ in range(workload.epochs):
            slopes = []
            for i in range(len(now)):
                moved = [*now[:i], now[i] + DIFFERENCE_STEP, *now[i + 1 :]]
                slopes.append((loss(*moved) - loss(*now)) / DIFFERENCE_STEP)
            now[:] = [p - workload.rate * slope for p, slope in zip(now, slopes, strict=True)]

    def reset() -> None:
        now[:] = [np.float64(p) for p in start]

    return Runner(run, lambda: [np.array([now[:3]]), np.array(now[3:6]), np.array([now[6:9]]).T, now[9:]], reset)


def update(workload: Update) -> Runner:
    theta, grad = workload.arrays()
    adam = Adam(theta.size, workload.rate)
    return Runner(lambda: adam(theta, grad), lambda: [theta])


def prediction(workload: Prediction) -> Runner:
    x, _ = workload.arrays()
    weights = workload.net.start()
    layers = list(zip(weights[::2], weights[1::2], workload.net.activations, strict=True))

    def run() -> Any:
        a = x
        for w, b, name in layers:
            a = a @ w
            a += b
            activate(name, a)
        return a

    return Runner(run, lambda: [run()], settings=blas_thread_choices())


def product(workload: Product) -> Runner:
    w, a = workload.arrays()
    out = np.empty((workload.units, workload.rows), np.float32)
    return Runner(lambda: np.dot(w.T, a, out=out), lambda: [out], settings=blas_thread_choices())


PEER = Peer(
    ("numpy",),
    "by hand: float32 buffers made once and written in place, all parameters in one vector for the update",
    training,
    update,
    prediction,
    importing("numpy"),
    product,
)
