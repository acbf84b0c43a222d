"""Streams: TensorFlow's stateful one for Keras 2, its stateless one for Keras 3, and which is drawn from."""

import random

import numpy as np
import pytest

import gdcore
from gdcore._core import kernels
from gdcore.initializers import GlorotUniform
from gdcore.layers import Dense


@pytest.fixture(autouse=True)
def leave_no_trace():
    yield
    gdcore.random._State.global_seed = None
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


def test_a_seed_of_its_own():
    gdcore.utils.set_random_seed(1)
    assert np.array_equal(GlorotUniform(seed=7)((5, 4)), GlorotUniform(seed=7)((5, 4)))
    one = GlorotUniform()
    assert np.array_equal(one((3, 3)), one((3, 3)))
    assert not np.array_equal(one((3, 3)), GlorotUniform()((3, 3)))
    gdcore.random.set_seed(3)
    assert np.array_equal(GlorotUniform(seed=7)((5, 4)), GlorotUniform(seed=7)((5, 4)))


def test_unseeded_streams_differ():
    assert not np.array_equal(GlorotUniform()((3, 3)), GlorotUniform()((3, 3)))
    gdcore.random.set_stream("keras2")
    assert not np.array_equal(GlorotUniform()((3, 3)), GlorotUniform()((3, 3)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_numbers_fill_their_interval(dtype):
    u = gdcore.random.uniform((100_000,), -2.0, 1.0, dtype, seed=3)
    assert u.dtype == dtype
    assert u.min() >= -2
    assert u.max() < 1
    assert abs(u.mean() + 0.5) < 0.01
    counts, _ = np.histogram(u, bins=30, range=(-2, 1))
    assert counts.min() > 3000


@pytest.mark.parametrize("name", ["Zeros", "Ones", "Constant", "RandomUniform", "VarianceScaling", "HeUniform"])
def test_configs_come_back(name):
    cls = getattr(gdcore.initializers, name)
    made = cls(seed=3) if name not in ("Zeros", "Ones", "Constant") else cls()
    again = gdcore.initializers.deserialize(gdcore.initializers.serialize(made))
    assert again.get_config() == made.get_config()
    assert np.array_equal(again((4, 3)), made((4, 3)))
    assert repr(made).startswith(name + "(")
