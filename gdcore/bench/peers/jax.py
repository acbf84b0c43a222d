"""JAX: a whole training in one jitted scan, with optax."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..workloads import Net, Prediction, Product, Training, Update
from .base import EPSILON, Peer, Runner, analytic_only


def outputs(net: Net, p: Any, x: Any, logits: bool) -> Any:
    """Of the net with parameters p; without its last activation if logits are wanted."""
    import jax

    last = len(net.activations) - 1
    for i, (w, b, name) in enumerate(zip(p[::2], p[1::2], net.activations, strict=True)):
        x = x @ w + b
        if not (logits and i == last):
            x = getattr(jax.nn, name)(x)
    return x


def objective(workload: Training) -> Callable[[Any, Any, Any], Any]:
    """The mean loss of a batch as a function of parameters, rows and targets."""
    import optax
    from jax import numpy as jnp

    each = {
        "mae": lambda out, y: jnp.abs(out - y),
        "crossentropy": optax.softmax_cross_entropy_with_integer_labels,
        "binary_crossentropy": optax.sigmoid_binary_cross_entropy,
    }[workload.loss]

    def loss(p: Any, x: Any, y: Any) -> Any:
        return each(outputs(workload.net, p, x, logits=workload.loss != "mae"), y).mean()

    return loss


def compiled_epochs(workload: Training, n: int) -> Callable[..., Any]:
    """All epochs, their shuffling and their updates in one jitted scan."""
    import jax
    import optax
    from jax import numpy as jnp

    optimizer = optax.adam(workload.rate, eps=EPSILON) if workload.optimizer == "adam" else optax.sgd(workload.rate)
    batch, loss = workload.batch, objective(workload)
    full = n // batch * batch

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

        (p, _), losses = jax.lax.scan(epoch, (p, optimizer.init(p)), jax.random.split(key, workload.epochs))
        return p, losses

    return train


def training(workload: Training) -> Runner:
    analytic_only(workload)
    import jax
    from jax import numpy as jnp

    x, y = (jnp.asarray(a) for a in workload.arrays())
    start = [jnp.asarray(a) for a in workload.net.start()]
    train = compiled_epochs(workload, len(x))
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
    return Runner(run, lambda: [np.asarray(a) for a in end], settings=choice)


def update(workload: Update) -> Runner:
    import jax
    import optax
    from jax import numpy as jnp

    theta, grad = (jnp.asarray(a) for a in workload.arrays())
    optimizer = optax.adam(workload.rate, eps=EPSILON)
    state = optimizer.init(theta)

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(theta: Any, state: Any, grad: Any) -> Any:
        updates, state = optimizer.update(grad, state)
        return optax.apply_updates(theta, updates), state

    def run() -> None:
        nonlocal theta, state
        theta, state = jax.block_until_ready(step(theta, state, grad))

    return Runner(run, lambda: [np.asarray(theta)])


def prediction(workload: Prediction) -> Runner:
    import jax
    from jax import numpy as jnp

    x = jnp.asarray(workload.arrays()[0])
    p = [jnp.asarray(a) for a in workload.net.start()]
    predict = jax.jit(lambda p, x: outputs(workload.net, p, x, logits=False))
    return Runner(lambda: predict(p, x).block_until_ready(), lambda: [np.asarray(predict(p, x))])


def product(workload: Product) -> Runner:
    import jax
    from jax import numpy as jnp

    w, a = (jnp.asarray(array) for array in workload.arrays())
    multiply = jax.jit(lambda w, a: w.T @ a)
    return Runner(lambda: multiply(w, a).block_until_ready(), lambda: [np.asarray(multiply(w, a))])


PEER = Peer(
    ("jax", "jaxlib", "optax"),
    "all epochs with their shuffling in one jitted lax.scan with optax; updates jitted with donated buffers",
    training,
    update,
    prediction,
    None,
    product,
)
