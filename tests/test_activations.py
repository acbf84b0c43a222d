"""Activations: values and derivatives against Keras's figures and the reference; names, parameters, configurations."""

import json
import pickle
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import activations, reference
from gdcore._core import Network
from gdcore._core.specs import LossSpec

ARRAYS = np.load(Path(__file__).parent / "keras_figures" / "activations.npz")
CASES = sorted(key[: -len("/value")] for key in ARRAYS.files if key.endswith("/value") and key.count("/") == 1)
NAMES = sorted(activations._ALL)
DTYPES = ("float32", "float64")
NEEDED = {"threshold": {"threshold": 0.5, "default_value": -2.0}}


def parameters(case):
    name, _, query = case.partition("?")
    return name, {k: json.loads(v) for k, _, v in (p.partition("=") for p in query.split("&") if p)}


def test_all_names_are_recorded():
    assert {parameters(case)[0] for case in CASES} == {a.__name__ for a in activations._ALL.values()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_keras_figures(case, dtype):
    name, given = parameters(case)
    x, upstream = ARRAYS["x"].astype(dtype), ARRAYS["upstream"].astype(dtype)
    prefix = "" if dtype == "float32" else "float64/"
    value, gradient = ARRAYS[f"{prefix}{case}/value"], ARRAYS[f"{prefix}{case}/gradient"]
    upstream = upstream[: len(value)]
    assert value.dtype == dtype
    tolerance = (64 if name == "mish" else 16) * np.finfo(dtype).eps
    if dtype == "float64" and (name in ("leaky_relu", "gelu") or list(given) == ["negative_slope"]):
        tolerance = np.finfo(np.float32).eps / 2  # TensorFlow has the slope, and gelu's constants, in float32
    activation = activations.get(name).with_parameters(**given)
    scale = np.maximum(np.abs(value), 1) if name != "exponential" else np.abs(value)
    if "sparsemax" in name:
        scale = 10 * np.maximum(scale, np.abs(x).max())  # differences of partial sums of x
    got = activation(x)
    assert got.dtype == dtype
    assert got.shape == value.shape
    assert (np.abs(got - value) <= tolerance * scale).all()
    np.testing.assert_array_equal(activations.get(name)(x, **given), got)
    got = activation.derivative(x, upstream)
    if name == "celu":
        # at 0 TensorFlow counts both of celu's halves, which makes 2 of a derivative of 1
        at_zero = x == 0
        np.testing.assert_allclose(2 * got[at_zero], gradient[at_zero])
        got, gradient, upstream = got[~at_zero], gradient[~at_zero], upstream[~at_zero]
    scale = np.maximum(np.abs(gradient), np.max(np.abs(upstream)))
    assert (np.abs(got - gradient) <= tolerance * scale).all()


@pytest.mark.parametrize("name", NAMES)
def test_names_and_forms(name):
    activation = activations.get(name)
    assert activations.get(activation) is activation
    assert activations.deserialize(activations.serialize(activation)) is activation
    assert activations.get({"class_name": "function", "config": name}) is activation
    assert getattr(activations, name) is activation
    assert pickle.loads(pickle.dumps(activation)) is activation
    assert repr(activation) == f"<activation {activation.__name__}>"
    assert activation([[1, 2], [3, 4]], **NEEDED.get(name, {})).dtype == np.float32


def test_aliases():
    assert activations.get("swish") is activations.silu
    assert activations.get("hard_swish") is activations.hard_silu
    assert activations.get(None) is activations.linear


BOUND = [
    activations.relu.with_parameters(0.1, 2, threshold=0.5),
    activations.relu.with_parameters(max_value=6),
    activations.leaky_relu.with_parameters(0.1),
    activations.elu.with_parameters(alpha=0.3),
    activations.celu.with_parameters(0.3),
    activations.hard_shrink.with_parameters(0.7),
    activations.soft_shrink.with_parameters(0.7),
    activations.squareplus.with_parameters(b=2),
    activations.threshold.with_parameters(0.1, 2),
    activations.gelu.with_parameters(True),
    activations.softmax.with_parameters(axis=0),
    activations.log_softmax.with_parameters(axis=None),
    activations.sparsemax.with_parameters(axis=0),
    activations.glu.with_parameters(axis=0),
]


@pytest.mark.parametrize("activation", BOUND, ids=repr)
def test_bound_parameters(activation):
    plain = activations.get(activation.__name__)
    assert activation != plain
    assert activation == plain.with_parameters(**activation.parameters)
    assert hash(activation) == hash(plain.with_parameters(**activation.parameters))
    assert pickle.loads(pickle.dumps(activation)) == activation
    config = json.loads(json.dumps(activations.serialize(activation)))
    assert activations.get(config) == activation
    assert activations.serialize(activations.get(config)) == config
    x = np.linspace(-3, 7, 12).reshape(4, 3)
    np.testing.assert_array_equal(activation(x), plain(x, **activation.parameters))
    up = np.ones_like(activation(x))
    np.testing.assert_array_equal(activation.derivative(x, up), plain.derivative(x, up, **activation.parameters))


def test_the_defaults_bound_are_the_plain_activation():
    assert activations.relu.with_parameters(max_value=np.inf) == activations.relu
    assert activations.elu.with_parameters(alpha=1) == activations.elu
    assert activations.serialize(activations.relu.with_parameters(0.0, None, 0)) == "relu"
    assert activations.relu != "relu"


def test_configurations_that_keras_writes():
    expected = {
        "ReLU": activations.relu.with_parameters(0.1, 2.0, 0.5),
        "LeakyReLU": activations.leaky_relu.with_parameters(0.1),
        "ELU": activations.elu.with_parameters(0.3),
        "Softmax": activations.softmax,
        "Celu": activations.celu.with_parameters(0.3),
        "HardShrink": activations.hard_shrink.with_parameters(0.7),
        "SoftShrink": activations.soft_shrink.with_parameters(0.7),
        "Squareplus": activations.squareplus.with_parameters(2),
        "Threshold": activations.threshold.with_parameters(0.1, 2.0),
        "Gelu": activations.gelu.with_parameters(True),
        "LogSoftmax": activations.log_softmax.with_parameters(0),
        "Sparsemax": activations.sparsemax.with_parameters(0),
        "Glu": activations.glu.with_parameters(0),
    }
    configs = json.loads(str(ARRAYS["configs"]))
    assert activations.get(configs.pop()) is activations.mish
    assert {config["class_name"]: activations.get(config) for config in configs} == expected
    for config in configs:
        ours = activations.serialize(expected[config["class_name"]])
        if isinstance(ours, dict):
            assert ours["module"] == config["module"]
            assert ours["config"].items() <= config["config"].items()
    assert activations.get({"class_name": "LeakyReLU", "config": {}}).parameters == {"negative_slope": 0.3}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: activations.softmax.derivative([1.0, 2.0]), ValueError, "upstream is needed: softmax has a Jacobian"),
        (lambda: activations.glu.derivative([1.0, 2.0]), ValueError, "upstream is needed: glu"),
        (
            lambda: activations.tanh.derivative([1.0, 2.0], [1.0, 2.0, 3.0]),
            ValueError,
            r"upstream has shape \(3,\), expected \(2,\) as x",
        ),
        (
            lambda: activations.glu.derivative([1.0, 2.0], [1.0, 2.0]),
            ValueError,
            r"upstream has shape \(2,\), expected \(1,\) as the output",
        ),
        (lambda: activations.log_softmax(3.0), ValueError, "x is a scalar, but log_softmax needs an axis"),
        (lambda: activations.softmax([1.0], axis=1), ValueError, r"axis=1 does not fit x of shape \(1,\)"),
        (lambda: activations.softmax([1.0], axis=0.5), TypeError, "softmax: axis=0.5 is not an integer"),
        (lambda: activations.glu([1.0, 2.0, 3.0]), ValueError, r"x of shape \(3,\) has no even length along axis -1"),
        (lambda: activations.glu([1.0, 2.0], axis=None), TypeError, "glu: axis=None is not an integer"),
        (lambda: activations.gelu([1.0], approximate="no"), TypeError, "gelu: approximate='no' is not True or False"),
        (lambda: activations.threshold([1.0]), TypeError, "threshold has no default for threshold"),
        (lambda: activations.threshold([1.0], 1.0), TypeError, "threshold has no default for default_value"),
        (lambda: activations.elu([1.0], alpha="x"), TypeError, "elu: alpha='x' is not a finite number"),
        (lambda: activations.elu([1.0], float("nan")), ValueError, "elu: alpha=nan is not a finite number"),
        (lambda: activations.elu([1.0], None), TypeError, "elu: alpha=None is not a finite number"),
        (lambda: activations.elu([1.0], True), TypeError, "elu: alpha=True is not a finite number"),
        (lambda: activations.elu([1.0], 10**400), ValueError, "elu: alpha=a whole number of 1329 bits is not a finite"),
        (lambda: activations.relu([1.0], max_value="6"), TypeError, "relu: max_value='6' is not a finite number"),
        (lambda: activations.relu([1.0], max_value=-np.inf), ValueError, "relu: max_value=-inf is not a finite number"),
        (lambda: activations.elu([1.0], 1, 2), TypeError, "elu takes 1 parameters, got 2"),
        (lambda: activations.elu([1.0], 1, alpha=2), TypeError, "elu got 'alpha' twice"),
        (lambda: activations.relu([1.0], slope=2), TypeError, "relu has no parameter 'slope', known: negative_slope"),
        (lambda: activations.get(len), TypeError, "which the compiled loop cannot call; possible are linear, relu"),
        (lambda: activations.get("geluu"), ValueError, "activation='geluu' is not known. Did you mean 'gelu'"),
        (lambda: activations.get(3), ValueError, "activation=3 is not known"),
        (
            lambda: activations.get({"class_name": "LeakyRelu", "config": {}}),
            ValueError,
            "activation='LeakyRelu' is not known. Did you mean 'LeakyReLU'",
        ),
        (lambda: activations.get({"class_name": "ELU", "config": "elu"}), ValueError, "has no config of parameters"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (activations.glu, "glu halves the width of a row"),
        (activations.threshold, "threshold has no default for threshold"),
        (activations.softmax.with_parameters(0), "softmax: axis=0 does not fit a layer"),
    ],
)
def test_what_a_layer_cannot_have(activation, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gdcore.Sequential([gdcore.Input((2,)), gdcore.layers.Dense(2, activation=activation)])


WITH_PARAMETERS = {
    "relu": st.fixed_dictionaries(
        {
            "negative_slope": st.sampled_from([0.0, 0.25, 2.0]),
            "max_value": st.sampled_from([None, 0.5, 2.0, 6.0]),
            "threshold": st.sampled_from([0.0, 0.5, 1.0, -1.0]),
        }
    ),
    "leaky_relu": st.fixed_dictionaries({"negative_slope": st.floats(0, 3)}),
    "elu": st.fixed_dictionaries({"alpha": st.floats(0.01, 5)}),
    "celu": st.fixed_dictionaries({"alpha": st.floats(0.01, 5)}),
    "hard_shrink": st.fixed_dictionaries({"threshold": st.floats(0, 5)}),
    "soft_shrink": st.fixed_dictionaries({"threshold": st.floats(0, 5)}),
    "squareplus": st.fixed_dictionaries({"b": st.floats(0.01, 9)}),
    "threshold": st.fixed_dictionaries({"threshold": st.floats(-5, 5), "default_value": st.floats(-5, 5)}),
    "gelu": st.fixed_dictionaries({"approximate": st.booleans()}),
}
KINKED = [0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 6.0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WITH_PARAMETERS)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_parameters_against_the_reference(name, dtype, data, seed):
    given_ = data.draw(WITH_PARAMETERS[name])
    if dtype == "float32":
        given_ = {k: float(np.float32(v)) if isinstance(v, float) else v for k, v in given_.items()}
    x = np.concatenate([KINKED, 3 * np.random.default_rng(seed).normal(size=50)]).astype(dtype)
    up = np.random.default_rng(seed + 1).normal(size=x.size).astype(dtype)
    activation = activations.get(name).with_parameters(**given_)
    eps = np.finfo(dtype).eps
    wide = x.astype(np.float64)
    expected = reference.activations.activate(name, wide, **given_)
    # the reference rounds what stands in gelu's exponent
    roundings = 300 if name == "gelu" else 20
    np.testing.assert_allclose(activation(x), expected, rtol=roundings * eps, atol=eps * (name == "relu"))
    slope = reference.activations.vjp(name, wide, expected, up.astype(np.float64), **given_)
    np.testing.assert_allclose(activation.derivative(x, up), slope, rtol=40 * eps, atol=20 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@given(rows=st.integers(1, 40), units=st.integers(1, 9), seed=st.integers(0, 2**32 - 1), ties=st.booleans())
def test_sparsemax(dtype, rows, units, seed, ties):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, units))
    x = (np.round(x * 2) / 2 if ties else x).astype(dtype)
    up = rng.normal(size=x.shape).astype(dtype)
    tolerance = dict(rtol=0, atol=40 * units * np.finfo(dtype).eps)
    np.testing.assert_allclose(activations.sparsemax(x), reference.activations.sparsemax(x), **tolerance)
    np.testing.assert_allclose(
        activations.sparsemax.derivative(x, up), reference.activations.sparsemax_vjp(x, up), **tolerance
    )


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, None])
@pytest.mark.parametrize("name", reference.activations.COUPLED)
def test_axis(name, axis):
    rng = np.random.default_rng(1)
    x, up = rng.normal(size=(4, 3, 5)), rng.normal(size=(4, 3, 5))
    activation, along = activations.get(name), -1 if axis is None else axis

    def moved(array):
        return np.moveaxis(array, along, -1) if axis is not None else array.reshape(1, -1)

    got, slope = activation(x, axis=axis), activation.derivative(x, up, axis=axis)
    assert got.shape == slope.shape == x.shape
    np.testing.assert_array_equal(moved(got), activation(moved(x)))
    np.testing.assert_array_equal(moved(slope), activation.derivative(moved(x), moved(up)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_glu(dtype):
    rng = np.random.default_rng(2)
    x, up = rng.normal(size=(4, 6)).astype(dtype), rng.normal(size=(4, 3)).astype(dtype)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(activations.glu(x), x[:, :3] * reference.activations.sigmoid(x[:, 3:]), rtol=4 * eps)
    np.testing.assert_array_equal(activations.glu(x.T, axis=0), activations.glu(x).T)
    np.testing.assert_array_equal(activations.glu.derivative(x.T, up.T, axis=0), activations.glu.derivative(x, up).T)
    wide, h = x.astype(np.float64), 1e-6
    for j in range(6):
        e = h * (np.arange(6) == j)
        numeric = np.sum(up * (activations.glu(wide + e) - activations.glu(wide - e)), axis=1) / (2 * h)
        np.testing.assert_allclose(activations.glu.derivative(x, up)[:, j], numeric, rtol=0, atol=1e-8 + 10 * eps)


def test_relu_alone_keeps_its_own_kind():
    assert activations.relu._spec() == ("relu", ())
    assert activations.relu.with_parameters(negative_slope=0.1)._spec() == ("leaky_relu", (0.1,))
    assert activations.relu.with_parameters(max_value=6)._spec() == ("relu6", ())


@pytest.mark.parametrize("activation", [*(a for a in BOUND if a.__name__ != "glu"), activations.sparsemax], ids=repr)
def test_in_a_network(activation):
    """Forward and backward in the loop give what the arrays give, the input kept where it is needed."""
    if "axis" in activation.parameters:
        activation = activations.get(activation.__name__)
    rng = np.random.default_rng(3)
    dense = [gdcore.layers.Dense(4, activation)._spec((3,)), gdcore.layers.Dense(1, use_bias=False)._spec((4,))]
    core = Network(dense, "float64")
    core.configure(LossSpec("mean_squared_error", "sum"), [])
    core.theta[:] = 2 * rng.normal(size=core.theta.size)
    x, y = 2 * rng.normal(size=(37, 3)), rng.normal(size=(37, 1))
    kernel, bias, last = core.theta[:12].reshape(3, 4), core.theta[12:16], core.theta[16:].reshape(4, 1)
    z = x @ kernel + bias
    a = activation(z)
    core.gradient(x, y, None, "analytic", 0.0)
    np.testing.assert_allclose(core.predict(x), a @ last, rtol=1e-11, atol=1e-12)
    dz = activation.derivative(z, 2 * (a @ last - y) @ last.T)
    expected = np.concatenate([(x.T @ dz).ravel(), dz.sum(axis=0), (a.T @ (2 * (a @ last - y))).ravel()])
    np.testing.assert_allclose(core.grad, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", sorted(set(activations._ALL)))
def test_what_is_not_a_number_stays_that(name):
    x = np.array([np.nan, 1.0, np.nan, 2.0])
    out = activations.get(name)(x, **NEEDED.get(name, {}))
    assert np.isnan(out[0])
    given = [{"negative_slope": 0.1, "threshold": 1.0, "max_value": 2.0}, {"threshold": -1.0}] if name == "relu" else []
    for parameters_ in given:
        assert np.isnan(activations.relu(x, **parameters_)).tolist() == [True, False, True, False]


@pytest.mark.parametrize("name", sorted(set(activations._ALL) - {"glu"}))
def test_the_layout_of_an_array_does_not_matter(name):
    x = np.random.default_rng(4).normal(size=(7, 6))
    given = NEEDED.get(name, {})
    for view in (x.T, x[::2, ::-1], x[:, 3:4], np.asfortranarray(x), x[:0]):
        np.testing.assert_array_equal(activations.get(name)(view, **given), activations.get(name)(view.copy(), **given))


def elu(x, alpha):
    return x if x > 0 else alpha * mpmath.expm1(x)


def squareplus(x, b):
    root = mpmath.sqrt(x * x + b)
    return (x + root) / 2 if x > 0 else b / 2 / (root - x)


def softplus(x):
    return max(x, mpmath.mpf(0)) + mpmath.log1p(mpmath.exp(-abs(x)))


EXACT = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "elu": lambda x, alpha=1: elu(x, alpha),
    "selu": lambda x: (
        mpmath.mpf("1.0507009873554804934193349852946") * elu(x, mpmath.mpf("1.6732632423543772848170429916717"))
    ),
    "celu": lambda x, alpha=1: x if x > 0 else alpha * mpmath.expm1(x / alpha),
    "exponential": mpmath.exp,
    "leaky_relu": lambda x, negative_slope: x if x > 0 else negative_slope * x,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "log_sigmoid": lambda x: -softplus(-x),
    "hard_sigmoid": lambda x: min(max(x + 3, 0), 6) / mpmath.mpf(6),
    "hard_silu": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "soft_shrink": lambda x, threshold: x - min(max(x, -threshold), threshold),
    "squareplus": lambda x, b=4: squareplus(x, b),
    "sparse_plus": lambda x: mpmath.mpf(0) if x <= -1 else (x if x >= 1 else (x + 1) ** 2 / 4),
    "sparse_sigmoid": lambda x: min(max((x + 1) / 2, mpmath.mpf(0)), 1),
}
PRECISE = [
    *((name, {}) for name in EXACT if name not in ("leaky_relu", "soft_shrink")),
    ("elu", {"alpha": 0.3}),
    ("celu", {"alpha": 0.3}),
    ("celu", {"alpha": 3.0}),
    ("leaky_relu", {"negative_slope": 0.2}),
    ("soft_shrink", {"threshold": 0.3}),
    ("squareplus", {"b": 0.3}),
    ("squareplus", {"b": 1e-3}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "given_"), PRECISE)
def test_at_most_two_ulp(name, given_, dtype, ulps_off):
    """Of the correctly rounded value; gelu, mish and tanh_shrink are measured in test_vmath.py."""
    info, rng = np.finfo(dtype), np.random.default_rng(5)
    low, high = np.log(float(info.smallest_subnormal)), np.log(float(info.max))
    sizes = np.concatenate([rng.uniform(low, high, 150), rng.uniform(-8, np.log(1.01 * high), 300)])
    x = (rng.choice([-1, 1], sizes.size) * np.exp(sizes)).astype(dtype)
    given_ = {k: float(np.dtype(dtype).type(v)) for k, v in given_.items()}
    got = activations.get(name)(x, **given_)
    with mpmath.workdps(60):
        exact = [EXACT[name](mpmath.mpf(float(v)), **{k: mpmath.mpf(v) for k, v in given_.items()}) for v in x]
        finite = [i for i, v in enumerate(exact) if abs(v) <= float(info.max)]
        assert all(got[i] == np.inf for i in set(range(x.size)) - set(finite))
        assert len(finite) > 300
        assert max(ulps_off(got[i], exact[i]) for i in finite) <= 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("units", "scale"), [(2, 1), (5, 10), (10, 3), (60, 5)])
def test_rows_at_most_two_ulp(name, units, scale, dtype, ulps_off):
    x = (scale * np.random.default_rng(6).normal(size=(400 // units, units))).astype(dtype)
    got = activations.get(name)(x)
    with mpmath.workdps(60):
        for row, out in zip(x, got, strict=True):
            powers = [mpmath.exp(mpmath.mpf(float(v))) for v in row]
            total = mpmath.fsum(powers)
            exact = [p / total if name == "softmax" else mpmath.log(p / total) for p in powers]
            assert max(map(ulps_off, out, exact)) <= 2
