"""Who is timed: gdcore and the libraries that do the same work, each as fast as its own means allow.

Nothing here is imported before it is asked for, and each peer works in a process of its own.  A function takes a
work and gives a `Contestant`; it raises `DoesNotFit` where its library cannot do that work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import numpy as np

from .works import Importing, Prediction, Product, Training, Update, Work

EPSILON = 1e-7  # Keras's for Adam


class DoesNotFit(Exception):
    """The library cannot do this work; the message says why."""


class Contestant(NamedTuple):
    """One work, ready to be timed."""

    run: Callable[..., Any]
    """Does the work once. Of a training, takes whether to shuffle."""
    result: Callable[[], list[Any]]
    """The weights, the updated array or the outputs."""
    reset: Callable[[], Any] = lambda: None
    """Back to the start; is not timed."""
    settings: Mapping[str, Callable[[], Any]] = {}
    """What the library leaves to its user, by name: each is tried, and the fastest is kept."""


def _threads(limit: Callable[[int], Any]) -> dict[str, Callable[[], Any]]:
    """A choice between one thread and one for each processor."""
    counts = sorted({1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1})
    return {f"threads={count}": lambda count=count: limit(count) for count in counts}  # type: ignore[misc]


def _blas_threads() -> dict[str, Callable[[], Any]]:
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return {}
    return _threads(threadpool_limits)


class Peer(NamedTuple):
    packages: tuple[str, ...]
    how: str
    training: Callable[[Training], Contestant] | None = None
    update: Callable[[Update], Contestant] | None = None
    prediction: Callable[[Prediction], Contestant] | None = None
    importing: Callable[[Importing], Contestant] | None = None
    product: Callable[[Product], Contestant] | None = None
    environment: tuple[tuple[str, str], ...] = ()

    def versions(self) -> dict[str, str] | None:
        """Of its packages; None if one is not installed."""
        try:
            return {package: version(package) for package in self.packages}
        except PackageNotFoundError:
            return None

    def contestant(self, work: Work) -> Contestant:
        maker: Any = getattr(self, type(work).__name__.lower())
        if maker is None:
            raise DoesNotFit("this library does not take part in such works")
        return maker(work)


# ---- gdcore ----------------------------------------------------------------------------------------------


def gdcore_model(work: Training | Prediction, dtype: str = "float32") -> Any:
    from .. import Sequential
    from ..layers import Dense, Input

    widths, activations = work.net.widths, work.net.activations
    layers = [Dense(units, activation) for units, activation in zip(widths[1:], activations, strict=True)]
    model = Sequential([Input(widths[:1]), *layers], dtype=dtype)
    model.set_weights(work.net.start())
    return model


def gdcore_compiled(work: Training) -> Any:
    from .. import optimizers

    model = gdcore_model(work, "float32" if work.gradient == "analytic" else "float64")
    optimizer: Any = (optimizers.Adam if work.optimizer == "adam" else optimizers.SGD)(work.rate)
    loss = "mae" if work.loss == "mae" else "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, gradient=work.gradient)
    return model


def gdcore_training(work: Training) -> Contestant:
    return fitting(work, *work.arrays())


def fitting(work: Training, x: Any, y: Any) -> Contestant:
    """`Sequential.fit` of these arrays."""
    model = gdcore_compiled(work)
    optimizer = model.optimizer
    optimizer.build(model.get_weights())
    start, fresh = work.net.start(), optimizer.get_state()

    def run(shuffle: bool) -> None:
        model.fit(x, y, batch_size=work.batch, epochs=work.epochs, shuffle=shuffle, verbose=0)

    def reset() -> None:
        model.set_weights(start)
        optimizer.set_state(fresh)

    return Contestant(run, model.get_weights, reset)


def gdcore_update(work: Update) -> Contestant:
    from .. import optimizers

    theta, grad = work.arrays()
    optimizer = optimizers.Adam(work.rate)
    grads, variables = [grad], [theta]
    return Contestant(lambda: optimizer.apply(grads, variables), lambda: variables)


def gdcore_prediction(work: Prediction) -> Contestant:
    from functools import partial

    model = gdcore_model(work)
    run = partial(model.predict, work.arrays()[0])
    return Contestant(run, lambda: [run()])


def gdcore_product(work: Product) -> Contestant:
    from .._core import kernels

    w, a = work.arrays()
    rows = kernels.padded_rows(work.rows)  # that are worked out, as for every batch of so many
    a = np.pad(a, [(0, 0), (0, rows - work.rows)])
    out = np.empty((work.units, rows), np.float32)
    return Contestant(lambda: kernels.multiply(w, a, out), lambda: [out[:, : work.rows]])


# ---- NumPy by hand ---------------------------------------------------------------------------------------

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def _numpy_activate(name: str, z: Any) -> None:
    """z becomes f(z)."""
    if name == "sigmoid":
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        np.reciprocal(z, out=z)
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


def _numpy_pull_back(name: str, a: Any, d: Any) -> None:
    """d is multiplied by the slope where the activation gave a."""
    if name == "sigmoid":
        d *= a
        d *= 1 - a
    elif name == "relu":
        d *= a > 0
    else:
        d *= np.where(a > 0, np.float32(SELU_SCALE), a + np.float32(SELU_SCALE * SELU_ALPHA))


def _views(flat: Any, net: Any) -> list[Any]:
    shapes = [a.shape for a in net.start()]
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, cuts[:-1]), shapes, strict=True)]


def _flat(arrays: list[Any]) -> Any:
    return np.concatenate([a.ravel() for a in arrays])


class _NumpyAdam:
    def __init__(self, size: int, rate: float) -> None:
        self.rate = rate
        self.m, self.v, self.scratch, self.other = np.zeros((4, size), np.float32)
        self.t = 0

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


def numpy_training(work: Training) -> Contestant:
    if work.gradient != "analytic":
        return _numpy_differences(work)
    x, y = work.arrays()
    net, n = work.net, len(x)
    start = _flat(net.start())
    theta, grad = start.copy(), np.zeros_like(start)
    weights, slopes = _views(theta, net), _views(grad, net)
    layers = range(len(net.activations))
    rng = np.random.default_rng(1)
    targets = y if work.loss == "mae" else np.eye(net.widths[-1], dtype=np.float32)[y]
    buffers = [np.empty((work.batch, width), np.float32) for width in net.widths]
    deltas = [np.empty((work.batch, width), np.float32) for width in net.widths]
    wanted = np.empty((work.batch, net.widths[-1]), np.float32)
    each = np.arange(work.batch)
    adam = _NumpyAdam(theta.size, work.rate)
    losses: list[float] = []

    def step(rows: Any) -> None:
        size = len(rows)
        a = [buffer[:size] for buffer in buffers]
        d = [delta[:size] for delta in deltas]
        t = wanted[:size]
        np.take(x, rows, axis=0, out=a[0], mode="clip")  # with a mode other than "raise", out needs no copy
        np.take(targets, rows, axis=0, out=t, mode="clip")
        for l in layers:  # noqa: E741
            np.matmul(a[l], weights[2 * l], out=a[l + 1])
            a[l + 1] += weights[2 * l + 1]
            _numpy_activate(net.activations[l], a[l + 1])
        np.subtract(a[-1], t, out=d[-1])
        if work.loss == "mae":
            losses.append(float(np.abs(d[-1]).mean()))
            np.sign(d[-1], out=d[-1])
            _numpy_pull_back(net.activations[-1], a[-1], d[-1])
        else:
            losses.append(-float(np.log(a[-1][each[:size], y[rows]]).mean()))
        d[-1] *= np.float32(1 / size)
        for l in reversed(layers):  # noqa: E741
            np.matmul(a[l].T, d[l + 1], out=slopes[2 * l])
            np.sum(d[l + 1], axis=0, out=slopes[2 * l + 1])
            if l:
                np.matmul(d[l + 1], weights[2 * l].T, out=d[l])
                _numpy_pull_back(net.activations[l - 1], a[l], d[l])
        if work.optimizer == "adam":
            adam(theta, grad)
        else:
            grad[...] *= np.float32(work.rate)
            theta[...] -= grad

    def run(shuffle: bool) -> None:
        losses.clear()
        for _ in range(work.epochs):
            order = rng.permutation(n) if shuffle else np.arange(n)
            for first in range(0, n, work.batch):
                step(order[first : first + work.batch])

    def reset() -> None:
        theta[...] = start
        adam.m[...] = adam.v[...] = adam.t = 0

    return Contestant(run, lambda: weights, reset, _blas_threads())


def _numpy_differences(work: Training) -> Contestant:
    """As a course for beginners writes it: a loss with each parameter moved, and one with none moved."""
    from ..lessons.by_hand import H

    x, y = (a[:, 0].astype(np.float64) for a in work.arrays())
    (w1, b1, w2, b2) = work.net.start()
    start = [*w1[0], *b1, *w2[:, 0], *b2]
    now: list[Any] = []

    def sigmoid(z: Any) -> Any:
        return 1 / (1 + np.exp(-z))

    def loss(u0: Any, u1: Any, u2: Any, b0: Any, b1: Any, b2: Any, v0: Any, v1: Any, v2: Any, c: Any) -> Any:
        hidden = v0 * sigmoid(u0 * x + b0) + v1 * sigmoid(u1 * x + b1) + v2 * sigmoid(u2 * x + b2)
        return np.sum(np.abs(y - sigmoid(hidden + c))) / len(y)

    def run(shuffle: bool) -> None:
        for _ in range(work.epochs):
            slopes = []
            for i in range(len(now)):
                moved = [*now[:i], now[i] + H, *now[i + 1 :]]
                slopes.append((loss(*moved) - loss(*now)) / H)
            now[:] = [p - work.rate * slope for p, slope in zip(now, slopes, strict=True)]

    def reset() -> None:
        now[:] = [np.float64(p) for p in start]

    return Contestant(run, lambda: [np.array([now[:3]]), np.array(now[3:6]), np.array([now[6:9]]).T, now[9:]], reset)


def numpy_update(work: Update) -> Contestant:
    theta, grad = work.arrays()
    adam = _NumpyAdam(theta.size, work.rate)
    return Contestant(lambda: adam(theta, grad), lambda: [theta])


def numpy_prediction(work: Prediction) -> Contestant:
    x, _ = work.arrays()
    weights = work.net.start()
    layers = list(zip(weights[::2], weights[1::2], work.net.activations, strict=True))

    def run() -> Any:
        a = x
        for w, b, name in layers:
            a = a @ w
            a += b
            _numpy_activate(name, a)
        return a

    return Contestant(run, lambda: [run()], settings=_blas_threads())


def numpy_product(work: Product) -> Contestant:
    w, a = work.arrays()
    out = np.empty((work.units, work.rows), np.float32)
    return Contestant(lambda: np.dot(w.T, a, out=out), lambda: [out], settings=_blas_threads())


def _importing(module: str) -> Callable[[Importing], Contestant]:
    def contestant(work: Importing) -> Contestant:
        """Whole processes of the interpreter."""
        import subprocess
        import sys

        command = [sys.executable, "-c", f"import {module}"]
        compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return Contestant(lambda: subprocess.run(command, check=True, env=compiled), list)

    return contestant


# ---- scikit-learn ----------------------------------------------------------------------------------------


def sklearn_fits(work: Training | Prediction) -> None:
    hidden, last = work.net.activations[:-1], work.net.activations[-1]
    if last != "softmax" or not set(hidden) <= {"relu"}:
        raise DoesNotFit("MLPClassifier has no selu and no MAE, and one output only if that is a class")


def sklearn_model(work: Training | Prediction) -> Any:
    sklearn_fits(work)
    from sklearn.neural_network import MLPClassifier

    training = work if isinstance(work, Training) else None
    model = MLPClassifier(
        work.net.widths[1:-1],
        solver=training.optimizer if training else "sgd",
        alpha=0,
        batch_size=training.batch if training else "auto",
        learning_rate_init=training.rate if training else 0.001,
        momentum=0,
        nesterovs_momentum=False,
        epsilon=EPSILON,
        random_state=1,
    )
    x, y = work.arrays()
    model.partial_fit(x[:1000], y[:1000], classes=np.arange(work.net.widths[-1]))
    _sklearn_reset(model, work)
    return model


def _sklearn_reset(model: Any, work: Training | Prediction) -> None:
    start = work.net.start()
    for here, value in zip([*model.coefs_, *model.intercepts_], [*start[::2], *start[1::2]], strict=True):
        here[...] = value  # in place: the optimizer holds these arrays
    model._optimizer.t = 0
    for vector in [*getattr(model._optimizer, "ms", []), *getattr(model._optimizer, "vs", [])]:
        vector[...] = 0


def sklearn_training(work: Training) -> Contestant:
    model = sklearn_model(work)
    x, y = work.arrays()

    def run(shuffle: bool) -> None:
        model.shuffle = shuffle
        for _ in range(work.epochs):
            model.partial_fit(x, y)

    def result() -> list[Any]:
        return [a for pair in zip(model.coefs_, model.intercepts_, strict=True) for a in pair]

    return Contestant(run, result, lambda: _sklearn_reset(model, work), _blas_threads())


def sklearn_prediction(work: Prediction) -> Contestant:
    model = sklearn_model(work)
    x, _ = work.arrays()
    return Contestant(lambda: model.predict_proba(x), lambda: [model.predict_proba(x)], settings=_blas_threads())


# ---- PyTorch ---------------------------------------------------------------------------------------------


def _torch_activation(name: str) -> Any:
    from torch import nn

    return {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "selu": nn.SELU, "softmax": lambda: nn.Softmax(1)}[name]()


def torch_model(net: Any, logits: bool) -> Any:
    """The net; without its last softmax if logits are wanted."""
    import torch
    from torch import nn

    modules: list[Any] = []
    start = net.start()
    for w, b, name in zip(start[::2], start[1::2], net.activations, strict=True):
        linear = nn.Linear(*w.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(w.T)))
            linear.bias.copy_(torch.from_numpy(b))
        modules += [linear, _torch_activation(name)]
    if logits and net.activations[-1] == "softmax":
        modules.pop()
    return nn.Sequential(*modules)


def _torch_weights(parameters: Any) -> list[Any]:
    return [p.detach().numpy().T.copy() for p in parameters]


def torch_training(work: Training) -> Contestant:
    if work.gradient != "analytic":
        raise DoesNotFit("has no finite differences")
    import torch
    from torch.nn import functional

    x, y = (torch.from_numpy(a) for a in work.arrays())
    model = torch_model(work.net, logits=True)
    if work.optimizer == "adam":
        optimizer: Any = torch.optim.Adam(model.parameters(), work.rate, eps=EPSILON, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), work.rate, fused=True)
    objective: Any = functional.l1_loss if work.loss == "mae" else functional.cross_entropy

    def step(rows: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        objective(model(x[rows]), y[rows]).backward()
        optimizer.step()

    def reset() -> None:
        optimizer.state.clear()
        model.load_state_dict(torch_model(work.net, logits=True).state_dict())

    run, threads = _torch_epochs(work, len(x), step), _threads(torch.set_num_threads)
    return Contestant(run, lambda: _torch_weights(model.parameters()), reset, threads)


def _torch_epochs(work: Training, n: int, step: Callable[[Any], None]) -> Callable[[bool], None]:
    import torch

    def run(shuffle: bool) -> None:
        for _ in range(work.epochs):
            for rows in (torch.randperm(n) if shuffle else torch.arange(n)).split(work.batch):
                step(rows)

    return run


def torch_compiled_training(work: Training) -> Contestant:
    """Gather, forward, backward and update in one compiled graph, without autograd's or an optimizer's own Python."""
    if work.gradient != "analytic":
        raise DoesNotFit("has no finite differences")
    import torch
    from torch.nn import functional

    x, y = (torch.from_numpy(a) for a in work.arrays())
    model = torch_model(work.net, logits=True)
    p = {name: value.detach() for name, value in model.named_parameters()}
    m, v = ({name: torch.zeros_like(value) for name, value in p.items()} for _ in range(2))
    objective: Any = functional.l1_loss if work.loss == "mae" else functional.cross_entropy

    def loss(p: Any, x: Any, y: Any) -> Any:
        return objective(torch.func.functional_call(model, p, (x,)), y)

    def update(p: Any, m: Any, v: Any, rate: Any, rows: Any) -> Any:
        slopes, value = torch.func.grad_and_value(loss)(p, x[rows], y[rows])
        for name, g in slopes.items():
            if work.optimizer == "adam":
                m[name].lerp_(g, 0.1)
                v[name].lerp_(g * g, 0.001)
                p[name].sub_(rate * m[name] / (v[name].sqrt() + EPSILON))
            else:
                p[name].sub_(rate * g)
        return value

    torch._dynamo.reset()  # it counts how often this function was compiled, for all works together
    compiled = torch.compile(update, dynamic=False, fullgraph=True)
    t = 0

    def step(rows: Any) -> None:
        nonlocal t
        t += 1
        rate = work.rate * ((1 - 0.999**t) ** 0.5 / (1 - 0.9**t) if work.optimizer == "adam" else 1)
        compiled(p, m, v, torch.tensor(rate), rows)  # a tensor, or each rate would be compiled anew

    epochs = _torch_epochs(work, len(x), step)

    def run(shuffle: bool) -> None:
        with torch.no_grad():
            epochs(shuffle)

    def reset() -> None:
        nonlocal t
        t = 0
        for name, value in torch_model(work.net, logits=True).named_parameters():
            p[name].copy_(value.detach())
            m[name].zero_()
            v[name].zero_()

    return Contestant(run, lambda: _torch_weights(p.values()), reset, _threads(torch.set_num_threads))


def torch_update(work: Update) -> Contestant:
    import torch

    theta, grad = (torch.from_numpy(a) for a in work.arrays())
    parameter = torch.nn.Parameter(theta)
    parameter.grad = grad
    optimizer = torch.optim.Adam([parameter], work.rate, eps=EPSILON, fused=True)
    threads = _threads(torch.set_num_threads)
    return Contestant(optimizer.step, lambda: [parameter.detach().numpy()], settings=threads)


def torch_prediction(work: Prediction, compiled: bool = False) -> Contestant:
    import torch

    x = torch.from_numpy(work.arrays()[0])
    model = torch_model(work.net, logits=False).eval().requires_grad_(False)
    function = torch.compile(model, dynamic=False, fullgraph=True) if compiled else model

    def run() -> Any:
        with torch.inference_mode():
            return function(x)

    return Contestant(run, lambda: [run().numpy()], settings=_threads(torch.set_num_threads))


def torch_product(work: Product) -> Contestant:
    import torch

    w, a = (torch.from_numpy(array) for array in work.arrays())
    out = torch.empty((work.units, work.rows))
    return Contestant(
        lambda: torch.mm(w.T, a, out=out), lambda: [out.numpy()], settings=_threads(torch.set_num_threads)
    )


def torch_compiled_prediction(work: Prediction) -> Contestant:
    return torch_prediction(work, compiled=True)


# ---- JAX -------------------------------------------------------------------------------------------------


def _jax_outputs(net: Any, p: Any, x: Any, logits: bool) -> Any:
    import jax

    for w, b, name in zip(p[::2], p[1::2], net.activations, strict=True):
        x = x @ w + b
        if not (logits and name == "softmax"):
            x = getattr(jax.nn, name)(x)
    return x


def jax_training(work: Training) -> Contestant:
    """All epochs, their shuffling and their updates in one jitted scan."""
    if work.gradient != "analytic":
        raise DoesNotFit("has no finite differences")
    from functools import partial

    import jax
    import optax
    from jax import numpy as jnp

    x, y = (jnp.asarray(a) for a in work.arrays())
    start = [jnp.asarray(a) for a in work.net.start()]
    optimizer = optax.adam(work.rate, eps=EPSILON) if work.optimizer == "adam" else optax.sgd(work.rate)
    n, batch = len(x), work.batch
    full = n // batch * batch

    def loss(p: Any, x: Any, y: Any) -> Any:
        out = _jax_outputs(work.net, p, x, logits=True)
        if work.loss == "mae":
            return jnp.abs(out - y).mean()
        return optax.softmax_cross_entropy_with_integer_labels(out, y).mean()

    def pick(a: Any, rows: Any) -> Any:
        return a.at[rows].get(mode="promise_in_bounds")

    @partial(jax.jit, static_argnums=(0, 1))
    def train(shuffle: bool, unroll: int, p: Any, key: Any, x: Any, y: Any) -> Any:
        def step(carry: Any, rows: Any) -> Any:
            p, state = carry
            value, slopes = jax.value_and_grad(loss)(p, pick(x, rows), pick(y, rows))
            updates, state = optimizer.update(slopes, state, p)
            return (optax.apply_updates(p, updates), state), value

        def epoch(carry: Any, key: Any) -> Any:
            order = jax.random.permutation(key, n) if shuffle else jnp.arange(n)
            carry, losses = jax.lax.scan(step, carry, order[:full].reshape(-1, batch), unroll=unroll)
            if full < n:
                carry, _ = step(carry, order[full:])
            return carry, losses.mean()

        (p, _), losses = jax.lax.scan(epoch, (p, optimizer.init(p)), jax.random.split(key, work.epochs))
        return p, losses

    end, key, unroll = start, jax.random.key(1), 1

    def run(shuffle: bool) -> None:
        nonlocal end
        end, _ = jax.block_until_ready(train(shuffle, unroll, start, key, x, y))

    def unrolled(times: int) -> Callable[[], None]:
        def choose() -> None:
            nonlocal unroll
            unroll = times

        return choose

    choice = {f"unroll={times}": unrolled(times) for times in (1, 4)}
    return Contestant(run, lambda: [np.asarray(a) for a in end], settings=choice)


def jax_update(work: Update) -> Contestant:
    from functools import partial

    import jax
    import optax
    from jax import numpy as jnp

    theta, grad = (jnp.asarray(a) for a in work.arrays())
    optimizer = optax.adam(work.rate, eps=EPSILON)
    state = optimizer.init(theta)

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(theta: Any, state: Any, grad: Any) -> Any:
        updates, state = optimizer.update(grad, state)
        return optax.apply_updates(theta, updates), state

    def run() -> None:
        nonlocal theta, state
        theta, state = jax.block_until_ready(update(theta, state, grad))

    return Contestant(run, lambda: [np.asarray(theta)])


def jax_prediction(work: Prediction) -> Contestant:
    import jax
    from jax import numpy as jnp

    x = jnp.asarray(work.arrays()[0])
    p = [jnp.asarray(a) for a in work.net.start()]
    outputs = jax.jit(lambda p, x: _jax_outputs(work.net, p, x, logits=False))
    return Contestant(lambda: outputs(p, x).block_until_ready(), lambda: [np.asarray(outputs(p, x))])


def jax_product(work: Product) -> Contestant:
    import jax
    from jax import numpy as jnp

    w, a = (jnp.asarray(array) for array in work.arrays())
    product = jax.jit(lambda w, a: w.T @ a)
    return Contestant(lambda: product(w, a).block_until_ready(), lambda: [np.asarray(product(w, a))])


# ---- Keras -----------------------------------------------------------------------------------------------


def keras_model(work: Training | Prediction) -> Any:
    import keras
    from keras.layers import Dense, Input

    widths, activations = work.net.widths, work.net.activations
    layers = [Dense(units, activation) for units, activation in zip(widths[1:], activations, strict=True)]
    model = keras.Sequential([Input(widths[:1]), *layers])
    model.set_weights(work.net.start())
    return model


def keras_training(work: Training) -> Contestant:
    if work.gradient != "analytic":
        raise DoesNotFit("has no finite differences")
    import keras

    x, y = work.arrays()
    model = keras_model(work)
    optimizer = (keras.optimizers.Adam if work.optimizer == "adam" else keras.optimizers.SGD)(work.rate)
    loss = "mae" if work.loss == "mae" else "sparse_categorical_crossentropy"
    optimizer.build(model.trainable_variables)

    def compiled(steps: int) -> Callable[[], None]:
        return lambda: model.compile(optimizer, loss, steps_per_execution=steps)

    compiled(1)()
    choice = {
        f"steps_per_execution={steps}": compiled(steps)
        for steps in ((1,) if keras.backend.backend() == "torch" else (1, 16))
    }
    start = work.net.start()

    def run(shuffle: bool) -> None:
        model.fit(x, y, batch_size=work.batch, epochs=work.epochs, shuffle=shuffle, verbose=0)

    def reset() -> None:
        model.set_weights(start)
        for variable in optimizer.variables:
            if variable is not optimizer._learning_rate:
                variable.assign(np.zeros(variable.shape, variable.dtype))

    return Contestant(run, model.get_weights, reset, choice)


def keras_prediction(work: Prediction) -> Contestant:
    x, _ = work.arrays()
    model = keras_model(work)
    return Contestant(lambda: model.predict_on_batch(x), lambda: [np.asarray(model.predict_on_batch(x))])


def _keras(backend: str, *packages: str) -> Peer:
    return Peer(
        ("keras", *packages),
        f"`fit` and `predict_on_batch` on {backend}, compiled as Keras chooses (jit_compile='auto'), verbose=0",
        keras_training,
        None,
        keras_prediction,
        None,
        None,
        (("KERAS_BACKEND", backend), ("TF_CPP_MIN_LOG_LEVEL", "3"), ("CUDA_VISIBLE_DEVICES", "-1")),
    )


PEERS: dict[str, Peer] = {
    "gdcore": Peer(
        ("numpy",),
        "the public `fit`, `Optimizer.apply` and `predict`; products as its layers call them",
        gdcore_training,
        gdcore_update,
        gdcore_prediction,
        _importing("gdcore"),
        gdcore_product,
    ),
    "numpy": Peer(
        ("numpy",),
        "by hand: float32 buffers made once and written in place, all parameters in one vector for the update",
        numpy_training,
        numpy_update,
        numpy_prediction,
        _importing("numpy"),
        numpy_product,
    ),
    "sklearn": Peer(
        ("scikit-learn",),
        "MLPClassifier.partial_fit, once for each epoch, and predict_proba; float32, alpha=0",
        sklearn_training,
        None,
        sklearn_prediction,
    ),
    "torch": Peer(
        ("torch",),
        "eager, fused optimizer, rows picked from tensors in memory, no DataLoader; predictions in inference mode",
        torch_training,
        torch_update,
        torch_prediction,
        None,
        torch_product,
    ),
    "torch-compiled": Peer(
        ("torch",),
        "gather, gradient and update in one torch.compile graph (fullgraph, static shapes)",
        torch_compiled_training,
        None,
        torch_compiled_prediction,
    ),
    "jax": Peer(
        ("jax", "jaxlib", "optax"),
        "all epochs with their shuffling in one jitted lax.scan with optax; updates jitted with donated buffers",
        jax_training,
        jax_update,
        jax_prediction,
        None,
        jax_product,
    ),
    "keras-tensorflow": _keras("tensorflow", "tensorflow-cpu"),
    "keras-jax": _keras("jax", "jax", "jaxlib"),
    "keras-torch": _keras("torch", "torch"),
}


def enter(name: str) -> Peer:
    """The peer of that name, with the environment that its library reads when it is imported."""
    peer = PEERS[name]
    os.environ.update(peer.environment)
    return peer
