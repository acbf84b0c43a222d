"""What metrics make of targets, outputs and weights: arrays of real numbers and of shapes that fit each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _checks

EPSILON = 1e-7
"""Keras's, in denominators and where it clips."""


def as_array(name: str, x: Any) -> Any:
    """x as an array; what is no array yet and holds fractions becomes float32, as in Keras."""
    array = _checks.real_array(name, x)
    if array.dtype == np.float64 and not isinstance(x, np.ndarray | np.generic):
        return array.astype(np.float32)
    return array


def pair(y_true: Any, y_pred: Any, dtype: str | None = None) -> tuple[Any, Any]:
    """Both as arrays of one shape (where one is (n,) and the other (n, 1), both become the latter)."""
    y, p = as_array("y_true", y_true), as_array("y_pred", y_pred)
    if p.dtype.kind != "f":
        p = p.astype(np.float32)
    if (*y.shape, 1) == p.shape:
        y = y[..., np.newaxis]
    elif y.shape == (*p.shape, 1):
        p = p[..., np.newaxis]
    if y.shape != p.shape or p.ndim == 0:
        expected = f"{p.shape} as y_pred" if p.ndim else "at least one dimension"
        raise ValueError(f"y_true has shape {y.shape}, expected {expected}")
    return (y, p) if dtype is None else (y.astype(dtype, copy=False), p.astype(dtype, copy=False))


def rows(y_true: Any, y_pred: Any, dtype: str) -> tuple[Any, Any]:
    """Both as arrays of one shape (samples, units)."""
    y, p = pair(y_true, y_pred, dtype)
    if p.ndim != 2:
        raise ValueError(f"y_pred has shape {p.shape}, expected (samples, units)")
    return y, p


def class_numbers(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Class numbers as an array of shape (samples,), and outputs of shape (samples, units)."""
    y, p = as_array("y_true", y_true), as_array("y_pred", y_pred)
    if p.ndim != 2:
        raise ValueError(f"y_pred has shape {p.shape}, expected (samples, units)")
    if y.shape not in ((len(p),), (len(p), 1)):
        raise ValueError(f"y_true has shape {y.shape}, expected ({len(p)},): one class number a sample")
    return y.reshape(len(p)), p


def weights(w: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Weights of the samples, or of all entries, spread to a shape."""
    array = as_array("sample_weight", w).astype(dtype)
    given = array.shape
    if array.ndim == 1 and len(shape) > 1:
        array = array[:, np.newaxis]
    elif array.shape == (*shape, 1):
        array = array[..., 0]
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"sample_weight has shape {given}, expected ({shape[0]},) or {shape}") from None


def by_sample(values: Any, sample_weight: Any, reduce: Any) -> tuple[Any, Any]:
    """(value, weight) of each sample, the value multiplied by the weight; weights None where none are given."""
    values = as_array("values", values)
    if values.dtype.kind != "f":
        values = values.astype(np.float32)
    counted = None
    if sample_weight is not None:
        w = as_array("sample_weight", sample_weight).astype(values.dtype)
        if w.shape == (*values.shape, 1):
            values = values[..., np.newaxis]
        elif values.shape == (*w.shape, 1):
            w = w[..., np.newaxis]
        if values.ndim > w.ndim:
            values = reduce(values, axis=tuple(range(w.ndim, values.ndim)))
        try:
            w = np.broadcast_to(w, np.shape(values))
        except ValueError:
            expected = np.shape(values)[:1]
            raise ValueError(f"sample_weight has shape {w.shape}, expected {expected}: one for each sample") from None
        values = values * w
        counted = reduce(w, axis=tuple(range(1, w.ndim))) if w.ndim > 1 else w
    if np.ndim(values) > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, counted


def listed(name: str, value: Any, what: str = "numbers") -> list[Any]:
    """The entries of a list, a tuple, a range or an array of one axis; anything else raises `WrongType`."""
    if isinstance(value, list | tuple | range) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return list(value)
    raise _checks.WrongType(f"{name}={value!r} is not a list of {what}")


def ratio(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def figure(value: Any) -> Any:
    """A result as a float, or as an array of float32 if there are several."""
    return np.asarray(value, np.float32) if np.ndim(value) else float(value)
