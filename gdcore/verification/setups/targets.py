"""Targets and outputs that suit a loss or a metric."""

from __future__ import annotations

from typing import Any

import numpy as np

from .draw import Draw


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
