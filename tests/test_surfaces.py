"""Surfaces: values and gradients against the reference and differences, minima, shapes and types, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gdcore import reference, surfaces

NAMES = sorted(reference.surfaces.SURFACES)


def points_of(surface, rng, rows, ndim=None):
    window = np.array(surface.window * 5 if ndim and ndim > surface.ndim else surface.window)[: ndim or surface.ndim]
    return rng.uniform(window[:, 0], window[:, 1], (rows, len(window)))


def sizes(surface):
    return [2, 3, 7] if surface.any_ndim else [surface.ndim]


def test_all_of_the_reference_are_here():
    assert set(surfaces._SURFACES) == set(reference.surfaces.SURFACES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(rows=st.integers(1, 70), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_against_the_reference(name, dtype, rows, seed, data):
    surface = surfaces.get(name)
    ndim = data.draw(st.sampled_from(sizes(surface)))
    points = points_of(surface, np.random.default_rng(seed), rows, ndim).astype(dtype)
    value, gradient = (f for f in reference.surfaces.SURFACES[name])
    exact = points.astype(np.float64)
    expected = np.array([value(x) for x in exact])
    slopes = np.array([gradient(x) for x in exact])
    got, got_slopes = surface(points), surface.gradient(points)
    assert got.dtype == got_slopes.dtype == dtype
    assert got.shape == (rows,)
    assert got_slopes.shape == points.shape
    near = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(got, expected, rtol=near, atol=near * max(1, np.abs(expected).max()))
    np.testing.assert_allclose(got_slopes, slopes, rtol=near, atol=near * max(1, np.abs(slopes).max()))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_differences(name):
    surface = surfaces.get(name)
    for ndim in sizes(surface):
        points = points_of(surface, np.random.default_rng(3), 40, ndim)
        h = 1e-5
        for k in range(ndim):
            step = h * np.eye(ndim)[k]
            slope = (surface(points + step) - surface(points - step)) / (2 * h)
            scale = max(1.0, np.abs(surface(points)).max())
            np.testing.assert_allclose(surface.gradient(points)[:, k], slope, rtol=1e-6, atol=1e-8 * scale)


@pytest.mark.parametrize("name", NAMES)
def test_known_minima(name):
    """The gradient is 0 there, and all around the surface is higher; the first is the lowest."""
    surface = surfaces.get(name)
    rng = np.random.default_rng(5)
    assert len(surface.minima) == {
        "peaks": 3,
        "himmelblau": 4,
        "three_hump_camel": 3,
        "styblinski_tang": 4,
        "saddle": 0,
    }.get(name, 1)
    for minimum in surface.minima:
        np.testing.assert_allclose(surface.gradient(minimum), 0, atol=2e-13)
        around = minimum + rng.normal(size=(50, surface.ndim)) * 1e-3
        assert np.all(surface(around) > surface(minimum))
        for (low, high), at in zip(surface.window, minimum, strict=True):
            assert low < at < high
    if len(surface.minima):
        assert surface(surface.minima[0]) <= surface(surface.minima).min() + 1e-12
        inside = points_of(surface, rng, 2000)
        assert surface(surface.minima[0]) <= surface(inside).min()
    with pytest.raises(ValueError, match="read-only"):
        surface.minima[...] = 0


def test_the_lowest_values():
    lowest = {
        "peaks": -6.551133332835841,
        "three_hump_camel": 0.0,
        "styblinski_tang": -78.33233140754282,
        "swish": -0.2784645427610738,
    }
    for name in set(NAMES) - {"saddle"}:
        surface = surfaces.get(name)
        assert surface(surface.minima[0]) == pytest.approx(lowest.get(name, 0.0), abs=1e-14, rel=1e-14)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_shapes(name, dtype):
    surface = surfaces.get(name)
    points = points_of(surface, np.random.default_rng(2), 24).astype(dtype)
    values, gradients = surface(points), surface.gradient(points)
    grid = points.reshape(4, 3, 2, -1)
    assert np.array_equal(surface(grid), values.reshape(4, 3, 2))
    assert np.array_equal(surface.gradient(grid), gradients.reshape(grid.shape))
    assert np.array_equal(surface(points[::2]), values[::2])
    assert np.array_equal(surface(np.asfortranarray(points)), values)
    assert surface(points[:0]).shape == (0,)
    assert surface.gradient(points[:0]).shape == (0, surface.ndim)
    whole = np.zeros(surface.ndim, np.int64)
    assert surface(whole).dtype == np.float64
    assert surface(whole) == surface(whole.astype(np.float64))
    assert surface(list(whole)).shape == ()
    one = np.array([surface(p) for p in points])  # alone, and among others
    near = 1e-14 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(one, values, rtol=near, atol=near * np.abs(values).max())


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_anything_goes_in(name, data):
    """What is not finite stays so, and far away nothing but overflow happens."""
    surface = surfaces.get(name)
    points = data.draw(hnp.arrays(np.float64, (3, surface.ndim), elements=st.floats(width=64)))
    with np.errstate(all="ignore"):
        values, gradients = surface(points), surface.gradient(points)
    assert np.isnan(values[np.isnan(points).any(axis=1)]).all()
    assert np.isnan(gradients[np.isnan(points).any(axis=1)]).any(axis=1).all()


def test_peaks_is_flat_far_away():
    for far in (40.0, 1e3, 1e10):
        assert surfaces.peaks([far, -far]) == 0
        assert surfaces.peaks.gradient([[far, -far]] * 9).tolist() == [[0, 0]] * 9


def test_quadratic():
    surface = surfaces.quadratic(100)
    np.testing.assert_allclose(surface([1.0, 1.0]), 50.5, rtol=1e-15)
    np.testing.assert_allclose(surface.gradient([1.0, 1.0, 1.0]), [1, 10, 100], rtol=1e-14)
    assert surface([3.0]) == 4.5
    assert "100" in surface.formula
    for wrong in (0.5, -1, np.nan, np.inf, "steep", None):
        with pytest.raises(ValueError, match=r"condition=.* is not a finite number of at least 1"):
            surfaces.quadratic(wrong)


def test_names():
    assert surfaces.get("Peaks") is surfaces.peaks
    assert surfaces.get(surfaces.booth) is surfaces.booth
    with pytest.raises(ValueError, match=r"surface='rosenbrok' is not known. Did you mean 'rosenbrock'"):
        surfaces.get("rosenbrok")
    assert repr(surfaces.saddle) == "<surface saddle: x^2 - y^2>"


def test_bad_input():
    with pytest.raises(ValueError, match=r"points has shape \(3,\), expected \(..., 2\) for peaks"):
        surfaces.peaks([1, 2, 3])
    with pytest.raises(ValueError, match=r"points has shape \(\), expected"):
        surfaces.swish(1.0)
    with pytest.raises(ValueError, match=r"points has shape \(4, 1\), expected \(..., n\) for rosenbrock"):
        surfaces.rosenbrock.gradient(np.zeros((4, 1)))
    for wrong in (["a", "b"], [1j, 2], [None, 1], np.zeros(2, np.longdouble)):
        with pytest.raises(TypeError, match=r"points has dtype .*, expected real numbers"):
            surfaces.peaks(wrong)
