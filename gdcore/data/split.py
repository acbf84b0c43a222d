"""Which rows to train and which to test on, drawn as scikit-learn draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks

if TYPE_CHECKING:
    from numpy.typing import NDArray


def split_rows(n: int, test: int, seed: int | None, labels: Any = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train and to test on, as ``sklearn.model_selection.train_test_split`` draws them.

    Without labels they are the end and the beginning of one permutation.  With labels (class numbers, or rows of a
    one-hot array) each class gives its share; the rows left over by rounding go to the classes with the largest
    remainders, ties being drawn.
    """
    rng = np.random.RandomState(seed)  # the generator whose numbers these are
    if labels is None:
        order = rng.permutation(n)
        return order[test:], order[:test]
    which, counts = _classes(np.asarray(labels), n - test, test)
    train_share = _shares(counts, n - test, rng)
    test_share = _shares(counts - train_share, test, rng)
    members = np.split(np.argsort(which, kind="stable"), np.cumsum(counts)[:-1])
    trained, tested = [], []
    for rows, ours, theirs in zip(members, train_share.tolist(), test_share.tolist(), strict=True):
        drawn = rows[rng.permutation(len(rows))]
        trained.append(drawn[:ours])
        tested.append(drawn[ours : ours + theirs])
    return rng.permutation(np.concatenate(trained)), rng.permutation(np.concatenate(tested))


def _classes(labels: NDArray[Any], train: int, test: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The class of each row, numbered in scikit-learn's order, and the rows of each class, enough for a split."""
    # rows are compared as text there, which puts the one-hot row of the last class first
    keys = np.array([" ".join(map(str, row)) for row in labels.tolist()]) if labels.ndim == 2 else labels
    classes, which = np.unique(keys, return_inverse=True)
    counts = np.bincount(which)
    if counts.min() < 2:
        raise ValueError(f"class {classes[counts.argmin()]} has {counts.min()} row, expected at least 2 to stratify")
    for side, count in (("train", train), ("test", test)):
        if count < len(classes):
            raise ValueError(f"there are {count} rows to {side} on, fewer than the {len(classes)} classes")
    return which, counts


def _shares(counts: NDArray[np.int64], total: int, rng: Any) -> NDArray[np.int64]:
    """`total` rows shared among classes in proportion to counts."""
    exact = counts / counts.sum() * total
    share = np.floor(exact)
    left = int(total - share.sum())
    remainder = exact - share
    for value in np.sort(np.unique(remainder))[::-1]:
        if left <= 0:
            break
        tied = np.flatnonzero(remainder == value)
        chosen = rng.choice(tied, size=min(len(tied), left), replace=False)
        share[chosen] += 1
        left -= len(chosen)
    return share.astype(np.int64)


def rows_of_share(name: str, size: Any, n: int) -> int:
    """How many of n rows a share of them is, rounded up, or their number itself.

    Raises
    ------
    WrongType
        If it is not a number.
    ValueError
        If that is no row, or all of them.
    """
    _checks.number(name, size)
    share = isinstance(size, float | np.floating)
    rows = (int(np.ceil(size * n)) if 0 < size < 1 else 0) if share else int(size)
    if not 0 < rows < n:
        raise ValueError(f"{name}={size!r} of {n} rows, expected a share between 0 and 1 or a number of rows below {n}")
    return rows
