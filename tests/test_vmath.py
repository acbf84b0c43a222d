"""The vector functions, measured in ulps of the correctly rounded value, in each type and build."""

import mpmath
import numpy as np
import pytest

from gdcore._core import kernels

FUNCTIONS = {
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "expm1": np.expm1,
    "silu": lambda x: np.where(x == -np.inf, 0, x) / (1 + np.exp(-x)),
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}
# float32 is measured against float64, float64 against the 80-bit type where there is one
WIDER = {"float32": np.float64, "float64": np.longdouble}


def points(name, dtype):
    rng = np.random.default_rng(0)
    n = 200_000
    edge = float(np.log(np.finfo(dtype).max))
    x = np.concatenate(
        [
            rng.uniform(-1.05 * edge, 1.01 * edge, n),
            rng.normal(size=n),
            3 * rng.normal(size=n),
            np.exp(rng.uniform(np.log(float(np.finfo(dtype).tiny)), edge, n)) * rng.choice([-1, 1], n),
        ]
    )
    if name in ("log", "sqrt"):
        x = np.abs(x)
    if name == "log1p":
        x = np.concatenate([np.abs(x), -np.exp(-np.abs(x))])
    with np.errstate(all="ignore"):
        return x.astype(dtype)


@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_most_two_ulp(name, dtype):
    wider = WIDER[dtype]
    if np.finfo(wider).nmant <= np.finfo(dtype).nmant + 3:
        pytest.skip("no wider type on this platform to measure against")
    x = points(name, dtype)
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[name](x.astype(wider))
        rounded = exact.astype(dtype)
        got = kernels.apply_math(name, x)
        ulps = np.abs(got.astype(wider) - exact) / np.spacing(np.abs(rounded)).astype(wider)
    finite = np.isfinite(rounded)
    assert np.array_equal(got[~finite], rounded[~finite], equal_nan=True)
    assert float(ulps[finite].max()) <= 2.0


def scalar_erf(x):
    return mpmath.erf(x) if abs(x) < 30 else mpmath.sign(x)


def scalar_gelu(x):
    return max(x, mpmath.mpf(0)) if abs(x) > 60 else x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def scalar_gelu_tanh(x):
    u = 2 * mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)
    return max(x, mpmath.mpf(0)) if abs(x) > 60 else x / (1 + mpmath.exp(-u))


def scalar_mish(x):
    v = mpmath.exp(min(x, 200))
    return x * v * (v + 2) / (v * (v + 2) + 2)


def scalar_tanh_shrink(x):
    return x**3 / 3 if abs(x) < 1e-15 else x - mpmath.tanh(x)


IN_MANY_DIGITS = {
    "erf": scalar_erf,
    "gelu": scalar_gelu,
    "gelu_tanh": scalar_gelu_tanh,
    "mish": scalar_mish,
    "tanh_shrink": scalar_tanh_shrink,
}


@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize("name", IN_MANY_DIGITS)
def test_at_most_two_ulp_of_many_digits(name, dtype, ulps_off):
    """What no wider type of NumPy has."""
    x = points(name, dtype)[::800]
    x = x[np.isfinite(x)]
    got = kernels.apply_math(name, x)
    with mpmath.workdps(60):
        assert max(map(ulps_off, got, map(IN_MANY_DIGITS[name], map(mpmath.mpf, map(float, x))))) <= 2


@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize("name", IN_MANY_DIGITS)
def test_special_values_of_many_digits(name, dtype):
    info = np.finfo(dtype)
    tiny = info.smallest_subnormal
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, tiny, -tiny, info.max, -info.max], dtype)
    got = kernels.apply_math(name, x)
    odd = name in ("erf", "tanh_shrink")
    limit = 1.0 if name == "erf" else np.inf
    np.testing.assert_array_equal(got[:5], np.array([limit, -limit if odd else 0, np.nan, 0, 0], dtype))
    assert np.array_equal(np.signbit(got[3:5]), [False, True])
    assert (np.abs(got[5:7]) <= 2 * tiny).all()
    np.testing.assert_array_equal(got[7:], np.array([min(limit, info.max), -min(limit, info.max) if odd else 0], dtype))


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0]


@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name, dtype):
    info = np.finfo(dtype)
    more = [info.smallest_subnormal, -info.smallest_subnormal, info.tiny, info.max, -info.max, info.eps / 4]
    x = np.array(SPECIAL + more, dtype)
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[name](x.astype(WIDER[dtype])).astype(dtype)
    got = kernels.apply_math(name, x)
    np.testing.assert_allclose(got, expected, rtol=4 * info.eps)
    if name in ("tanh", "log1p", "expm1", "silu", "sqrt"):
        assert np.array_equal(np.signbit(got[:2]), [False, True])


def test_denormal_results_are_kept():
    x = np.linspace(-103.5, -87.5, 1000).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    got = kernels.apply_math("exp", x)
    assert (got > 0).all()
    assert np.abs(got - exact).max() <= np.finfo(np.float32).smallest_subnormal


@pytest.mark.parametrize("dtype", WIDER)
@pytest.mark.parametrize("name", ["exp", "sigmoid", "tanh", "log"])
def test_within_bounds(name, dtype):
    x = np.sort(points(name, dtype))
    got = kernels.apply_math(name, x)
    bounds = {"exp": (0, np.inf), "sigmoid": (0, 1), "tanh": (-1, 1), "log": (-np.inf, np.inf)}[name]
    assert got.min() >= bounds[0]
    assert got.max() <= bounds[1]


@pytest.mark.parametrize("n", range(40))
def test_a_value_does_not_depend_on_its_place(n):
    x = np.random.default_rng(n).normal(size=n).astype(np.float32)
    for name in ("exp", "sigmoid", "tanh", "erf", "gelu", "gelu_tanh", "mish", "tanh_shrink"):
        alone = np.array([kernels.apply_math(name, x[i : i + 1])[0] for i in range(n)], np.float32)
        assert np.array_equal(kernels.apply_math(name, x), alone)
