"""The settings of layers, initializers, regularizers and constraints: each field refuses what it cannot hold."""

import inspect
import math
import random

import numpy as np
import pytest

from gdcore import _fields, activations, constraints, initializers, layers, regularizers

CLASSES = [
    cls
    for table in (layers.lookup.TABLE, initializers._TABLE, regularizers._TABLE, constraints._TABLE)
    for cls in table.classes.values()
]
NEEDED = {
    layers.InputLayer: {"shape": (3,)},
    layers.Dense: {"units": 3},
    layers.Activation: {"activation": "elu"},
    layers.Rescaling: {"scale": 2.0},
    layers.Dropout: {"rate": 0.2},
    layers.AlphaDropout: {"rate": 0.2},
    layers.GaussianDropout: {"rate": 0.2},
    layers.GaussianNoise: {"stddev": 0.2},
}
BEYOND = 10**400
NUMBERS = [math.nan, math.inf, -math.inf, BEYOND]
NO_NUMBERS = ["0.5", True, np.True_, [1.0, 2.0], 1j]
BAD = {
    # kind of field -> what it refuses beside None
    _fields.Real: [*NUMBERS, *NO_NUMBERS],
    _fields.Integer: [*NUMBERS, *NO_NUMBERS, 2.5, 3.0],
    _fields.Flag: [*NUMBERS, "yes", "no", "", 2, 1.0, [True]],
    _fields.Text: [*NUMBERS, True, 3, ["a"]],
    _fields.Choice: [*NUMBERS, "nope", True, 3, ["a"]],
    _fields.Part: [*NUMBERS, "nope", True, 3],
    layers.settings.LastAxis: [*NUMBERS, "-1", True, 0, 2, (-1, 1)],
    layers.settings.Only: [*NUMBERS, "yes", True, 3, (1, 3)],
    layers.settings.Reals: [*NUMBERS, "0.5", True, np.True_, 1j, ["a"], [1.0, math.nan], [BEYOND]],
    layers.scaling.FeatureAxes: [*NUMBERS, "-1", True, 0, 2, (-1, 1)],
    layers.input.RowShape: [*NUMBERS, "3", True, 0, -1, 2.5, (), (3, 0), (3, "4"), (3, True)],
    initializers.SeedOrGenerator: [*NUMBERS, "x", True, 2.5, 2**63, {"class_name": "Dense"}],
    initializers.AxesOfShape: [*NUMBERS, "01", True, 1, ["0"], [0.5]],
    constraints.Axes: [*NUMBERS, "0", True, 0.5, (), ["0"], (0, True)],
}
NONE_IS_A_VALUE = (layers.scaling.FeatureAxes, initializers.SeedOrGenerator)
NONE_IS_THE_DEFAULT = [
    (regularizers.L1, "l1"),
    (regularizers.L2, "l2"),
    (regularizers.L1L2, "l1"),
    (regularizers.L1L2, "l2"),
]
FIELDS = [
    pytest.param(cls, field, id=f"{cls.__name__}.{name}") for cls in CLASSES for name, field in cls._fields.items()
]


def made(cls, **settings):
    return cls(**{**NEEDED.get(cls, {}), **settings})


def bad_values(field):
    kinds = [kind for kind in type(field).__mro__ if kind in BAD]
    assert kinds, f"no bad values are known for {type(field)}"
    values = [*BAD[kinds[0]], None]
    takes_none = field.optional or isinstance(field, NONE_IS_A_VALUE)
    if isinstance(field, layers.settings.Only):
        takes_none |= field.value is None
    if isinstance(field, _fields.Part):
        takes_none |= field.get is not initializers.get
    return [v for v in values if not (v is None and takes_none)]


def parameters(cls):
    """The arguments of a class and of what its further options go to."""
    found = {}
    for base in cls.__mro__:
        if base not in (_fields.Configured, object) and "__init__" in vars(base):
            signature = inspect.signature(base).parameters
            found = {**signature, **found}
            if not any(p.kind is p.VAR_KEYWORD for p in signature.values()):
                break
    return {name: p for name, p in found.items() if p.kind is not p.VAR_KEYWORD}


@pytest.mark.parametrize(("cls", "field"), FIELDS)
def test_bad_values_are_refused_and_nothing_changes(cls, field):
    name, thing = field.name, made(cls)
    settings, config = dict(vars(thing)), thing.get_config()
    for value in bad_values(field):
        if name in (known := parameters(cls)) and not (value is None and none_is_taken(cls, known[name])):
            state = random.getstate()
            with pytest.raises((TypeError, ValueError), match=rf"^{name}\b"):
                made(cls, **{name: value})
            if not isinstance(field, _fields.Part):
                assert random.getstate() == state, "a seed was drawn for nothing"
        with pytest.raises((TypeError, ValueError), match=rf"^{name}\b"):
            setattr(thing, name, value)
        assert vars(thing) == settings
    assert thing.get_config() == config


def none_is_taken(cls, parameter):
    return parameter.default is None or (cls, parameter.name) in NONE_IS_THE_DEFAULT


@pytest.mark.parametrize("cls", CLASSES)
def test_the_defaults_of_fields_are_those_of_the_signatures(cls):
    thing, given = made(cls), NEEDED.get(cls, {})
    for name, parameter in parameters(cls).items():
        if name not in cls._fields:
            # of the model or of one's data, or Keras's alone
            assert name in ("dtype", "input_dim", "input_shape", "mean", "variance", "rms_scaling"), name
        elif name not in given:
            default = parameter.default
            assert default is not parameter.empty
            if default is None and name in ("name", "data_format"):
                assert getattr(thing, name) in (layers.base.snake_case(cls.__name__), "channels_last")
            else:
                set_anew = made(cls)
                setattr(set_anew, name, default)
                assert set_anew.get_config() == thing.get_config()


@pytest.mark.parametrize("cls", CLASSES)
def test_good_values_of_numpy_are_taken_as_plain_ones(cls):
    for name, field in cls._fields.items():
        thing = made(cls)
        if isinstance(field, _fields.Real):
            setattr(thing, name, np.float32(0.5))
            assert (type(getattr(thing, name)), getattr(thing, name)) == (float, 0.5)
        elif isinstance(field, _fields.Integer):
            setattr(thing, name, np.int16(3))
            assert (type(getattr(thing, name)), getattr(thing, name)) == (int, 3)
        elif isinstance(field, _fields.Flag):
            for value in (np.False_, 0):
                setattr(thing, name, value)
                assert getattr(thing, name) is False


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ELU(alpha="0.5"), "alpha='0.5' is not a finite number"),
        (lambda: layers.ReLU(max_value=True), "max_value=True is not a finite number of at least 0"),
        (lambda: layers.Dense(units="3"), "units='3' is not an integer of at least 1"),
        (lambda: layers.Dense(units=2.5), "units=2.5 is not an integer of at least 1"),
        (lambda: layers.Dense(2, use_bias="yes"), "use_bias='yes' is not True or False"),
        (lambda: layers.Dense(2, trainable="no"), "trainable='no' is not True or False"),
        (lambda: layers.Dense(2, kernel_initializer="glorot"), "kernel_initializer: initializer='glorot' is not known"),
        (lambda: layers.Dense(2, bias_constraint=3), "bias_constraint: constraint=3 is not known"),
        (lambda: layers.Dense(2, name=3), "name=3 is not a string"),
        (lambda: layers.Dense(2, input_dim="3"), "input_dim='3' is not an integer of at least 1"),
        (lambda: layers.Dense(2, input_shape=2.5), "input_shape=2.5 is not an integer or a tuple of integers"),
        (lambda: layers.Dropout("0.5"), "rate='0.5' is not a finite number between 0 and 1"),
        (lambda: layers.Dropout(0.5, seed="x"), "seed='x' is not an integer"),
        (lambda: layers.GaussianDropout(1), "rate=1 leaves nothing to train with, expected less than 1"),
        (lambda: layers.BatchNormalization(momentum="x"), "momentum='x' is not a finite number"),
        (lambda: layers.BatchNormalization(renorm=True), "renorm=True is not False: batch renormalization is not"),
        (lambda: layers.LayerNormalization(rms_scaling=True), "rms_scaling=True is not False"),
        (lambda: layers.Flatten("channels_first"), "data_format='channels_first' is not 'channels_last'"),
        (lambda: layers.Normalization(mean="1", variance=2), "mean='1' is not a finite number"),
        (lambda: layers.Normalization(mean=1, variance=math.nan), "variance=nan is not a finite number"),
        (lambda: regularizers.L1("0.1"), "l1='0.1' is not a finite number of at least 0"),
        (lambda: constraints.MaxNorm(True), "max_value=True is not a finite number of at least 0"),
        (lambda: initializers.RandomNormal(stddev="1"), "stddev='1' is not a finite number of at least 0"),
        (lambda: initializers.HeNormal(seed="x"), "seed='x' is not an integer"),
        (lambda: initializers.VarianceScaling(mode="fan"), "mode='fan' is not one of 'fan_in', 'fan_out', 'fan_avg'"),
        (lambda: activations.elu([1.0], alpha="0.5"), "elu: alpha='0.5' is not a finite number"),
    ],
)
def test_the_words(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_one_bound_of_a_norm_stays_on_its_side_of_the_other():
    norm = constraints.MinMaxNorm(0.5, 2.0)
    for name, value in (("min_value", 2.5), ("max_value", 0.25)):
        with pytest.raises(ValueError, match="is greater than max_value="):
            setattr(norm, name, value)
    assert norm.get_config() == {"min_value": 0.5, "max_value": 2.0, "rate": 1.0, "axis": 0}


def test_a_seed_assigned_later_is_the_one_of_the_configuration():
    initializer = initializers.HeNormal()
    initializer.seed = 7
    assert initializer.get_config()["seed"] == 7
    np.testing.assert_array_equal(initializer((3, 2)), initializers.HeNormal(7)((3, 2)))


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (layers.InputLayer, "input_layer"),
        (layers.ReLU, "re_lu"),
        (layers.LeakyReLU, "leaky_re_lu"),
        (layers.PReLU, "p_re_lu"),
        (layers.ELU, "elu"),
        (layers.BatchNormalization, "batch_normalization"),
    ],
)
def test_layers_are_named_as_in_keras(cls, name):
    assert made(cls).name == name
    assert layers.lookup.TABLE.classes[cls.__name__] is cls


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (initializers, {"HeNormal": "he_normal", "Zeros": "zero", "RandomNormal": "normal"}),
        (regularizers, {"L1L2": "l1_l2", "L1": "l1", "OrthogonalRegularizer": "orthogonal_regularizer"}),
        (constraints, {"NonNeg": "non_neg", "MinMaxNorm": "min_max_norm", "UnitNorm": "unit_norm"}),
    ],
)
def test_names_classes_objects_and_configurations_stand_for_a_member(module, names):
    for own, second in names.items():
        cls = getattr(module, own)
        thing = cls()
        assert getattr(module, second) is cls
        assert module.get(thing) is thing
        for identifier in (own, second, cls, module.serialize(thing), {"class_name": own, "config": None}):
            assert type(module.get(identifier)) is cls
    with pytest.raises(ValueError, match=r"='L7' is not known"):
        module.deserialize({"class_name": "L7"})
