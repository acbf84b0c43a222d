"""The data that comes with the package."""

import numpy as np
import pytest

from gdcore.datasets import digits, iris


def test_iris():
    x, y = iris.load_data()
    assert x.shape == (150, 4)
    assert x.dtype == np.float64
    assert np.array_equal(y, np.repeat([0, 1, 2], 50))
    # Fisher's table: means of the four lengths by species
    np.testing.assert_allclose(x[:50].mean(axis=0), [5.006, 3.428, 1.462, 0.246])
    np.testing.assert_allclose(x[50:100].mean(axis=0), [5.936, 2.770, 4.260, 1.326])
    np.testing.assert_allclose(x[100:].mean(axis=0), [6.588, 2.974, 5.552, 2.026])
    assert x[0].tolist() == [5.1, 3.5, 1.4, 0.2]


def test_digits():
    x, y = digits.load_data()
    assert x.shape == (1797, 64)
    assert x.dtype == np.float64
    assert x.min() == 0
    assert x.max() == 16
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.mark.parametrize(("ours", "theirs"), [(iris, "load_iris"), (digits, "load_digits")])
def test_the_same_as_scikit_learn(ours, theirs):
    sklearn = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    x, y = getattr(sklearn, theirs)(return_X_y=True)
    assert np.array_equal(ours.load_data()[0], x)
    assert np.array_equal(ours.load_data()[1], y)


def test_each_call_gives_arrays_of_its_own():
    first, second = iris.load_data()[0], iris.load_data()[0]
    first[:] = 0
    assert second.min() > 0
