"""Streams: TensorFlow's stateful one for Keras 2, its stateless one for Keras 3, and which is drawn from.

The figures are Keras's own (tests/keras_figures/make_initializers.py).
"""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdcore
from gdcore import reference
from gdcore._core import kernels
from gdcore.initializers import GlorotUniform, RandomNormal, RandomUniform, TruncatedNormal
from gdcore.layers import Dense
from gdcore.random import SeedGenerator

HERE = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((HERE / "initializers.json").read_text())
ARRAYS = np.load(HERE / "initializers.npz")
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(autouse=True)
def leave_no_trace():
    yield
    gdcore.random._State.global_seed = gdcore.random._State.generator = None
    gdcore.random.set_stream("keras3")


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [  # the known answers that come with Random123
        ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox(key, counter, words):
    assert gdcore.reference.random.philox4x32(key, counter) == words
    block, stream = counter[0] | counter[1] << 32, counter[2] | counter[3] << 32
    assert tuple(kernels.philox_words(key[0] | key[1] << 32, stream, 4, block).tolist()) == words


def test_the_weights_of_the_course():
    gdcore.random.set_seed(5)
    first, second = GlorotUniform()((1, 3)), GlorotUniform()((3, 1))
    assert first.dtype == np.float32
    assert np.array_equal(first, np.float32([[0.30959857, 0.073100686, 0.63308823]]))
    assert np.array_equal(second, np.float32([[0.49408042], [-1.1185157], [0.14808941]]))


def test_the_weights_of_keras_3():
    gdcore.utils.set_random_seed(5)
    model = gdcore.Sequential([Dense(3, input_dim=1)])
    assert np.array_equal(model.layers[0].kernel, np.float32([[0.590649, 0.5160302, -0.3307287]]))


def test_the_order_of_keras():
    assert kernels.shuffle_order(10, 5, 0).tolist() == [7, 4, 5, 9, 1, 2, 8, 6, 0, 3]


def test_set_random_seed_seeds_python_numpy_and_gdcore():
    drawn = []
    for _ in range(2):
        gdcore.utils.set_random_seed(9)
        numpy_draw = np.random.random()  # noqa: NPY002 - the global generator is the one that is seeded
        drawn.append((random.random(), numpy_draw, GlorotUniform()((2, 2)).tolist()))
    assert drawn[0] == drawn[1]
    assert random.Random(9).random() == drawn[0][0]


def test_one_switch_says_which_stream():
    assert gdcore.random.get_stream() == "keras3"
    gdcore.random.set_seed(5)
    assert gdcore.random.get_stream() == "keras2"
    legacy = GlorotUniform()((1, 3))
    gdcore.utils.set_random_seed(5)
    assert gdcore.random.get_stream() == "keras3"
    assert not np.array_equal(GlorotUniform()((1, 3)), legacy)
    gdcore.random.set_stream("keras2")
    assert np.array_equal(GlorotUniform()((1, 3)), legacy)


def test_unseeded_streams_differ():
    assert not np.array_equal(GlorotUniform()((3, 3)), GlorotUniform()((3, 3)))
    gdcore.random.set_stream("keras2")
    assert not np.array_equal(GlorotUniform()((3, 3)), GlorotUniform()((3, 3)))


@DTYPES
def test_uniform_numbers_fill_their_interval(dtype):
    u = gdcore.random.uniform((100_000,), -2.0, 1.0, dtype, seed=3)
    assert u.dtype == dtype
    assert u.min() >= -2
    assert u.max() < 1
    assert abs(u.mean() + 0.5) < 0.01
    counts, _ = np.histogram(u, bins=30, range=(-2, 1))
    assert counts.min() > 3000


def assert_nearly_the_same_bits(ours, theirs, size=1.0):
    """Equal but for what another libm makes of a logarithm, a sine or a cosine, in a few of the numbers."""
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert (np.abs(ours - theirs) <= 4 * np.finfo(ours.dtype).eps * np.maximum(np.abs(theirs), size)).all()
    assert np.mean(ours == theirs) > 0.8


@pytest.mark.parametrize("seed", [0, 7, -3])
@DTYPES
def test_numbers_of_keras(seed, dtype):
    recorded = {name: ARRAYS[f"random/{name}/{dtype}/{seed}"] for name in ("uniform", "normal", "truncated_normal")}
    assert np.array_equal(gdcore.random.uniform((101,), -0.3, 2.2, dtype, seed), recorded["uniform"])
    assert_nearly_the_same_bits(gdcore.random.normal(101, 0.4, 1.3, dtype, seed), recorded["normal"])
    truncated = gdcore.random.truncated_normal((101,), 0.4, 1.3, dtype, seed)
    assert_nearly_the_same_bits(truncated, recorded["truncated_normal"])


@DTYPES
def test_numbers_far_down_the_stream(dtype):
    normal = gdcore.random.normal((100_003,), dtype=dtype, seed=11)
    assert_nearly_the_same_bits(normal[::997], ARRAYS[f"random/far/{dtype}"], size=0)
    truncated = gdcore.random.truncated_normal((100_003,), dtype=dtype, seed=11)
    assert_nearly_the_same_bits(truncated[::997], ARRAYS[f"random/far_truncated/{dtype}"], size=0)
    assert np.abs(truncated).max() < 2
    assert abs(normal.mean()) < 0.01
    assert abs(normal.var() - 1) < 0.02
    assert abs(np.mean(normal**4) - 3) < 0.1
    assert abs(truncated.std() - 0.8796) < 0.01


@DTYPES
def test_dropout_of_keras(dtype):
    generator = SeedGenerator(3)
    x = np.linspace(-3, 3, 35).reshape(5, 7).astype(dtype)
    for call in range(3):
        made = gdcore.random.dropout(x, 0.3, seed=generator)
        assert made.dtype == dtype
        assert np.array_equal(made, ARRAYS[f"random/dropout/{dtype}/{call}"])
    for call in range(2):
        made = gdcore.random.dropout(x, 0.3, (None, 1), seed=generator)
        assert np.array_equal(made, ARRAYS[f"random/dropout_rows/{dtype}/{call}"])
    assert np.array_equal(gdcore.random.dropout(x, 0.0, seed=generator), x)
    assert not gdcore.random.dropout(x, 1.0, seed=generator).any()
    assert generator.state.tolist() == [3, 5]


def test_dropout_of_other_arrays():
    integers = np.arange(12).reshape(3, 4)[:, ::2]
    made = gdcore.random.dropout(integers, 0.5, seed=1)
    assert made.dtype == np.float32
    assert np.array_equal(made, gdcore.random.dropout(integers.astype(np.float32), 0.5, seed=1))
    assert set(np.unique(made)) <= {0, *(2 * integers.ravel())}


def test_integers_of_keras():
    keys = [key.split("/")[2:] for key in ARRAYS.files if key.startswith("random/randint")]
    assert len(keys) == 4
    for dtype, low, high in keys:
        made = gdcore.random.randint((4, 5), int(low), int(high), dtype, seed=7)
        assert made.dtype == dtype
        assert np.array_equal(made, ARRAYS[f"random/randint/{dtype}/{low}/{high}"])


def test_shuffles_of_keras():
    assert np.array_equal(gdcore.random.shuffle(np.arange(40).reshape(20, 2), seed=7), ARRAYS["random/shuffle/0"])
    made = gdcore.random.shuffle(np.arange(40).reshape(2, 20), axis=1, seed=7)
    assert np.array_equal(made, ARRAYS["random/shuffle/1"])


def test_the_shared_generator():
    for _ in range(2):
        gdcore.utils.set_random_seed(5)
        for call in range(2):
            assert np.array_equal(gdcore.random.uniform((5,)), ARRAYS[f"random/shared/{call}"])


@DTYPES
def test_stateful_ops_of_tensorflow(dtype):
    gdcore.random.set_seed(5)
    recorded = [ARRAYS[f"random/stateful/{dtype}/{i}"] for i in range(4)]
    assert_nearly_the_same_bits(RandomNormal(0.4, 1.3)((33,), dtype), recorded[0])
    assert_nearly_the_same_bits(TruncatedNormal(0.4, 1.3)((33,), dtype), recorded[1])
    assert np.array_equal(RandomUniform(-0.3, 2.2)((33,), dtype), recorded[2])
    assert_nearly_the_same_bits(RandomNormal(0.4, 1.3, seed=8)((33,), dtype), recorded[3])


@pytest.mark.parametrize("seed", [0, 5, 2**31 + 5])
def test_seeds_of_tensorflow(seed):
    gdcore.random.set_seed(seed)
    for i, op_seed in enumerate((None, 0, 3, -4)):
        made = RandomUniform(0, 1, seed=op_seed)((5,))
        assert np.array_equal(made, ARRAYS[f"random/seeds/{seed}/{i}"])


def test_states_of_a_generator():
    generator = SeedGenerator(5)
    assert [generator.next(ordered).tolist() for ordered in (True, True, False, False, True)] == FIGURES["states"]
    assert SeedGenerator.from_config(generator.get_config()).state.tolist() == [5, 0]
    assert repr(generator) == "SeedGenerator(seed=5)"
    assert SeedGenerator().get_config()["seed"] is None
    random.seed(8)
    drawn = random.Random(8).randint(1, 10**9)
    assert SeedGenerator().state.tolist() == [drawn, 0]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1))
def test_streams_of_seeds(seed, call):
    assert kernels.seeded_stream(seed, call) == reference.random.stateless_stream(seed, call)


@given(
    st.sampled_from(["uniform", "normal", "truncated_normal"]),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 2**64 - 1),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_a_stream_can_be_entered_anywhere(distribution, dtype, key, first, n):
    whole, part = np.empty(first + n, dtype), np.empty(n, dtype)
    kernels.draw_random(distribution, key, 9, whole)
    kernels.draw_random(distribution, key, 9, part, first, 2.0, 0.5)
    assert np.array_equal(part, whole[first:] * 2 + part.dtype.type(0.5))
    drawn = reference.random.standard(distribution, key, 9, first + n, dtype)
    np.testing.assert_allclose(whole, drawn, rtol=0, atol=24 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SeedGenerator(1.5), TypeError, "seed=1.5 is not an integer"),
        (lambda: SeedGenerator(-(2**63) - 1), ValueError, "is not an integer of at least -9223372036854775808"),
        (lambda: gdcore.random.uniform((2,), seed="a"), TypeError, "seed='a' is not an integer"),
        (lambda: gdcore.random.normal((2, None)), TypeError, r"shape=\(2, None\) is not made of integers"),
        (lambda: gdcore.random.normal((2,), dtype="int32"), ValueError, "dtype=int32 is not float32"),
        (lambda: gdcore.random.randint((2,), 3, 3), ValueError, "minval=3 is not less than maxval=3"),
        (lambda: gdcore.random.randint((2,), 0.5, 3), TypeError, "minval=0.5 is not an integer"),
        (lambda: gdcore.random.randint((2,), 0, 2**31), ValueError, "maxval=2147483648 does not fit into int32"),
        (lambda: gdcore.random.randint((2,), 0, 2, "float32"), ValueError, "dtype=float32 is not an integer type"),
        (lambda: gdcore.random.dropout(np.ones(3), 1.5), ValueError, "rate=1.5 is not a finite number between 0 and 1"),
        (lambda: gdcore.random.dropout(np.ones(3), "0.5"), TypeError, "rate='0.5' is not a finite number"),
        (lambda: gdcore.random.uniform(2, "0"), TypeError, "minval='0' is not a finite number"),
        (lambda: gdcore.random.normal(2, 0, True), TypeError, "stddev=True is not a finite number"),
        (lambda: gdcore.random.truncated_normal(2, np.nan), ValueError, "mean=nan is not a finite number"),
        (lambda: gdcore.utils.set_random_seed(True), TypeError, "seed=True is not an integer"),
        (lambda: gdcore.utils.to_categorical([0, 1], "2"), TypeError, "num_classes='2' is not an integer"),
        (lambda: gdcore.random.dropout(np.ones(3), 0.5, (2,)), ValueError, r"noise_shape=\(2,\) does not fit"),
        (lambda: gdcore.random.dropout(np.ones(3), 0.5, (1, 3)), ValueError, "does not fit inputs of shape"),
        (lambda: gdcore.random.set_stream("keras4"), ValueError, "stream='keras4'"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()
