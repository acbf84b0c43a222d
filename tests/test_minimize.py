"""Descents: against the reference and Keras, what may be descended, stops, many starts, SciPy, models, bad input."""

import ctypes
import gc
import importlib.util
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import LowLevelCallable

import gdcore
from gdcore import minimize, optimizers, reference, surfaces

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "minimize.json").read_text())
ARRAYS = np.load(FOLDER / "minimize.npz")
SURFACES = sorted(surfaces._SURFACES)
NAMES = [name for name in optimizers.lookup.CLASSES if name != "LossScaleOptimizer"]
# the others take sums over all coordinates, whose order is their own
ELEMENTWISE = [name for name in NAMES if getattr(optimizers, name)()._elementwise]
START = [0.5, -0.5]


@pytest.fixture(autouse=True)
def _threads_as_they_were():
    before = gdcore.get_num_threads()
    yield
    gdcore.set_num_threads(before)


def bowl(x, a=1.0):
    return float(np.sum(a * (x - 1) ** 2))


def bowl_gradient(x, a=1.0):
    return 2 * a * (x - 1)


def starts_for(surface, rng, rows, ndim=None):
    window = np.array(surface.window * 3)[: ndim or surface.ndim]
    middle, half = window.mean(axis=1), (window[:, 1] - window[:, 0]) / 2
    return middle + half * rng.uniform(-0.6, 0.6, (rows, len(window)))


def slow(optimizer):
    """The reference's optimizer of the same settings; a loss scale comes and goes within `minimize`."""
    config = {**optimizer.get_config(), "loss_scale_factor": None}
    return getattr(reference.optimizers, type(optimizer).__name__)(**config)


def descend(surface, optimizer, x0, steps, low=-np.inf, high=np.inf):
    fun, gradient = reference.surfaces.SURFACES[surface.name]
    return reference.minimize.descend(fun, gradient, np.array(x0), slow(optimizer), steps, low, high)


# ---- numbers ---------------------------------------------------------------------------------------------


@st.composite
def optimizer_of(draw, names):
    name = draw(st.sampled_from(names))
    unit = st.sampled_from([0.5, 0.9, 0.99])
    own = {
        "SGD": {"momentum": st.sampled_from([0.0, 0.9]), "nesterov": st.booleans()},
        "RMSprop": {"rho": unit, "momentum": st.sampled_from([0.0, 0.5]), "centered": st.booleans()},
        "Adadelta": {"rho": unit},
        "Adam": {"beta_1": unit, "beta_2": unit, "amsgrad": st.booleans()},
        "Nadam": {"beta_1": unit, "beta_2": unit},
        "Ftrl": {"l1_regularization_strength": st.sampled_from([0.0, 0.1]), "beta": st.sampled_from([0.0, 0.3])},
        "ScheduleFreeAdamW": {"warmup_steps": st.integers(0, 6)},
    }
    config = {key: draw(values) for key, values in own.get(name, {}).items()}
    if "epsilon" in optimizers.lookup.CLASSES[name]().get_config():
        config["epsilon"] = draw(st.sampled_from([1e-7, 1e-3]))
    config["weight_decay"] = draw(st.sampled_from([0.01] if name == "AdamW" else [None, 0.01]))
    config["clipvalue"] = draw(st.sampled_from([None, 3.0]))
    config["gradient_accumulation_steps"] = draw(st.sampled_from([None, 2, 3]))
    config["loss_scale_factor"] = draw(st.sampled_from([None, 8.0]))
    if draw(st.booleans()):
        config.update(use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3)
    return name, config


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_trajectories_of_elementwise_optimizers(name, data, seed):
    """To 1e-12 of the reference, one start and several, with and without bounds."""
    surface = surfaces.get(data.draw(st.sampled_from(SURFACES)))
    _, config = data.draw(optimizer_of([name]))
    rows, bounded = data.draw(st.sampled_from([0, 1, 5])), data.draw(st.booleans())
    starts = starts_for(surface, np.random.default_rng(seed), rows or 1, 3 if surface.any_ndim else None)
    rate = 2**-6 if name != "SGD" else 0.02 / max(1.0, np.abs(surface.gradient(starts)).max())
    optimizer = optimizers.lookup.CLASSES[name](learning_rate=rate, **config)
    window = np.array(surface.window * 3)[: starts.shape[1]] * 0.5
    limits = {"bounds": window.tolist()} if bounded else {}
    low, high = window.T if bounded else (-np.inf, np.inf)
    x0 = starts if rows else starts[0]
    found = minimize(surface, x0, optimizer, maxiter=25, gtol=0, trajectory=True, **limits)
    assert np.all(found.nit == 25)
    paths = found.trajectory if rows else found.trajectory[np.newaxis]
    histories = found.fun_history if rows else found.fun_history[np.newaxis]
    for start, path, history in zip(starts, paths, histories, strict=True):
        points, values = descend(surface, optimizer, start, 25, low, high)
        np.testing.assert_allclose(path, points, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(history, values, rtol=1e-12, atol=1e-12 * max(1, np.abs(values).max()))


@pytest.mark.parametrize("name", [*(n for n in NAMES if n not in ELEMENTWISE), "SGD", "Adam"])
@pytest.mark.parametrize("clip", [{}, {"clipnorm": 0.5}, {"global_clipnorm": 0.5}])
def test_trajectories_of_optimizers_with_sums(name, clip):
    """Also to 1e-12: of two coordinates there is only one sum."""
    for surface in (surfaces.peaks, surfaces.rosenbrock, surfaces.himmelblau):
        starts = starts_for(surface, np.random.default_rng(4), 3)
        optimizer = optimizers.lookup.CLASSES[name](learning_rate=2**-9, **clip)
        found = minimize(surface, starts, optimizer, maxiter=25, gtol=0, trajectory=True)
        for start, path in zip(starts, found.trajectory, strict=True):
            np.testing.assert_allclose(path, descend(surface, optimizer, start, 25)[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_float32(name):
    optimizer = optimizers.lookup.CLASSES[name](learning_rate=2**-7)
    starts = starts_for(surfaces.peaks, np.random.default_rng(1), 6).astype(np.float32)
    found = minimize(surfaces.peaks, starts, optimizer, maxiter=10, gtol=0, trajectory=True)
    assert {a.dtype for a in (found.x, found.fun, found.jac, found.trajectory, found.fun_history)} == {
        np.dtype("float32")
    }
    for start, path in zip(starts, found.trajectory, strict=True):
        np.testing.assert_allclose(path, descend(surfaces.peaks, optimizer, start, 10)[0], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("case", FIGURES["cases"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_keras_figures(case, dtype):
    name, config = FIGURES["cases"][case]
    optimizer = optimizers.lookup.CLASSES[name].from_config(config)
    starts = ARRAYS["starts"].astype(dtype)
    theirs = ARRAYS[f"{case}/{dtype}"]
    assert theirs.dtype == dtype
    steps = FIGURES["steps"]
    found = minimize(surfaces.peaks, starts, optimizer, maxiter=max(steps), gtol=0, trajectory=True)
    ours = found.trajectory[:, steps].transpose(1, 0, 2)
    near = {"float64": 1e-12, "float32": 1e-6}[dtype]
    if case in ("rmsprop", "adafactor") and dtype == "float32":
        near = 2e-4  # which tremble around a minimum by then
    if case == "nadam" and dtype == "float64":
        near = 2e-8  # Keras's constant 0.96 is a float32
    np.testing.assert_allclose(ours, theirs, rtol=near, atol=near)


def test_a_schedule_and_a_rate_that_is_called():
    decay = optimizers.schedules.ExponentialDecay(0.0625, 10, 0.5)
    starts = [[0.5, -0.5], [-0.25, 1.5]]
    by_schedule = minimize(surfaces.peaks, starts, optimizers.SGD(decay), maxiter=30)
    rates = np.float64(decay(np.arange(30)))
    for start, x in zip(starts, by_schedule.x, strict=True):
        x_slow = np.array(start)
        for rate in rates:
            x_slow -= rate * reference.surfaces.peaks_gradient(x_slow)
        np.testing.assert_allclose(x, x_slow, rtol=1e-6)
    calls = iter([0.1] * 30)
    by_call = minimize(surfaces.peaks, START, optimizers.SGD(lambda: next(calls)), maxiter=30, gtol=0)
    assert np.array_equal(by_call.x, minimize(surfaces.peaks, START, optimizers.SGD(0.1), maxiter=30, gtol=0).x)
    assert next(calls, None) is None


def test_the_optimizer_given_stays_as_it_was():
    optimizer = optimizers.Adam(0.1)
    first = minimize(surfaces.peaks, START, optimizer, maxiter=20)
    assert not optimizer.built
    optimizer.apply([np.ones(3)], [np.zeros(3)])
    again = minimize(surfaces.peaks, START, optimizer, maxiter=20)
    assert np.array_equal(first.x, again.x)
    assert optimizer.iterations == 1


# ---- what may be descended -------------------------------------------------------------------------------


def test_the_result():
    result = minimize(surfaces.himmelblau, [0.0, 0.0], optimizers.SGD(0.01), maxiter=40, gtol=0, trajectory=True)
    assert isinstance(result, scipy.optimize.OptimizeResult)
    assert result.x.shape == result.jac.shape == (2,)
    assert result.trajectory.shape == (41, 2)
    assert result.fun_history.shape == (41,)
    assert result.nit == 40
    assert result.nfev == result.njev == 41
    assert (result.success, result.status) == (False, 1)
    assert "maximum number of iterations" in result.message.lower()
    for key in ("nit", "nfev", "njev", "status"):
        assert type(result[key]) is int
    assert type(result.fun) is float
    assert type(result.success) is bool
    assert np.array_equal(result.x, result.trajectory[-1])
    assert result.trajectory[0].tolist() == [0, 0]
    assert result.fun == result.fun_history[-1] == surfaces.himmelblau(result.x)
    np.testing.assert_allclose(result.jac, surfaces.himmelblau.gradient(result.x), rtol=1e-14)
    assert "trajectory" not in minimize(surfaces.himmelblau, [0.0, 0.0], maxiter=4)
    none = minimize(bowl, [3.0], maxiter=0)
    assert none.x.tolist() == [3.0]
    assert none.nit == 0
    assert none.fun_history.tolist() == [4.0]


@pytest.mark.parametrize("how", ["jac", "True", "forward", "central", "none", "args"])
def test_python_functions(how):
    calls = {"fun": 0, "jac": 0}

    def fun(x, a=1.0):
        calls["fun"] += 1
        assert x.dtype == np.float64
        assert x.flags.owndata
        return bowl(x, a)

    def jac(x, a=1.0):
        calls["jac"] += 1
        return bowl_gradient(x, a)

    options = {
        "jac": {"jac": jac},
        "True": {"jac": True},
        "forward": {"jac": "forward"},
        "central": {"jac": "central"},
        "none": {},
        "args": {"jac": jac, "args": (2.0,)},
    }[how]
    target = (lambda x: (fun(x), bowl_gradient(x))) if how == "True" else fun
    x0 = [3.0, -2.0, 0.5]
    result = minimize(target, x0, optimizers.SGD(0.1), maxiter=12, gtol=0, trajectory=True, **options)
    points, values = reference.minimize.descend(
        lambda x: bowl(x, 2.0 if how == "args" else 1.0),
        {
            "forward": lambda x: reference.minimize.forward_differences(bowl, x, np.finfo(float).eps ** 0.5),
            "central": lambda x: reference.minimize.central_differences(bowl, x, np.finfo(float).eps ** (1 / 3)),
            "none": lambda x: reference.minimize.central_differences(bowl, x, np.finfo(float).eps ** (1 / 3)),
            "args": lambda x: bowl_gradient(x, 2.0),
        }.get(how, bowl_gradient),
        np.array(x0),
        reference.optimizers.SGD(0.1),
        12,
    )
    near = 1e-6 if how in ("forward", "central", "none") else 1e-12
    np.testing.assert_allclose(result.trajectory, points, rtol=near, atol=near)
    np.testing.assert_allclose(result.fun_history, values, rtol=near, atol=near)
    assert calls["fun"] == result.nfev == 13 * {"forward": 4, "central": 7, "none": 7}.get(how, 1)
    assert calls["jac"] == (13 if how in ("jac", "args") else 0)
    assert result.njev == 13


def test_functions_cannot_change_x():
    def wild(x):
        x += 100
        return 0.0, np.ones(2)

    assert minimize(wild, [0.0, 0.0], optimizers.SGD(1.0), jac=True, maxiter=3).x.tolist() == [-3, -3]

    def wild_too(x):
        x *= 7
        return 0.0

    seen = []
    minimize(wild_too, [1.0], optimizers.SGD(0.25), jac=lambda x: seen.append(x[0]) or np.ones(1), maxiter=2)
    assert seen == [1, 0.75, 0.5]


def test_whatever_a_function_returns_as_a_number():
    for value in (2, np.float32(2), np.array(2.0), np.array([2.0]), True):
        result = minimize(lambda x, v=value: v, [1.0], jac=lambda x: [0.5], maxiter=1)
        assert result.fun == float(np.asarray(value).item())
        assert result.jac.tolist() == [0.5]
    assert minimize(lambda x: x**2, 3.0, optimizers.SGD(0.25), jac=lambda x: 2 * x, maxiter=1).x.tolist() == [1.5]


def test_differences_of_a_surface_and_their_h():
    coarse = minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.01), jac="forward", h=0.5, maxiter=1)
    fun = reference.surfaces.booth
    slope = reference.minimize.forward_differences(fun, np.zeros(2), 0.5)
    np.testing.assert_allclose(coarse.x, -0.01 * slope, rtol=1e-13)
    central = minimize(surfaces.beale, [[1.0, 0.2]] * 3, optimizers.SGD(0.01), jac="central", h=0.25, maxiter=1)
    slope = reference.minimize.central_differences(reference.surfaces.beale, np.array([1.0, 0.2]), 0.25)
    np.testing.assert_allclose(central.x, [np.array([1.0, 0.2]) - 0.01 * slope] * 3, rtol=1e-13)
    assert central.nfev.tolist() == [10] * 3


@pytest.mark.parametrize("method", ["forward", "central"])
def test_differences_stay_within_the_bounds(method):
    seen = []

    def fun(x):
        seen.append(x.copy())
        return bowl(x) + x[1]

    bounds = [(-1, 3), (0.5, 0.5), (2.0, 2.0 + 1e-9), (None, 0.25)]
    result = minimize(
        fun, [3.0, 0, 5, 0.25], optimizers.SGD(0.1), jac=method, h=1e-3, bounds=bounds, maxiter=30, gtol=0
    )
    low, high = [-1, 0.5, 2.0, -np.inf], [3, 0.5, 2.0 + 1e-9, 0.25]
    assert np.all((low <= np.array(seen)) & (np.array(seen) <= high))
    np.testing.assert_allclose(result.x, [1, 0.5, 2, 0.25], atol=3e-3)
    np.testing.assert_allclose(result.jac[[0, 2, 3]], [0, 2, -1.5], atol=1e-2)
    assert result.jac[1] == 0


C_SOURCE = """
double value(int n, double *x) { double s = 0; int k; for (k = 0; k < n; k++) s += (x[k] - 1) * (x[k] - 1); return s; }
double value_with(int n, double *x, void *a) { return *(double *)a * value(n, x); }
void slope(int n, double *x, double *g) { int k; for (k = 0; k < n; k++) g[k] = 2 * (x[k] - 1); }
void slope_with(int n, double *x, double *g, void *a) {
    int k; slope(n, x, g); for (k = 0; k < n; k++) g[k] *= *(double *)a; }
double both(int n, double *x, double *g) { slope(n, x, g); return value(n, x); }
double both_with(int n, double *x, double *g, void *a) { slope_with(n, x, g, a); return value_with(n, x, a); }
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) or shutil.which("cc")
    if compiler is None or sys.platform == "win32":
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("c")
    (folder / "bowl.c").write_text(C_SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", folder / "bowl.so", folder / "bowl.c"], check=True)
    library = ctypes.CDLL(str(folder / "bowl.so"))
    number, vector, data = ctypes.c_double, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p
    for name, result, args in (
        ("value", number, [vector]),
        ("value_with", number, [vector, data]),
        ("slope", None, [vector, vector]),
        ("slope_with", None, [vector, vector, data]),
        ("both", number, [vector, vector]),
        ("both_with", number, [vector, vector, data]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, [ctypes.c_int, *args]
    return library


def in_c(library, name, a):
    data = ctypes.cast(ctypes.pointer(a), ctypes.c_void_p) if name.endswith("_with") else None
    return LowLevelCallable(getattr(library, name), data)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("fun", ["value", "value_with", "both", "both_with"])
@pytest.mark.parametrize("jac", [None, "slope", "slope_with", "forward", "central", True])
def test_c_functions(library, dtype, fun, jac):
    a = ctypes.c_double(1.0)
    if jac is True and "both" not in fun:
        with pytest.raises(TypeError, match="jac=True does not go with"):
            minimize(in_c(library, fun, a), [1.0], jac=True)
        return
    of_c = in_c(library, jac, a) if isinstance(jac, str) and "slope" in jac else jac
    starts = np.random.default_rng(1).normal(size=(300, 3)).astype(dtype)
    for x0 in (starts, starts[0]):
        found = minimize(in_c(library, fun, a), x0, optimizers.SGD(0.1), of_c, maxiter=20, gtol=0, h=1e-3)
        ours = minimize(bowl, x0[:1] if x0.ndim > 1 else x0, optimizers.SGD(0.1), bowl_gradient, maxiter=20, gtol=0)
        near = {"float64": 1e-12, "float32": 1e-5}[dtype]
        if jac in ("forward", "central") or (jac is None and "value" in fun):
            near = 2e-3
        np.testing.assert_allclose(found.x[:1] if x0.ndim > 1 else found.x, ours.x, rtol=near, atol=near)
        assert found.x.dtype == dtype
    a.value = 0.0
    if fun.endswith("with"):
        assert minimize(in_c(library, fun, a), [5.0], maxiter=3).fun == 0


def test_ctypes_callbacks():
    """A Python function seen from C: it takes the lock itself."""
    signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double))
    fun = signature(lambda n, x: sum((x[k] - 1) ** 2 for k in range(n)))
    result = minimize(LowLevelCallable(fun), np.zeros((130, 2)), optimizers.SGD(0.25), maxiter=60)
    assert result.success.all()
    np.testing.assert_allclose(result.x, 1, atol=1e-6)


def test_numba():
    numba = pytest.importorskip("numba", reason="numba is not installed")
    signature = numba.types.double(numba.types.intc, numba.types.CPointer(numba.types.double))

    @numba.cfunc(signature)
    def fun(n, x):
        return (x[0] - 1) ** 2 + (x[1] + 2) ** 2

    result = minimize(LowLevelCallable(fun.ctypes), [[0.0, 0.0]] * 5, optimizers.SGD(0.25), maxiter=100)
    np.testing.assert_allclose(result.x, [[1, -2]] * 5, atol=1e-6)


def test_cffi(library):
    cffi = pytest.importorskip("cffi", reason="cffi is not installed")
    ffi = cffi.FFI()
    ffi.cdef("double both(int n, double *x, double *g);")
    fun = LowLevelCallable(ffi.dlopen(library._name).both)
    np.testing.assert_allclose(minimize(fun, [5.0, 7.0], optimizers.SGD(0.25), maxiter=99).x, 1, atol=1e-6)


def test_cython_capsule(library):
    """As LowLevelCallable.from_cython makes one: a capsule whose name is the signature."""
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    name = ctypes.c_char_p(b"double (int, double *, double *)")
    capsule = new(ctypes.cast(library.both, ctypes.c_void_p), name, None)
    result = minimize(LowLevelCallable(capsule), [5.0, 7.0], optimizers.SGD(0.25), maxiter=99)
    np.testing.assert_allclose(result.x, 1, atol=1e-6)
    assert name.value


def test_other_signatures():
    wrong = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_float)(lambda x: x)
    with pytest.raises(TypeError, match=r"fun has the signature 'float \(float\)', expected one of 'double \(int, "):
        minimize(LowLevelCallable(wrong), [1.0])
    right = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double))(lambda n, x: 0.0)
    with pytest.raises(TypeError, match=r"jac has the signature 'double \(int, double \*\)', expected one of 'void"):
        minimize(LowLevelCallable(right), [1.0], jac=LowLevelCallable(right))
    with pytest.raises(TypeError, match="jac is a LowLevelCallable, fun is not"):
        minimize(bowl, [1.0], jac=LowLevelCallable(right))
    with pytest.raises(TypeError, match="does not go with"):
        minimize(LowLevelCallable(right), [1.0], jac=bowl_gradient)
    with pytest.raises(TypeError, match="does not go with"):
        minimize(surfaces.peaks, START, jac=bowl_gradient)
    with pytest.raises(ValueError, match=r"args=.*cannot be passed"):
        minimize(surfaces.peaks, START, args=(1,))


# ---- stops -----------------------------------------------------------------------------------------------


def test_gtol():
    result = minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.05), gtol=1e-3, maxiter=10000, trajectory=True)
    assert (result.success, result.status) == (True, 0)
    assert np.abs(result.jac).max() < 1e-3
    assert np.abs(surfaces.booth.gradient(result.trajectory[:-1])).max(axis=1).min() >= 1e-3
    assert result.fun_history.shape == (result.nit + 1,)
    assert minimize(surfaces.booth, [1.0, 3.0], maxiter=7, gtol=0).nit == 7
    assert minimize(surfaces.booth, [1.0, 3.0], maxiter=7).nit == 0
    assert minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.05), maxiter=10000).jac == pytest.approx(0, abs=1e-6)


def test_tol():
    options = {"maxiter": 10000, "gtol": 0, "tol": 1e-5}
    result = minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.05), **options)
    assert (result.success, result.status) == (True, 3)
    steps = np.abs(np.diff(result.fun_history))
    assert steps[-1] <= 1e-5
    assert np.all(steps[:-1] > 1e-5)
    # relative to the value where that is large
    high = minimize(lambda x: bowl(x) + 1e6, [3.0], optimizers.SGD(0.05), **options)
    assert np.abs(np.diff(high.fun_history))[-1] <= 10
    assert high.nit == 1
    # collecting gradients is no standstill
    twice = minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.05, gradient_accumulation_steps=2), **options)
    assert twice.nit == 2 * result.nit
    assert minimize(lambda x: 1.0, [3.0], maxiter=5, gtol=0, tol=0).nit == 5
    assert minimize(lambda x: 1.0, [3.0], maxiter=5, gtol=0).nit == 5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["value", "gradient"])
@pytest.mark.parametrize("many", [False, True])
def test_what_is_not_finite(bad, where, many):
    """The best point before stays, with a reason."""

    def fun(x):
        if x[0] < 1:
            return (bad, np.ones(2)) if where == "value" else (bowl(x), np.array([bad, 1.0]))
        return float(x[0]), np.array([1.0, 0.0])

    x0 = [[3.0, 0.0], [2.5, 1.0]] if many else [3.0, 0.0]
    result = minimize(fun, x0, optimizers.SGD(0.75), jac=True, maxiter=50)
    x, fun_, jac, status = (np.atleast_2d(result.x)[0], *(np.ravel(result[k])[0] for k in ("fun", "jac", "status")))
    assert x.tolist() == [1.5, 0]
    assert (fun_, jac, status) == (1.5, 1.0, 2)
    assert not np.any(result.success)
    message = result.message[0] if many else result.message
    assert message == "The function or its gradient is not finite; x is the best point before."
    assert np.ravel(result.nit)[0] == 3
    if not many:
        assert len(result.fun_history) == 4


def test_overflow_on_surfaces():
    starts = np.array([[1.0, 1.0], [50.0, 50.0], [-0.5, 0.5]])
    result = minimize(surfaces.rosenbrock, starts, optimizers.SGD(0.001), maxiter=300)
    assert result.status.tolist()[:2] == [0, 2]
    assert result.x[1].tolist() == [50, 50]
    assert np.isfinite(result.fun).all()
    alone = minimize(surfaces.rosenbrock, starts[1], optimizers.SGD(0.001), maxiter=300)
    assert (alone.status, alone.x.tolist(), alone.nit) == (2, [50, 50], result.nit[1])


def test_a_start_that_is_not_finite():
    result = minimize(surfaces.peaks, [math.nan, 0.0])
    assert (result.status, result.nit, result.success) == (2, 0, False)


def test_callback():
    seen = []

    def by_x(x):
        seen.append(x)
        if len(seen) == 4:
            raise StopIteration

    result = minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.05), callback=by_x, trajectory=True)
    assert (result.nit, result.status, result.success) == (4, 99, False)
    assert "StopIteration" in result.message
    assert np.array_equal(result.trajectory[1:], seen)
    results = []

    def by_result(intermediate_result):
        results.append(intermediate_result)
        intermediate_result.x[:] = 7  # its own copy

    result = minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.05), callback=by_result, maxiter=3)
    assert [r.nit for r in results] == [1, 2, 3]
    assert [r.fun for r in results] == result.fun_history[1:].tolist()
    assert result.x[0] != 7

    def broken(x):
        raise RuntimeError("of the callback")

    with pytest.raises(RuntimeError, match="of the callback"):
        minimize(surfaces.booth, [0.0, 0.0], callback=broken)
    with pytest.raises(ValueError, match=r"callback works with one start, x0 has shape \(2, 2\)"):
        minimize(surfaces.booth, np.zeros((2, 2)), callback=by_x)
    with pytest.raises(TypeError, match="callback=3 is not a function"):
        minimize(surfaces.booth, [0.0, 0.0], callback=3)


def test_bounds():
    wanted = [(2.0, 5.0), (None, 2.5)]
    for bounds in (wanted, scipy.optimize.Bounds([2.0, -np.inf], [5.0, 2.5])):
        result = minimize(surfaces.booth, [9.0, 9.0], optimizers.SGD(0.05), bounds=bounds, trajectory=True)
        assert result.success
        best = scipy.optimize.minimize(surfaces.booth, [3.0, 2.0], jac=surfaces.booth.gradient, bounds=wanted)
        np.testing.assert_allclose(result.x, best.x, atol=1e-5)
        assert result.trajectory[0].tolist() == [5.0, 2.5]
        assert np.all(result.trajectory >= [2, -np.inf])
        assert np.all(result.trajectory <= [5, 2.5])
    many = minimize(surfaces.booth, np.full((70, 2), 9.0), optimizers.SGD(0.05), bounds=wanted)
    np.testing.assert_allclose(many.x, [best.x] * 70, atol=1e-5)


# ---- many starts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_start_does_not_know_of_the_others(name, dtype):
    """The same bits alone and among others, on one thread and on several."""
    surface = surfaces.get(name)
    starts = starts_for(surface, np.random.default_rng(8), 1100).astype(dtype)
    optimizer = optimizers.Adam(0.02, clipvalue=3.0)
    runs = []
    for threads in (1, 3):
        gdcore.set_num_threads(threads)
        runs.append(minimize(surface, starts, optimizer, maxiter=60, gtol=0.05, tol=1e-6, trajectory=True))
    for key in ("x", "fun", "jac", "nit", "nfev", "status", "basin", "minima", "trajectory", "fun_history"):
        assert np.array_equal(runs[0][key], runs[1][key]), key
    for i in (0, 1, 511, 512, 1099):
        alone = minimize(surface, starts[i], optimizer, maxiter=60, gtol=0.05, tol=1e-6, trajectory=True)
        for key in ("x", "fun", "jac", "nit", "nfev", "status", "success", "message"):
            assert np.array_equal(alone[key], runs[0][key][i]), key
        assert np.array_equal(runs[0].trajectory[i, : alone.nit + 1], alone.trajectory)
        assert np.array_equal(runs[0].fun_history[i, : alone.nit + 1], alone.fun_history)
        assert np.all(runs[0].trajectory[i, alone.nit :] == alone.x)


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 64, 513])
@pytest.mark.parametrize("ndim", [2, 3, 40, 1500])
def test_any_number_of_starts_and_coordinates(rows, ndim):
    starts = np.random.default_rng(rows).normal(size=(rows, ndim))
    result = minimize(surfaces.quadratic(4), starts, optimizers.SGD(0.25), maxiter=60, gtol=1e-9)
    assert result.x.shape == (rows, ndim)
    np.testing.assert_allclose(result.x, starts * (1 - 0.25 * 4 ** (np.arange(ndim) / (ndim - 1))) ** 60, atol=1e-9)
    assert not result.basin.any()


def test_several_starts_of_a_python_function_go_in_order():
    seen = []

    def fun(x):
        seen.append(x[0])
        return bowl(x)

    result = minimize(fun, [[5.0], [1.0], [-3.0]], optimizers.SGD(0.25), jac=bowl_gradient, maxiter=2)
    assert seen == [5, 3, 2, 1, -3, -1, 0]
    assert result.x.ravel().tolist() == [2, 1, 0]
    assert result.nit.tolist() == [2, 0, 2]
    assert result.status.tolist() == [1, 0, 1]
    assert result.nfev.tolist() == [3, 1, 3]
    assert result.message[1] == "The gradient is smaller than gtol."
    assert "fun_history" not in result


def test_basins():
    rng = np.random.default_rng(0)
    starts = rng.uniform(-5, 5, (400, 2))
    found = minimize(surfaces.himmelblau, starts, optimizers.SGD(0.005), maxiter=2000)
    assert np.array_equal(found.minima, surfaces.himmelblau.minima)
    assert found.success.all()
    assert set(found.basin) == {0, 1, 2, 3}
    np.testing.assert_allclose(found.x, found.minima[found.basin], atol=1e-5)
    # what is not known beforehand comes in the order of values, each place once
    unknown = minimize(
        lambda x: reference.surfaces.himmelblau(x) + x[0], starts[:40], optimizers.SGD(0.005), maxiter=2000
    )
    assert len(unknown.minima) == len(set(unknown.basin)) == 4
    np.testing.assert_allclose(unknown.x, unknown.minima[unknown.basin], atol=1e-5)
    values = [reference.surfaces.himmelblau(x) + x[0] for x in unknown.minima]
    assert values == sorted(values)
    # still on their way, or lost
    assert minimize(surfaces.himmelblau, starts, optimizers.SGD(1e-9), maxiter=2).basin.tolist() == [-1] * 400
    assert minimize(surfaces.saddle, starts[:5], optimizers.SGD(1.0), maxiter=5000).basin.tolist() == [-1] * 5
    local = minimize(surfaces.rastrigin, [[0.1, 0.1], [1.1, 0.1]], optimizers.SGD(0.001), maxiter=2000)
    assert local.basin.tolist() == [0, 1]
    np.testing.assert_allclose(local.minima, [[0, 0], [0.995, 0]], atol=1e-3)


# ---- raising leaves nothing behind -----------------------------------------------------------------------


class Leak(Exception):
    pass


@pytest.mark.parametrize("what", ["fun", "jac", "callback", "rate", "rate of many"])
def test_raising_leaves_nothing_behind(what):
    def once():
        owned = np.zeros(100_000)
        count = iter(range(100))

        def fail(*args):
            if next(count) == 5:
                raise Leak(f"{owned.size}")
            return 0.01

        options, x0, fun = {}, START, surfaces.peaks
        if what in ("fun", "jac"):
            fun = fail if what == "fun" else lambda x: 0.0
            options["jac"] = fail if what == "jac" else lambda x: np.ones(2)
            if what == "jac":
                options["jac"] = lambda x: np.full(2, fail())
        elif what == "callback":
            options["callback"] = fail
        else:
            options["optimizer"] = optimizers.SGD(fail)
            x0 = [START] * 700 if what == "rate of many" else START
        with pytest.raises(Leak):
            minimize(fun, x0, **options)
        return weakref.ref(owned)

    once()
    threads = threading.active_count()
    gc.collect()
    tracemalloc.start()
    refs = [once() for _ in range(3)]
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    refs += [once() for _ in range(30)]
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert all(ref() is None for ref in refs)
    assert grown < 100_000  # one copy of what is owned is 800 kB
    assert threading.active_count() == threads
    assert minimize(surfaces.booth, [0.0, 0.0], optimizers.SGD(0.05)).success  # and all goes on


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer here")
def test_interrupting():
    """Ctrl-C ends a long descent on all threads."""

    def interrupt(*_):
        raise KeyboardInterrupt

    gdcore.set_num_threads(3)
    threads = threading.active_count()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            minimize(surfaces.peaks, np.zeros((3000, 2)) + START, "adam", maxiter=10**9, gtol=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert threading.active_count() == threads


# ---- SciPy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_inside_scipy(name):
    optimizer = optimizers.lookup.CLASSES[name](0.02)
    options = {"maxiter": 50, "gtol": 0, "trajectory": True}
    ours = minimize(bowl, START, optimizer, bowl_gradient, args=(3.0,), **options)
    theirs = scipy.optimize.minimize(bowl, START, method=optimizer, jac=bowl_gradient, args=(3.0,), options=options)
    assert isinstance(theirs, scipy.optimize.OptimizeResult)
    assert np.array_equal(ours.trajectory, theirs.trajectory)
    assert np.array_equal(ours.x, theirs.x)


def test_inside_scipy_with_all_arguments():
    seen = []
    result = scipy.optimize.minimize(
        lambda x: (bowl(x), bowl_gradient(x)),
        [4.0, 4.0],
        method=optimizers.SGD(0.1),
        jac=True,
        bounds=scipy.optimize.Bounds(2, 5),
        callback=lambda intermediate_result: seen.append(intermediate_result.fun),
        options={"maxiter": 100},
    )
    assert result.success
    assert result.x.tolist() == [2, 2]
    assert seen == result.fun_history[1:].tolist()
    differences = scipy.optimize.minimize(bowl, [4.0, 4.0], method=optimizers.SGD(0.1), options={"h": 1e-4})
    np.testing.assert_allclose(differences.x, 1, atol=1e-5)
    surface = scipy.optimize.minimize(surfaces.booth, [0.0, 0.0], method=optimizers.SGD(0.05))
    assert surface.nfev == surface.nit + 1

    def stop(x):
        raise StopIteration

    stopped = scipy.optimize.minimize(bowl, [4.0], method=optimizers.SGD(0.1), callback=stop)
    assert (stopped.nit, stopped.status) == (1, 99)
    for wrong in ({"hess": lambda x: np.eye(1)}, {"constraints": {"type": "eq", "fun": bowl}}):
        with pytest.raises(ValueError, match="SGD uses neither constraints nor hess"):
            scipy.optimize.minimize(bowl, [4.0], method=optimizers.SGD(0.1), **wrong)


SOLVERS = ["Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "SLSQP", "trust-constr"]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["surface", "jac", "True", "differences"])
@pytest.mark.filterwarnings("ignore:delta_grad == 0.0")
def test_solvers_of_scipy(solver, kind):
    gradients = []

    def jac(x):
        gradients.append(x)
        return reference.surfaces.booth_gradient(x)

    fun = reference.surfaces.booth
    arguments = {
        "surface": (surfaces.booth, None),
        "jac": (fun, jac),
        "True": (lambda x: (fun(x), jac(x)), True),
        "differences": (fun, "central"),
    }
    target, slope = arguments[kind]
    result = minimize(target, [0.0, 0.0], solver.upper(), slope, maxiter=500, trajectory=True)
    assert result.success, result.message
    np.testing.assert_allclose(result.x, [1, 3], atol=2e-3)
    assert result.nit == len(result.fun_history) - 1 == len(result.trajectory) - 1
    assert result.fun_history[0] == fun(np.zeros(2))
    assert result.nfev >= 1
    if kind in ("jac", "True") and solver not in ("Nelder-Mead", "Powell", "COBYLA"):
        assert gradients


def test_solvers_with_bounds_and_stops():
    bounded = minimize(surfaces.booth, [4.0, 4.0], "L-BFGS-B", bounds=[(2, 5), (None, 2.5)])
    best = scipy.optimize.minimize(
        surfaces.booth, [3.0, 2.0], jac=surfaces.booth.gradient, bounds=[(2, 5), (None, 2.5)]
    )
    np.testing.assert_allclose(bounded.x, best.x, atol=1e-6)
    limited = minimize(surfaces.rosenbrock, np.zeros(30), "L-BFGS-B", maxiter=3)
    assert (limited.nit, limited.success) == (3, False)
    sharp = minimize(surfaces.rosenbrock, np.zeros(5), "BFGS", gtol=1e-9)
    assert np.abs(sharp.jac).max() < 1e-9
    for solver in ("L-BFGS-B", "TNC"):
        calls = []

        def stop(x, calls=calls):
            calls.append(x)
            if len(calls) == 2:
                raise StopIteration

        stopped = minimize(surfaces.rosenbrock, np.zeros(5), solver, callback=stop)
        assert (stopped.nit, stopped.success) == (2, False)
    small = minimize(surfaces.booth, np.zeros(2, np.float32), "L-BFGS-B")
    assert small.x.dtype == np.float32
    np.testing.assert_allclose(small.x, [1, 3], atol=1e-2)
    with pytest.raises(ValueError, match="optimizer='BFGS' takes no bounds"):
        minimize(surfaces.booth, [4.0, 4.0], "BFGS", bounds=[(2, 5), (None, 2.5)])
    with pytest.raises(ValueError, match=r"optimizer='cg' works with one start, x0 has shape \(2, 2\)"):
        minimize(surfaces.booth, np.zeros((2, 2)), "cg")


def test_a_solver_with_a_c_function(library):
    result = minimize(in_c(library, "both", None), [5.0, 7.0], "L-BFGS-B")
    np.testing.assert_allclose(result.x, 1, atol=1e-6)
    result = minimize(in_c(library, "value", None), [5.0, 7.0], "BFGS", jac="forward")
    np.testing.assert_allclose(result.x, 1, atol=1e-5)


# ---- models ----------------------------------------------------------------------------------------------


def iris_model(dtype="float32", **options):
    gdcore.utils.set_random_seed(3)
    dense = gdcore.layers.Dense
    model = gdcore.Sequential([dense(6, "tanh", input_dim=4, **options), dense(3, "softmax")], dtype=dtype)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("weighted", [False, True])
def test_objective(dtype, weighted):
    x, y = gdcore.datasets.iris.load_data()
    weight = np.linspace(0.5, 2, len(x)) if weighted else None
    model = iris_model(dtype, kernel_regularizer="l2")
    model.compile("adam", "sparse_categorical_crossentropy", loss_weights=0.5)
    objective = model.objective(x, y, weight)
    fun, jac = objective
    w = objective.x0
    assert w.dtype == np.float64
    assert np.array_equal(w, np.concatenate([a.ravel() for a in model.trainable_weights]))
    loss, gradient = model.gradient(x, y, sample_weight=weight)
    near = 1e-12 if dtype == "float64" else 2e-5
    assert fun(w) == pytest.approx(loss, rel=near)
    np.testing.assert_allclose(jac(w), np.concatenate([g.ravel() for g in gradient]), rtol=near, atol=near)
    value, slope = objective(w)
    assert (value, slope.tolist()) == (fun(w), jac(w).tolist())
    slope[:] = 0
    assert jac(w).any()
    for at in (w, w + 0.1):
        assert scipy.optimize.check_grad(fun, jac, at, epsilon=1e-7) < 1e-5
    before = [a.copy() for a in model.get_weights()]
    assert fun(w + 1) != fun(w)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    objective.assign(w + 1)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_allclose(a, b + 1, rtol=1e-6)
    for call in (fun, jac, objective.assign):
        with pytest.raises(ValueError, match=r"w has shape \(3,\), expected \(51,\)"):
            call(np.zeros(3))


@pytest.mark.parametrize("by", ["ours", "scipy"])
def test_training_a_model_by_lbfgs(by):
    x, y = gdcore.datasets.iris.load_data()
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    model = iris_model()
    objective = model.objective(x, y)
    if by == "ours":
        result = minimize(objective, objective.x0, "L-BFGS-B", jac=True, maxiter=100)
    else:
        fun, jac = objective
        result = scipy.optimize.minimize(fun, objective.x0, jac=jac, method="L-BFGS-B", options={"maxiter": 100})
    assert result.fun < 0.03
    assert model.evaluate(x, y)[0] > 0.5
    objective.assign(result.x)
    loss, accuracy = model.evaluate(x, y)
    assert loss == pytest.approx(result.fun, abs=1e-5)
    assert accuracy > 0.99


def test_training_a_model_by_an_optimizer_is_fit():
    """Full batches by `fit` and by `minimize`, the same numbers."""
    x, y = gdcore.datasets.iris.load_data()
    model = iris_model("float64")
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    objective = model.objective(x, y)
    result = minimize(objective, objective.x0, optimizers.Adam(0.01), jac=True, maxiter=30)
    history = model.fit(x, y, batch_size=len(x), epochs=30, shuffle=False, verbose=0)
    np.testing.assert_allclose(result.fun_history[:-1], history.history["loss"], rtol=1e-10)
    np.testing.assert_allclose(result.x, model.objective(x, y).x0, rtol=1e-9, atol=1e-10)


def test_objective_of_other_models():
    x, y = gdcore.datasets.iris.load_data()
    layers = gdcore.layers
    gdcore.utils.set_random_seed(1)
    frozen = layers.Dense(5, "relu", trainable=False)
    model = gdcore.Sequential(
        [
            layers.Dense(4, "tanh", input_dim=4),
            frozen,
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    objective = model.objective(x, y, training=True)
    count = sum(a.size for a in model.trainable_weights)
    assert objective.x0.shape == (count,)
    assert objective.fun(objective.x0) == objective.fun(objective.x0.copy())  # the same noise each time
    plain = model.objective(x, y)
    assert plain.fun(plain.x0) == pytest.approx(model.evaluate(x, y), rel=1e-5)
    assert scipy.optimize.check_grad(plain.fun, plain.jac, plain.x0, epsilon=1e-7) < 1e-3
    kept = frozen.get_weights()[0].copy()
    result = minimize(plain, plain.x0, "BFGS", jac=True, maxiter=20)
    plain.assign(result.x)
    assert np.array_equal(frozen.get_weights()[0], kept)
    assert model.evaluate(x, y) == pytest.approx(result.fun, rel=1e-4)


def test_objective_needs_a_loss_and_good_data():
    x, y = gdcore.datasets.iris.load_data()
    model = gdcore.Sequential([gdcore.layers.Dense(3, input_dim=4)])
    with pytest.raises(RuntimeError, match="objective needs to know the loss"):
        model.objective(x, y)
    model = iris_model()
    with pytest.raises(ValueError, match="x"):
        model.objective(x[:, :2], y)


# ---- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "error", "text"),
    [
        (np.zeros(2), TypeError, r"fun gave an array of shape \(2,\), expected a number"),
        (None, TypeError, "fun gave None, expected a number"),
        ("text", TypeError, "fun gave 'text', expected a number"),
        (1j, TypeError, "fun gave 1j, expected a number"),
    ],
)
def test_what_a_function_must_not_return(found, error, text):
    with pytest.raises(error, match=text):
        minimize(lambda x: found, START)
    with pytest.raises(error, match=text):
        minimize(lambda x: (found, x), START, jac=True)


def test_wrong_gradients():
    for found, shape in ((np.zeros(3), "(3,)"), (np.zeros((2, 1)), "(2, 1)"), (1.0, "(1,)")):
        text = re.escape(f"jac gave a gradient of shape {shape}, expected (2,)")
        for options in ({"fun": bowl, "jac": lambda x, g=found: g}, {"fun": lambda x, g=found: (0.0, g), "jac": True}):
            with pytest.raises(ValueError, match=text):
                minimize(x0=START, **options)
    with pytest.raises(TypeError, match="jac gave an array of dtype"):
        minimize(bowl, START, jac=lambda x: ["a", "b"])
    with pytest.raises(TypeError, match=r"fun gave 3.0, expected \(value, gradient\) with jac=True"):
        minimize(lambda x: 3.0, START, jac=True)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"x0": ["a"]}, TypeError, "x0 has dtype"),
        ({"x0": [1j]}, TypeError, "x0 has dtype complex128, expected real numbers"),
        ({"x0": [None]}, TypeError, "x0 has dtype object"),
        ({"x0": [[1.0], [1.0, 2.0]]}, ValueError, "x0 is not an array"),
        ({"x0": []}, ValueError, r"x0 has shape \(0,\), expected \(n,\) or \(starts, n\), and not empty"),
        ({"x0": np.zeros((2, 2, 2))}, ValueError, r"x0 has shape \(2, 2, 2\)"),
        ({"x0": [1.0, 2.0, 3.0]}, ValueError, "x0 has 3 coordinates, peaks is a function of 2"),
        ({"fun": 3}, TypeError, "fun=3 is not a function, a surface or a LowLevelCallable"),
        ({"fun": "peaks"}, TypeError, "fun='peaks' is not a function"),
        ({"jac": "centrall"}, ValueError, "jac='centrall' is not known. Did you mean 'central'"),
        ({"jac": 3}, TypeError, "jac=3 is not a function, True, 'forward' or 'central'"),
        ({"optimizer": "adem"}, ValueError, "optimizer='adem' is not known. Did you mean 'Adam'"),
        ({"optimizer": "l-bfgs"}, ValueError, "optimizer='l-bfgs' is not known. Did you mean 'L-BFGS-B'"),
        ({"optimizer": 3}, ValueError, "optimizer=3 is not known"),
        ({"maxiter": -1}, ValueError, "maxiter=-1 is not an integer of at least 0"),
        ({"maxiter": 2.5}, TypeError, "maxiter=2.5 is not an integer"),
        ({"tol": -1.0}, ValueError, "tol=-1.0 is not a finite number of at least 0"),
        ({"tol": math.nan}, ValueError, "tol=nan is not a finite number"),
        ({"gtol": "small"}, TypeError, "gtol='small' is not a finite number of at least 0"),
        ({"h": 0.0}, ValueError, "h=0.0 is not a finite number greater than 0"),
        ({"h": math.nan}, ValueError, "h=nan is not a finite number"),
        ({"h": "0.1"}, TypeError, "h='0.1' is not a finite number greater than 0"),
        ({"h": True}, TypeError, "h=True is not a finite number greater than 0"),
        ({"maxiter": True}, TypeError, "maxiter=True is not an integer of at least 0"),
        ({"tol": "0"}, TypeError, "tol='0' is not a finite number of at least 0"),
        ({"gtol": False}, TypeError, "gtol=False is not a finite number of at least 0"),
        ({"bounds": [(0, 1)]}, ValueError, r"bounds=.* is not a pair \(low, high\) of numbers for each of 2"),
        ({"bounds": 3}, ValueError, "bounds=3 is not a pair"),
        ({"bounds": [(0, "a"), (0, 1)]}, ValueError, "is not a pair"),
        ({"bounds": [(1, 0), (0, 1)]}, ValueError, "has a low that is not at most its high"),
        ({"bounds": [(math.nan, 0), (0, 1)]}, ValueError, "has a low that is not at most its high"),
    ],
)
def test_bad_arguments(options, error, text):
    with pytest.raises(error, match=text):
        minimize(**{"fun": surfaces.peaks, "x0": START, **options})


def test_what_0_1_0_pickled_is_found():
    from gdcore import _minimize
    from gdcore.optimize import ModelObjective

    assert (_minimize.ModelObjective, _minimize.minimize) == (ModelObjective, minimize)


def test_bad_learning_rates():
    with pytest.raises(ValueError, match="learning_rate=nan"):
        minimize(surfaces.peaks, START, optimizers.SGD(math.nan))
    with pytest.raises(ValueError, match="learning_rate=nan"):
        minimize(surfaces.peaks, [START] * 200, optimizers.SGD(lambda: math.nan))
    with pytest.raises(ValueError, match="learning_rate=nan"):
        minimize(surfaces.peaks, START, {"class_name": "Adam", "config": {"learning_rate": math.nan}})


def test_in_a_child_after_a_fork():
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    code = (
        "import os, numpy as np, gdcore\n"
        "x = np.random.default_rng(1).normal(size=(2000, 2)); f = gdcore.surfaces.booth\n"
        "gdcore.set_num_threads(3); a = gdcore.minimize(f, x, maxiter=50)\n"
        "pid = os.fork()\n"
        "b = gdcore.minimize(f, x, maxiter=50)\n"
        "assert np.array_equal(a.x, b.x)\n"
        "assert pid == 0 or os.waitpid(pid, 0)[1] == 0\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


# ---- docs/minimize.md ------------------------------------------------------------------------------------


def test_the_page_of_the_documentation(capsys):
    """Its code runs from top to bottom, and does what the text says."""
    page = (Path(__file__).parent.parent / "docs" / "minimize.md").read_text()
    blocks = re.findall(r"(<!-- needs (\w+) -->\n)?```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 6
    shown = {}
    for _, needed, block in blocks:
        if needed and importlib.util.find_spec(needed) is None:
            continue
        exec(block, shown)
    np.testing.assert_allclose(shown["result"].x, surfaces.peaks.minima[0], atol=1e-3)
    assert shown["result"].trajectory.shape == (shown["result"].nit + 1, 2)
    for name, near in (("by_differences", 1e-6), ("by_gradient", 1e-6), ("ours_there", 1e-4), ("theirs_here", 1e-4)):
        assert shown[name].success, shown[name].message
        np.testing.assert_allclose(shown[name].x, 1, atol=near)
    if "compiled" in shown:
        np.testing.assert_allclose(shown["compiled"].x, 1, atol=1e-5)
    assert set(shown["many"].basin) == {0, 1, 2, 3}
    assert shown["trained"].fun < 0.05
    assert shown["model"].evaluate(shown["x"], shown["y"])[1] > 0.98
    assert capsys.readouterr().out
