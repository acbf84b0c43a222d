"""How models are put together: weights drawn layer by layer, one network for all of them, names, changes."""

import copy
import pickle

import numpy as np
import pytest

import gdcore
from gdcore import Input, Sequential
from gdcore.layers import BatchNormalization, Dense, Dropout, Flatten, Normalization
from gdcore.models import stack
from gdcore.optimizers import SGD

X = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)


@pytest.fixture
def networks(monkeypatch):
    """The networks that are made, each by the number of its layers."""
    made = []

    def network(specs, dtype):
        made.append(len(specs))
        return real(specs, dtype)

    real = stack.Network
    monkeypatch.setattr(stack, "Network", network)
    return made


@pytest.mark.parametrize(
    "look",
    [
        lambda model: model.weights,
        lambda model: model.get_weights(),
        lambda model: model.count_params(),
        lambda model: model.summary(print_fn=lambda line: None),
        lambda model: model.predict(X),
        lambda model: model.layers[7].kernel,
        lambda model: model.layers[0].weights,
        lambda model: copy.deepcopy(model),
        lambda model: pickle.dumps(model),
        lambda model: pickle.dumps(model.layers[3]),
        lambda model: model.set_weights([w + 1 for w in model.get_weights()]),
        lambda model: model.build(),
    ],
)
def test_one_network_for_all_layers_when_it_is_needed(networks, look):
    model = Sequential([Input((3,))])
    for _ in range(50):
        model.add(Dense(3))
    assert model.built
    assert model.layers[20].built
    assert model.output_shape == (None, 3)
    assert networks == []
    look(model)
    assert networks[0] == 50
    assert len(networks) <= 2  # a copy has its own
    model.predict(X)
    assert networks[:1] * len(networks) == networks


def test_taking_off_many_layers_makes_no_network_for_each(networks):
    model = Sequential([Input((3,)), *(Dense(3) for _ in range(30))])
    before = model.get_weights()
    for _ in range(20):
        model.pop()
    assert networks == [30]
    for a, b in zip(model.get_weights(), before[:20], strict=True):
        assert np.array_equal(a, b)
    assert networks == [30, 10]


@pytest.mark.parametrize("stream", ["keras2", "keras3"])
def test_weights_are_drawn_when_a_layer_is_put_on(stream):
    """Also where other numbers are drawn in between."""
    ends = []
    try:
        for how in ("model", "by hand"):
            gdcore.utils.set_random_seed(5)
            if stream == "keras2":
                gdcore.random.set_seed(5)
            model, drawn = Sequential([Input((3,))]), []
            for n, units in ((3, 4), (4, 2)):
                if how == "model":
                    model.add(Dense(units))
                else:
                    drawn.append(gdcore.initializers.GlorotUniform()((n, units)))
                drawn.append(gdcore.initializers.RandomNormal()((2,)))
                drawn.append(gdcore.random.uniform((2,)))
            if how == "model":
                first, second = (layer.kernel for layer in model.layers)
                drawn = [first, *drawn[:2], second, *drawn[2:]]
            ends.append(drawn)
    finally:
        gdcore.random.set_stream("keras3")
    for a, b in zip(*ends, strict=True):
        assert np.array_equal(a, b)


def test_an_array_that_was_handed_out_stays_the_layers():
    first, last = Dense(4, "tanh"), Dense(2)
    model = Sequential([Input((3,)), first, Flatten(), last])
    kernel, bias = last.kernel, last.bias  # before anything else looked at the model
    model.compile(SGD(0.1), "mse")
    model.fit(X, X[:, :2], verbose=0)
    assert np.shares_memory(kernel, model.weights[2])
    assert bias.any()
    kernel[...], bias[...] = 0, 7
    assert (model.predict(X) == 7).all()
    model.pop()
    hidden = first.kernel
    hidden[...] = 0
    first.bias[...] = 0
    assert not model.predict(X).any()
    assert np.shares_memory(hidden, first.kernel)


def test_a_layer_that_was_put_on_keeps_its_state_when_others_follow():
    model = Sequential([Input((3,)), BatchNormalization(), Dropout(0.5, seed=2), Dense(2)])
    model.compile(SGD(0.1), "mse")
    model.fit(X, X[:, :2], verbose=0)
    before, seed = model.get_weights(), model.layers[1].seed_generator.state.copy()
    assert seed[1] > 0
    model.add(Dense(2))
    for a, b in zip(model.get_weights()[:-2], before, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(model.layers[1].seed_generator.state, seed)
    copied = copy.deepcopy(model.layers[0])
    assert np.array_equal(copied.moving_mean, model.layers[0].moving_mean)
    assert not np.shares_memory(copied.moving_mean, model.layers[0].moving_mean)


def test_names_that_are_free_again():
    model = Sequential([Input((3,)), *(Dense(2) for _ in range(4)), Dense(2, name="dense_5"), Dense(2), Dense(2)])
    names = [layer.name for layer in model.layers]
    assert names == ["dense", "dense_1", "dense_2", "dense_3", "dense_5", "dense_4", "dense_6"]
    for _ in range(3):
        model.pop()
    for _ in range(3):
        model.add(Dense(2))
    assert [layer.name for layer in model.layers][4:] == ["dense_4", "dense_5", "dense_6"]


def test_a_layer_of_another_type_makes_the_model_that_type():
    model = Sequential([Input((3,)), Dense(2)])
    first = model.get_weights()[0]
    model.add(Dense(2, dtype="float64"))
    assert model.dtype == "float64"
    assert [w.dtype for w in model.get_weights()] == [np.float64] * 4
    assert np.array_equal(model.get_weights()[0], first)
    model.layers[0].kernel[...] = np.pi
    model.pop()
    assert model.dtype == "float32"
    assert (model.get_weights()[0] == np.float32(np.pi)).all()


def failing(shape, dtype=None):
    raise ArithmeticError("no numbers today")


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (lambda: Dense(2, kernel_initializer=failing), ArithmeticError, "no numbers today"),
        (lambda: Dense(2, name="dense"), ValueError, "a layer named 'dense' already"),
        (lambda: Dense(2, dtype="float64"), ValueError, "has dtype='float64', but the model is 'float32'"),
        (lambda: Dense(2, input_dim=5), ValueError, r"has input_shape=\(5,\), but gets \(4,\)"),
        (lambda: Input((4,)), ValueError, "Input must be the first entry"),
    ],
)
def test_a_layer_that_cannot_be_put_on_changes_nothing(layer, error, message):
    model = Sequential([Input((3,)), Dense(4)], dtype="float32")
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.add(layer())
    assert [other.name for other in model.layers] == ["dense"]
    for a, b in zip(model.get_weights(), before, strict=True):
        assert np.array_equal(a, b)
    model.add(Dense(2))
    assert model.layers[1].name == "dense_1"
    assert model.predict(X).shape == (9, 2)


def test_rows_that_do_not_fit_leave_the_width_open():
    adapted = Normalization()
    adapted.adapt(X)
    model = Sequential([adapted, Dense(2)])
    with pytest.raises(ValueError, match=r"was adapted to rows of shape \(3,\), but gets \(5,\)"):
        model.predict(np.ones((2, 5)))
    assert not model.built
    assert model.input_shape is None
    assert model.predict(X).shape == (9, 2)
    assert model.input_shape == (None, 3)


def test_no_layers_at_all():
    for model in (Sequential(), Sequential([Input((3,))])):
        assert not model.built
        assert model.weights == []
        with pytest.raises(ValueError, match="has no layers"):
            model.predict(X)
        assert model._network is None
    with pytest.raises(ValueError, match="has no layers"):
        Sequential().build((3,))
    with pytest.raises(ValueError, match="input_shape is not known"):
        Sequential([Dense(1)]).count_params()


def test_a_layer_that_is_frozen_after_the_first_step_learns_until_the_next_compile():
    model = Sequential([Input((3,)), Dense(4), Dense(2)])
    model.compile(SGD(0.1, momentum=0.9), "mse")
    model.train_on_batch(X, X[:, :2])
    first, second = model.layers
    first.trainable = False
    before = first.kernel.copy()
    with pytest.warns(UserWarning, match="layer 'dense' was changed after"):
        model.fit(X, X[:, :2], verbose=0)
    assert not np.array_equal(first.kernel, before)
    assert [array.size for array in model.optimizer.variables] == [12 + 4 + 8 + 2]
    assert [part.shape for part in model.gradient(X, X[:, :2])[1]] == [(4, 2), (2,)]
    model.compile(SGD(0.1, momentum=0.9), "mse")
    before, other = first.kernel.copy(), second.kernel.copy()
    model.fit(X, X[:, :2], verbose=0)
    assert np.array_equal(first.kernel, before)
    assert not np.array_equal(second.kernel, other)
    assert [part.shape for part in model.gradient(X, X[:, :2])[1]] == [(4, 2), (2,)]


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("verbose", ["x", 3, None])
def test_how_much_to_print_is_checked_everywhere(call, verbose):
    model = Sequential([Input((3,)), Dense(2)])
    model.compile("sgd", "mse")
    arguments = [X] if call == "predict" else [X, X[:, :2]]
    with pytest.raises(ValueError, match=f"verbose={verbose!r} is not 'auto', 0, 1 or 2"):
        getattr(model, call)(*arguments, verbose=verbose)
