"""What differs between Keras and gdcore when the same set-up is run with either."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from .draw import Of


def is_keras(library: Any) -> bool:
    return bool(library.__name__ == "keras")


def build(library: Any, said: Any) -> Any:
    """A description with its objects made."""
    if isinstance(said, Of):
        holder = library
        for name in said.module.split("."):
            holder = getattr(holder, name)
        return getattr(holder, said.name)(**build(library, said.config))
    if isinstance(said, dict):
        return {key: build(library, value) for key, value in said.items()}
    return [build(library, value) for value in said] if isinstance(said, list) else said


@contextlib.contextmanager
def default_floats(library: Any, dtype: str) -> Iterator[None]:
    """Let Keras's objects, as ours, work in the type of their data."""
    if not is_keras(library):
        yield
        return
    library.config.set_floatx(dtype)
    library.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        library.config.set_floatx("float32")
        library.config.set_dtype_policy("float32")


def as_tensor(library: Any, values: Any) -> Any:
    return library.ops.convert_to_tensor(values) if is_keras(library) else values


def taped_gradient(function: Callable[[Any], Any], x: Any, upstream: Any) -> Any:
    """TensorFlow's derivative of ``sum(upstream * function(x))``."""
    import tensorflow as tf

    points = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(points)
        total = tf.reduce_sum(tf.constant(upstream) * function(points))
    return tape.gradient(total, points).numpy()
