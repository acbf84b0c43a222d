"""Property tests: the compiled core against gdcore.reference, over random nets, batches and types.

The core may sum in another order and fuse multiply-adds; differences are held to a few roundings of the
largest number involved.
"""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import gdcore
from gdcore import reference
from gdcore._core import Network, kernels
from gdcore._core.specs import LossSpec
from gdcore.reference.network import Dense

DTYPES = ("float32", "float64")
CROSSENTROPIES = [name for name in reference.losses.NAMES if "crossentropy" in name]
rng_seeds = st.integers(0, 2**32 - 1)


def roundings(dtype, n):
    return n * np.finfo(dtype).eps


@st.composite
def nets(draw, max_layers=4, max_units=9):
    """(dtype, inputs, layers, loss, options) that make sense together."""
    dtype = draw(st.sampled_from(DTYPES))
    layers = [
        Dense(draw(st.integers(1, max_units)), draw(st.sampled_from(reference.activations.NAMES)), draw(st.booleans()))
        for _ in range(draw(st.integers(1, max_layers)))
    ]
    loss = draw(st.sampled_from(reference.losses.NAMES))
    options = {"reduction": draw(st.sampled_from(["sum_over_batch_size", "sum", "mean_with_sample_weight"]))}
    if loss in CROSSENTROPIES and "sparse" not in loss:
        options["label_smoothing"] = draw(st.sampled_from([0.0, 0.2]))
    if loss in CROSSENTROPIES:
        # a probability loss needs probabilities, or its clipping makes the value jump with one rounding
        bounded = layers[-1].activation in ("sigmoid", "softmax")
        options["from_logits"] = not bounded or draw(st.booleans())
    if loss == "poisson":
        layers[-1] = Dense(layers[-1].units, draw(st.sampled_from(["softplus", "sigmoid"])))  # a logarithm's argument
    return dtype, draw(st.integers(1, 7)), layers, loss, options


def problem(rng, dtype, n_in, layers, loss, n):
    """Parameters, rows, targets and weights for a net."""
    params, width = [], n_in
    for layer in layers:
        params.append(rng.normal(size=(width, layer.units)).astype(dtype))
        if layer.use_bias:
            params.append(rng.normal(size=layer.units).astype(dtype))
        width = layer.units
    x = rng.normal(size=(n, n_in)).astype(dtype)
    if loss == "sparse_categorical_crossentropy":
        y = rng.integers(0, width, size=(n, 1)).astype(dtype)
    elif loss.startswith("binary") or (loss.endswith("hinge") and not loss.startswith("categorical")):
        y = rng.integers(0, 2, size=(n, width)).astype(dtype)
    elif loss.startswith("categorical"):
        y = np.eye(width, dtype=dtype)[rng.integers(0, width, size=n)]
    elif loss == "mean_absolute_percentage_error":
        y = (rng.choice([-1, 1], size=(n, width)) * rng.uniform(0.5, 2.0, size=(n, width))).astype(dtype)
    else:
        y = rng.normal(size=(n, width)).astype(dtype)
    return params, x, y, rng.uniform(0.2, 2.0, size=n).astype(dtype)


def network(dtype, n_in, layers, loss, options, params):
    widths = [n_in, *(layer.units for layer in layers)]
    specs = [
        gdcore.layers.Dense(layer.units, layer.activation, layer.use_bias)._spec((width,))
        for width, layer in zip(widths, layers, strict=False)
    ]
    made = Network(specs, dtype)
    made.configure(gdcore.losses.lookup.NAMES[loss](**options)._spec(), [])
    made.theta[:] = np.concatenate([p.ravel() for p in params])
    return made


def tame(layers, params, x):
    """Whether no value grows so large (exponentials of exponentials do) that one rounding decides the next."""
    with np.errstate(all="ignore"):
        passed = reference.network.forward(layers, [p.astype(np.float64) for p in params], x.astype(np.float64))
    return all(np.abs(a).max() < 50 for _, a in passed)


def flat(arrays):
    return np.concatenate([a.ravel() for a in arrays])


@given(nets(), st.integers(1, 70), rng_seeds, st.booleans())
@example(
    ("float32", 1, [Dense(3, "sigmoid"), Dense(1, "sigmoid")], "mean_absolute_error", {"reduction": "sum"}),
    99,
    5,
    False,
)
@example(("float64", 7, [Dense(1, "softmax", False)], "binary_crossentropy", {"reduction": "sum"}), 16, 0, True)
def test_forward_loss_and_gradient(net, n, seed, weighted):
    dtype, n_in, layers, loss, options = net
    params, x, y, w = problem(np.random.default_rng(seed), dtype, n_in, layers, loss, n)
    assume(tame(layers, params, x))
    w = w if weighted else None
    core = network(dtype, n_in, layers, loss, options, params)
    wide = [p.astype(np.float64) for p in params]
    x64, y64, w64 = x.astype(np.float64), y.astype(np.float64), None if w is None else w.astype(np.float64)

    expected = reference.network.predict(layers, wide, x64)
    tolerance = roundings(dtype, 400) * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(core.predict(x), expected, rtol=0, atol=tolerance)

    value, grads = reference.network.gradient(layers, wide, x64, y64, loss, w64, **options)
    got = core.gradient(x, y, w, "analytic", 0.0)
    # at a kink a rounding decides: leave those cases out, they have tests of their own
    assume(reference.losses.distance_to_kink(loss, y64, expected, options.get("from_logits", False)) > tolerance)
    for layer, (z, _) in zip(layers, reference.network.forward(layers, wide, x64), strict=True):
        for kink in reference.activations.KINKS.get(layer.activation, ()):
            assume(np.abs(z - kink).min() > tolerance)
    assert abs(got - value) <= roundings(dtype, 2000) * max(1.0, abs(value))
    largest = max(1.0, np.abs(flat(grads)).max())
    np.testing.assert_allclose(core.grad, flat(grads), rtol=0, atol=roundings(dtype, 4000) * largest)


@given(nets(max_layers=3, max_units=4), st.integers(1, 40), rng_seeds, st.sampled_from(["forward", "central"]))
def test_finite_differences(net, n, seed, method):
    _, n_in, layers, loss, options = net
    params, x, y, w = problem(np.random.default_rng(seed), "float64", n_in, layers, loss, n)
    assume(tame(layers, params, x))
    core = network("float64", n_in, layers, loss, options, params)
    before = core.theta.copy()
    h = 1e-5
    value, grads = reference.network.finite_difference(layers, params, x, y, loss, w, method=method, h=h, **options)
    got = core.gradient(x, y, w, method, h)
    assert np.array_equal(core.theta, before)
    assert abs(got - value) <= 1e-12 * max(1.0, abs(value))
    # both divide the rounding of the loss by h
    np.testing.assert_allclose(core.grad, flat(grads), rtol=0, atol=1e-13 / h * max(1.0, abs(value)))


@given(nets(max_layers=3, max_units=5), st.integers(1, 50), st.integers(1, 60), rng_seeds, st.booleans(), st.booleans())
def test_training_with_shuffling_and_a_last_partial_batch(net, n, batch, seed, momentum, nesterov):
    _, n_in, layers, loss, options = net
    params, x, y, w = problem(np.random.default_rng(seed), "float64", n_in, layers, loss, n)
    assume(tame(layers, params, x))
    core = network("float64", n_in, layers, loss, options, params)
    optimizer = reference.optimizers.SGD(0.01, 0.9 if momentum else 0.0, nesterov)
    key = seed * 77777 + 1

    def order(epoch):
        return reference.random.shuffle_order(n, key, 3 + epoch)

    with np.errstate(all="ignore"):  # some diverge
        losses = reference.training.fit(
            layers, params, x, y, loss, optimizer, batch_size=batch, epochs=3, orders=order, sample_weight=w, **options
        )
    assume(np.isfinite(losses).all() and np.abs(flat(params)).max() < 100)
    history = np.empty((3, 1))
    fast = gdcore.optimizers.SGD(0.01, 0.9 if momentum else 0.0, nesterov)
    fast.build([core.theta])
    core.train(x, y, w, batch, fast._plan(), history, shuffling=(key, 3, 1))
    assert core.epochs_done == 3
    assert core.steps_done == 3 * -(-n // batch)
    np.testing.assert_allclose(history[:, 0], losses, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(core.theta, flat(params), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_the_update_rounds_as_written(dtype, momentum, nesterov):
    """Bit for bit, over many steps: no multiply-add may be fused in an optimizer."""
    rng = np.random.default_rng(1)
    n = 203
    core = Network([gdcore.layers.Dense(1, use_bias=False)._spec((n,))], dtype)
    core.configure(LossSpec("mean_squared_error", "sum"), [])
    core.theta[:] = rng.normal(size=n)
    params, expected = [core.theta.copy()], reference.optimizers.SGD(0.037, momentum, nesterov)
    fast = gdcore.optimizers.SGD(0.037, momentum, nesterov)
    fast.build([core.theta])
    for _ in range(50):
        x, y = rng.normal(size=(1, n)).astype(dtype) / n, np.zeros((1, 1), dtype)
        core.train(x, y, None, 1, fast._plan(), np.empty((1, 1)))
        expected.update(params, [core.grad.copy()])
        assert np.array_equal(core.theta, params[0])


@given(nets(max_layers=3, max_units=4), st.integers(1, 30), rng_seeds, st.data())
def test_loss_slice(net, n, seed, data):
    _, n_in, layers, loss, options = net
    params, x, y, _ = problem(np.random.default_rng(seed), "float64", n_in, layers, loss, n)
    assume(tame(layers, params, x))
    core = network("float64", n_in, layers, loss, options, params)
    before = core.theta.copy()
    which = data.draw(st.integers(0, len(params) - 1))
    index = tuple(data.draw(st.integers(0, size - 1)) for size in params[which].shape)
    offset = sum(p.size for p in params[:which]) + int(np.ravel_multi_index(index, params[which].shape))
    layer = next(i for i in range(len(layers)) if which < sum(1 + d.use_bias for d in layers[: i + 1]))
    values = np.linspace(-2, 2, 7)
    expected = reference.network.loss_slice(layers, params, x, y, loss, which, index, values, **options)
    got = core.loss_slice(x, y, None, layer, offset, values)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)
    assert np.array_equal(core.theta, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", reference.losses.NAMES)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.3])
def test_losses_alone(dtype, name, from_logits, label_smoothing):
    """Values and gradients from the objects, on probabilities with zeros, ones and the clipping's edges."""
    options = {}
    if "crossentropy" in name:
        options["from_logits"] = from_logits
        if "sparse" not in name:
            options["label_smoothing"] = label_smoothing
    rng = np.random.default_rng(2)
    eps = np.dtype(dtype).type(1e-7)
    p = rng.uniform(0.01, 1.0, size=(40, 4)).astype(dtype)
    p[:6, 0] = [0.0, 1.0, eps, 1 - eps, eps / 2, 1e-6]
    if options.get("from_logits"):
        p = (8 * p - 4).astype(dtype)
    labels = rng.integers(0, 4, size=40)
    y = labels if "sparse" in name else np.eye(4, dtype=dtype)[labels]
    w = rng.uniform(0.5, 1.5, size=40).astype(dtype)
    loss = gdcore.losses.deserialize(
        {"class_name": type(gdcore.losses.get(name)).__name__, "config": {"reduction": "sum", **options}}
    )
    expected = reference.losses.mean(name, y, p, w, reduction="sum", **options)
    assert abs(loss(y, p, w) - expected) <= roundings(dtype, 20) * abs(expected)
    expected = reference.losses.gradient(name, y, p, w, reduction="sum", **options)
    got = loss.gradient(y, p, w)
    assert got.dtype == np.dtype(dtype)
    np.testing.assert_allclose(got, expected, rtol=roundings(dtype, 40), atol=roundings(dtype, 40))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", reference.activations.NAMES)
def test_activations_alone(dtype, name):
    rng = np.random.default_rng(3)
    activation = gdcore.activations.get(name)
    for shape in [(1,), (17, 5), (2, 3, 4), (0, 3)]:
        x = (4 * rng.normal(size=shape)).astype(dtype)
        expected = reference.activations.activate(name, x.astype(np.float64)) if x.size else x
        got = activation(x)
        assert got.dtype == x.dtype
        assert got.shape == x.shape
        # the core does not round the differences from a row's largest value, the reference does
        rounds = 40 if name in reference.activations.COUPLED else 8
        np.testing.assert_allclose(got, expected, rtol=roundings(dtype, rounds), atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", reference.activations.NAMES)
def test_derivatives_alone(dtype, name):
    rng = np.random.default_rng(3)
    activation = gdcore.activations.get(name)
    x, up = (3 * rng.normal(size=(40, 5))).astype(dtype), rng.normal(size=(40, 5)).astype(dtype)
    a = reference.activations.activate(name, x)
    expected = reference.activations.vjp(name, x, a, up)
    np.testing.assert_allclose(
        activation.derivative(x, up), expected, rtol=roundings(dtype, 40), atol=roundings(dtype, 8)
    )
    if dtype == "float64":
        # and the formula itself, by central differences away from kinks
        kinks = reference.activations.KINKS.get(name, ())
        x = x[np.all([np.abs(x - k).min(axis=1) > 1e-3 for k in (*kinks, 99.0)], axis=0)]
        up = up[: len(x)]
        h = 1e-6
        got = activation.derivative(x, up)
        for j in range(5):
            e = h * (np.arange(5) == j)
            numeric = np.sum(up * (activation(x + e) - activation(x - e)), axis=1) / (2 * h)
            np.testing.assert_allclose(got[:, j], numeric, rtol=1e-7, atol=1e-8)
    if name not in reference.activations.COUPLED:
        ones = np.ones_like(up)
        np.testing.assert_array_equal(activation.derivative(x), activation.derivative(x, ones[: len(x)]))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("elu", {"alpha": 0.7}),
        ("celu", {"alpha": 1.7}),
        ("leaky_relu", {"negative_slope": 0.03}),
        ("hard_shrink", {"threshold": 1.2}),
        ("soft_shrink", {"threshold": 1.2}),
        ("squareplus", {"b": 0.5}),
    ],
)
def test_activations_with_parameters(name, parameters):
    x = np.linspace(-4, 4, 101)
    (p,) = parameters.values()
    expected = {
        "elu": np.where(x > 0, x, p * np.expm1(x)),
        "celu": np.where(x > 0, x, p * np.expm1(x / p)),
        "leaky_relu": np.where(x > 0, x, p * x),
        "hard_shrink": np.where(np.abs(x) > p, x, 0),
        "soft_shrink": np.sign(x) * np.maximum(np.abs(x) - p, 0),
        "squareplus": (x + np.sqrt(x * x + p)) / 2,
    }[name]
    activation = gdcore.activations.get(name)
    np.testing.assert_allclose(activation(x, **parameters), expected, rtol=1e-13, atol=1e-15)
    numeric = (activation(x + 1e-6, **parameters) - activation(x - 1e-6, **parameters)) / 2e-6
    away = np.abs(np.abs(x) - p) > 0.05
    away &= np.abs(x) > 0.05
    got = activation.derivative(x, **parameters)
    np.testing.assert_allclose(got[away], numeric[away], rtol=1e-7, atol=1e-8)
    with pytest.raises(TypeError, match="has no parameter 'slope'"):
        activation(x, slope=1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", reference.activations.NAMES)
def test_activations_on_special_values(dtype, name):
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([[0.0, -0.0, tiny, -tiny], [np.inf, 1, 2, 3], [1, np.nan, 2, 3], [-np.inf, 0, 1000, -1000]], dtype)
    with np.errstate(all="ignore"):
        expected = reference.activations.activate(name, x)
    np.testing.assert_allclose(gdcore.activations.get(name)(x), expected, rtol=roundings(dtype, 8), atol=float(tiny))


def test_mean_absolute_error_has_no_slope_at_its_kink():
    loss = gdcore.losses.MeanAbsoluteError()
    assert np.array_equal(loss.gradient([[1.0, 2.0, 3.0]], [[1.0, 5.0, 0.0]]), [[0.0, 1 / 3, -1 / 3]])


def test_a_batch_larger_than_the_workspace():
    rng = np.random.default_rng(4)
    layers = [Dense(6, "tanh"), Dense(2, "softmax")]
    params, x, y, w = problem(rng, "float64", 3, layers, "categorical_crossentropy", 20001)
    options = {"reduction": "mean_with_sample_weight"}
    core = network("float64", 3, layers, "categorical_crossentropy", options, params)
    value, grads = reference.network.gradient(layers, params, x, y, "categorical_crossentropy", w, **options)
    assert core.gradient(x, y, w, "analytic", 0.0) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(core.grad, flat(grads), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(core.predict(x), reference.network.predict(layers, params, x), rtol=1e-12, atol=1e-15)


@given(st.integers(0, 300), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_streams_and_shuffles(n, key, stream):
    assert np.array_equal(kernels.philox_words(key, stream, n), reference.random.words(key, stream, n))
    order = kernels.shuffle_order(n, key, stream)
    assert np.array_equal(order, reference.random.shuffle_order(n, key, stream))
    assert np.array_equal(np.sort(order), np.arange(n))


@given(st.integers(0, 2**31 - 1), st.integers(1, 6), st.integers(1, 6))
def test_initializers_draw_the_reference_streams(seed, rows, columns):
    limit = float(np.sqrt(6 / (rows + columns)))
    made = gdcore.initializers.GlorotUniform(seed=seed)((rows, columns))
    drawn = reference.random.uniform(reference.random.stateless_stream(seed), (rows, columns), -limit, limit)
    assert np.array_equal(made, drawn)
    kept = gdcore.random.get_stream()
    try:
        gdcore.random.set_seed(seed)
        stateful = reference.random.StatefulStream(seed)
        for _ in range(3):
            made = gdcore.initializers.GlorotUniform()((rows, columns))
            assert np.array_equal(made, reference.random.uniform(stateful.next(), (rows, columns), -limit, limit))
    finally:
        gdcore.random.set_stream(kept)
