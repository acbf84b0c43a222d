"""Initializers, against figures recorded from Keras (tests/keras_figures/make_initializers.py) and the reference."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import initializers, random, reference

HERE = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((HERE / "initializers.json").read_text())
ARRAYS = np.load(HERE / "initializers.npz")
CASES = FIGURES["cases"]
SEEDED = sorted({case["class_name"] for case in CASES.values() if case["seeded"]})


@pytest.fixture(autouse=True)
def leave_no_trace():
    yield
    random._State.global_seed = random._State.generator = None
    random.set_stream("keras3")


def is_normal(case):
    return "Normal" in case["class_name"] or "normal" in case["config"].get("distribution", "")


@pytest.mark.parametrize("name", CASES)
def test_keras_figures(name):
    case = CASES[name]
    for i, (seed, shape, dtype) in enumerate(FIGURES["draws"]):
        if f"{name}/{i}" not in ARRAYS.files:
            assert case["class_name"] == "Identity"
            continue
        seeded = {"seed": seed} if case["seeded"] else {}
        made = getattr(initializers, case["class_name"])(**case["arguments"], **seeded)(shape, dtype)
        recorded = ARRAYS[f"{name}/{i}"]
        assert made.dtype == dtype
        if case["class_name"] == "Orthogonal":
            assert np.abs(made - recorded).max() < 16 * np.finfo(dtype).eps
        elif is_normal(case):
            # the same bits with the same libm; another one may round a logarithm, a sine or a cosine otherwise
            near = 4 * np.finfo(dtype).eps
            np.testing.assert_allclose(made, recorded, rtol=near, atol=near * abs(case["arguments"].get("mean", 0)))
        else:
            assert np.array_equal(made, recorded)


@pytest.mark.parametrize("name", CASES)
def test_configs_are_those_of_keras_and_come_back(name):
    case = CASES[name]
    cls = getattr(initializers, case["class_name"])
    made = cls(**case["arguments"], **({"seed": 0} if case["seeded"] else {}))
    beyond = {"gain": 0.7} if name == "identity" else {}  # which Keras forgets
    assert made.get_config() == {**case["config"], **beyond}
    for again in (
        cls.from_config(made.get_config()),
        made.clone(),
        initializers.deserialize(initializers.serialize(made)),
        initializers.get({"module": "keras.initializers", "registered_name": None, **initializers.serialize(made)}),
    ):
        assert type(again) is cls
        assert again.get_config() == made.get_config()
        assert np.array_equal(again((4, 3)), made((4, 3)))
    assert repr(made).startswith(case["class_name"] + "(")


@pytest.mark.parametrize("name", FIGURES["names"])
def test_the_names_of_keras(name):
    if name in ("Initializer", "initializer", "STFT", "stft", "STFTInitializer"):
        with pytest.raises(ValueError, match=f"initializer='{name}' is not known"):
            initializers.get(name)
        return
    made = initializers.get(name)
    assert isinstance(made, initializers.Initializer)
    assert type(initializers.deserialize({"class_name": name, "config": {}})) is type(made)
    assert getattr(initializers, name) is type(made)
    assert made((3, 3)).dtype == np.float32


@pytest.mark.parametrize("name", SEEDED)
def test_seeds(name):
    cls = getattr(initializers, name)
    assert np.array_equal(cls(seed=7)((5, 4)), cls(seed=np.int64(7))((5, 4)))
    assert not np.array_equal(cls(seed=7)((5, 4)), cls(seed=8)((5, 4)))
    unseeded = cls()
    assert np.array_equal(unseeded((3, 3)), unseeded((3, 3)))
    assert not np.array_equal(unseeded((3, 3)), cls()((3, 3)))
    assert unseeded.get_config()["seed"] is None
    gdcore.utils.set_random_seed(4)
    first = cls()((3, 3))
    gdcore.utils.set_random_seed(4)
    assert np.array_equal(cls()((3, 3)), first)


@pytest.mark.parametrize("name", SEEDED)
def test_a_generator_as_the_seed(name):
    cls = getattr(initializers, name)
    made = cls(seed=random.SeedGenerator(4))
    first, second = made((5, 4)), made((5, 4))
    assert np.array_equal(first, cls(seed=4)((5, 4)))
    assert not np.array_equal(first, second)
    again = cls.from_config(made.get_config())
    assert np.array_equal(again((5, 4)), first)
    assert np.array_equal(again((5, 4)), second)


def test_a_generator_as_keras_describes_it():
    described = FIGURES["with_generator"]
    made = initializers.deserialize(described)
    assert made.get_config() == described["config"]
    assert np.array_equal(made((3, 2)), initializers.HeNormal(seed=4)((3, 2)))


@given(
    st.sampled_from(["RandomUniform", "RandomNormal", "TruncatedNormal"]),
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.integers(0, 5), max_size=3),
    st.sampled_from(["float32", "float64"]),
    st.floats(-3, 3, width=32),
    st.floats(0, 3, width=32),
)
def test_the_reference_draws_the_same(name, seed, shape, dtype, first, second):
    shape = tuple(shape)
    made = getattr(initializers, name)(first, second, seed=seed)(shape, dtype)
    stream = reference.random.stateless_stream(seed)
    if name == "RandomUniform":
        assert np.array_equal(made, reference.random.uniform(stream, shape, first, second, dtype))
        return
    distribution = {"RandomNormal": "normal", "TruncatedNormal": "truncated_normal"}[name]
    drawn = reference.random.draw(distribution, stream, shape, second, first, dtype)
    assert made.dtype == dtype
    np.testing.assert_allclose(made, drawn, rtol=0, atol=8 * np.finfo(dtype).eps * (abs(first) + 5 * second))


@pytest.mark.parametrize("name", SEEDED)
def test_the_stream_of_keras_2(name):
    cls = getattr(initializers, name)
    random.set_seed(5)
    first, second = cls()((4, 3)), cls()((4, 3))
    assert not np.array_equal(first, second)
    random.set_seed(5)
    one = cls()
    assert np.array_equal(one((4, 3)), first)
    assert np.array_equal(one((4, 3)), second)
    assert np.array_equal(cls(seed=8)((4, 3)), cls(seed=8)((4, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_keras_2_draws_the_reference_streams(dtype):
    random.set_seed(5)
    stateful = reference.random.StatefulStream(5)
    for cls, distribution in (
        (initializers.RandomNormal, "normal"),
        (initializers.TruncatedNormal, "truncated_normal"),
    ):
        made = cls(0.5, 2.0)((7, 3), dtype)
        drawn = reference.random.draw(distribution, stateful.next(), (7, 3), 2.0, 0.5, dtype)
        np.testing.assert_allclose(made, drawn, rtol=0, atol=64 * np.finfo(dtype).eps)
    made = initializers.RandomUniform(-0.3, 0.1)((7, 3), dtype)
    assert np.array_equal(made, reference.random.uniform(stateful.next(), (7, 3), -0.3, 0.1, dtype))


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_normal", 2 / 700),
        ("glorot_uniform", 2 / 700),
        ("he_normal", 2 / 300),
        ("he_uniform", 2 / 300),
        ("lecun_normal", 1 / 300),
        ("lecun_uniform", 1 / 300),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_variances(name, variance, dtype):
    made = getattr(initializers, name)(seed=1)((300, 400), dtype)
    assert made.var() == pytest.approx(variance, rel=0.02)
    assert abs(made.mean()) < 0.02 * made.std()
    if name.endswith("normal"):
        assert np.abs(made).max() < 2 * np.sqrt(variance) / 0.8796


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (2, 3, 4), (3, 2, 9), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_orthogonal(shape, dtype):
    made = initializers.Orthogonal(gain=1.5, seed=3)(shape, dtype)
    assert made.shape == shape
    assert made.dtype == dtype
    matrix = made.reshape(-1, shape[-1])
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(tall.T @ tall, 2.25 * np.eye(tall.shape[1]), atol=20 * np.finfo(dtype).eps)


def test_empty_and_flat_shapes():
    for name in {type(initializers.get(name)).__name__ for name in initializers._TABLE.names}:
        initializer = initializers.get(name)
        assert initializer((0, 3)).shape == (0, 3)
        assert initializer((3, 0), "float64").shape == (3, 0)
        if name not in ("Identity", "Orthogonal"):
            assert initializer(()).shape == ()
            assert initializer(5).shape == (5,)
            assert initializer([np.int32(2), 3]).shape == (2, 3)


def test_identity():
    assert np.array_equal(initializers.Identity(2)((2, 3), "float64"), [[2, 0, 0], [0, 2, 0]])


def test_functions_classes_and_arrays():
    def ramp(shape, dtype=None):
        return np.arange(np.prod(shape), dtype=dtype).reshape(shape)

    class Twos(initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return np.full(shape, 2, dtype)

    assert initializers.get(ramp) is ramp
    assert initializers.get(initializers.GlorotNormal)((2, 2)).shape == (2, 2)
    twos = initializers.get(Twos)
    assert initializers.get(twos) is twos
    assert isinstance(initializers.deserialize(initializers.serialize(twos), {"Twos": Twos}), Twos)
    assert initializers.deserialize(initializers.serialize(ramp), {"ramp": ramp}) is ramp
    with pytest.raises(ValueError, match="initializer='ramp' is not known"):
        initializers.deserialize(initializers.serialize(ramp))

    given_values = np.array([[1, 2], [3, 4]])
    fixed = initializers.get(given_values)
    given_values[0, 0] = 9
    assert fixed((2, 2)).dtype == np.float32
    assert np.array_equal(fixed((2, 2), "float64"), [[1, 2], [3, 4]])
    with pytest.raises(ValueError, match=r"shape=\(2, 3\) is not \(2, 2\)"):
        fixed((2, 3))


def test_a_model_starts_from_them():
    weights = np.array([[0.5, -1.0], [2.0, 0.25], [0.0, 1.0]])
    layer = gdcore.layers.Dense(2, input_dim=3, kernel_initializer=weights, bias_initializer="random_normal")
    model = gdcore.Sequential([layer, gdcore.layers.Dense(3, kernel_initializer=lambda shape, dtype: np.ones(shape))])
    kernel, bias, ones, _ = model.get_weights()
    assert np.array_equal(kernel, weights)
    assert (bias != 0).all()
    assert np.array_equal(ones, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: initializers.get("glorot_norml"), ValueError, "Did you mean 'glorot_normal'"),
        (lambda: initializers.get(3), ValueError, "initializer=3 is not known"),
        (lambda: initializers.get(int), ValueError, "is not known"),
        (lambda: initializers.get(None), ValueError, "initializer=None is not known"),
        (lambda: initializers.get({"config": {}}), ValueError, "initializer='None' is not known"),
        (lambda: initializers.get(np.array(["a"])), TypeError, "expected real numbers"),
        (lambda: initializers.nothing, AttributeError, "has no attribute 'nothing'"),
        (lambda: initializers.Constant("a"), TypeError, "value='a' is not a finite number"),
        (lambda: initializers.Constant([1, 2]), TypeError, "value=.* is not a finite number"),
        (lambda: initializers.RandomNormal(mean=np.nan), ValueError, "mean=nan is not a finite number"),
        (lambda: initializers.RandomNormal(stddev=-1), ValueError, "stddev=-1 is not a finite number of at least 0"),
        (lambda: initializers.RandomUniform(maxval=np.inf), ValueError, "maxval=inf is not a finite number"),
        (
            lambda: initializers.VarianceScaling(scale=-1.0),
            ValueError,
            "scale=-1.0 is not a finite number greater than 0",
        ),
        (lambda: initializers.VarianceScaling(distribution="gauss"), ValueError, "distribution='gauss' is not"),
        (lambda: initializers.VarianceScaling(input_axes=[0]), ValueError, "both or none"),
        (lambda: initializers.HeNormal(None, [2], [0])((2, 3)), ValueError, r"axes of shape=\(2, 3\)"),
        (lambda: initializers.HeNormal(None, 0, 1)((2, 3)), ValueError, "input_axes=0"),
        (lambda: initializers.Orthogonal(gain=None), TypeError, "gain=None is not a finite number"),
        (lambda: initializers.Orthogonal()((4,)), ValueError, r"shape=\(4,\) has 1 dimensions"),
        (lambda: initializers.Identity()((4, 2, 2)), ValueError, r"shape=\(4, 2, 2\) has 3 dimensions"),
        (lambda: initializers.GlorotNormal(seed="7"), TypeError, "seed='7' is not an integer"),
        (lambda: initializers.GlorotNormal(seed=True), TypeError, "seed=True is not an integer"),
        (
            lambda: initializers.GlorotNormal(seed=2**63),
            ValueError,
            "seed=9223372036854775808 is not an integer of at most",
        ),
        (lambda: initializers.GlorotNormal(seed={"class_name": "Dense"}), ValueError, "not a serialized SeedGenerator"),
        (lambda: initializers.Zeros()((2, -1)), ValueError, r"shape=\(2, -1\) has a negative size"),
        (lambda: initializers.Zeros()("ab"), TypeError, "shape='ab' is not made of integers"),
        (lambda: initializers.HeNormal()((2.0, 3)), TypeError, r"shape=\(2.0, 3\) is not made of integers"),
        (lambda: initializers.HeNormal()((2, 3), "float16"), ValueError, "dtype=float16 is not float32 or float64"),
        (lambda: initializers.Initializer()((2, 3)), NotImplementedError, "^$"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_bad_input_uses_up_no_numbers():
    generator = random.SeedGenerator(3)
    made = initializers.HeNormal(seed=generator)
    for bad in (lambda: made((2, -1)), lambda: made((2, 2), "int32"), lambda: made("ab")):
        with pytest.raises((TypeError, ValueError)):
            bad()
    assert generator.state.tolist() == [3, 0]
