"""Metrics: figures recorded from Keras (tests/keras_figures/make_metrics.py), the definitions, and one's own."""

import copy
import inspect
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import losses, metrics
from gdcore._fields import Flag, Text

FOLDER = Path(__file__).parent / "keras_figures"
FIGURES = json.loads((FOLDER / "metrics.json").read_text())
with np.load(FOLDER / "metrics.npz") as file:
    ARRAYS = {key: file[key] for key in file.files}


def of_entries(y, p):
    return np.abs(y - p)


def of_samples(y, p, power=2.0):
    return np.max(np.abs(y - p) ** power, axis=-1)


def of_the_batch(y, p):
    return np.max(np.abs(y - p))


FUNCTIONS = {"of_entries": of_entries, "of_samples": of_samples, "of_the_batch": of_the_batch}


def made(name, config):
    config = {key: FUNCTIONS[value] if key == "fn" else value for key, value in config.items()}
    return getattr(metrics, name)(**config)


def recorded():
    """(id, class, config, data set, whether weighted, results after each batch)"""
    at, seen = 0, []
    for number, (name, config, places) in enumerate(FIGURES["cases"]):
        entries = []
        for place, shape in places.items():
            size = int(np.prod([len(FIGURES["batches"]), *shape]))
            results = ARRAYS["figures"][at : at + size].reshape(-1, *shape)
            entries.append((place.removesuffix(" weighted"), place.endswith(" weighted"), results))
            at += size
        seen.append(pytest.param(name, config, entries, id=f"{number}-{name}"))
    assert at == ARRAYS["figures"].size
    return seen


def feed(metric, place, weighted, first, last):
    y, p, w = (ARRAYS[f"{place}/{part}"][first:last] for part in "ypw")
    data = (p,) if type(metric) in (metrics.Mean, metrics.Sum) else (y, p)
    metric.update_state(*data, sample_weight=w if weighted else None)
    return metric.result()


@pytest.mark.filterwarnings("ignore:num_regressors")
@pytest.mark.parametrize(("name", "config", "entries"), recorded())
def test_keras_figures(name, config, entries):
    # counts that cancel, and the differences of sums in R2Score, keep the rounding of Keras's float32 sums
    exact = dict(rtol=1e-6, atol=2e-6 if "Negatives" in name else 4e-7)
    for place, weighted, theirs in entries:
        metric = made(name, config)
        ours = [feed(metric, place, weighted, *rows) for rows in FIGURES["batches"]]
        assert np.shape(ours) == theirs.shape
        np.testing.assert_allclose(ours, theirs, **exact, err_msg=place)
        metric.reset_state()
        again = feed(metric, place, weighted, *FIGURES["batches"][0])
        np.testing.assert_array_equal(again, ours[0], err_msg=place)
        if not metric._by_batch:
            whole = feed(made(name, config), place, weighted, 0, FIGURES["batches"][-1][1])
            np.testing.assert_allclose(whole, ours[-1], rtol=3e-7, atol=1e-9, err_msg=place)
        assert all(isinstance(x, float) or x.dtype == np.float32 for x in ours)


def test_all_classes_and_names_are_recorded():
    theirs = set(FIGURES["names"])
    assert theirs - set(metrics.lookup.NAMES) == {"Metric", "metric"}
    assert set(metrics.lookup.NAMES) <= theirs
    assert {name for name, *_ in FIGURES["cases"]} == set(metrics.lookup.CLASSES)


@pytest.mark.parametrize("name", FIGURES["configs"])
def test_configs(name):
    config = FIGURES["configs"][name]
    metric = metrics.deserialize({"module": "keras.metrics", "class_name": name, "config": config})
    assert type(metric) is getattr(metrics, name)
    ours = metric.get_config()
    # what Keras does not put into a config it takes all the same
    only_ours = {"CosineSimilarity": {"axis"}, "SparseTopKCategoricalAccuracy": {"from_sorted_ids"}}
    assert set(ours) - set(config) == only_ours.get(name, set())
    assert set(config) - set(ours) <= {"axis"}
    assert all(ours[key] == config[key] for key in set(ours) & set(config))
    for twin in (
        metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric)))),
        pickle.loads(pickle.dumps(metric)),
        copy.deepcopy(metric),
        type(metric).from_config(ours),
    ):
        assert type(twin) is type(metric)
        assert twin.get_config() == ours
    assert repr(metric).startswith(f"{name}(name='named', dtype=")


# ---- against the definitions -------------------------------------------------------------------------------


@st.composite
def decisions(draw, dtype="float64"):
    """(y, p, w or None): outputs that often equal each other and the thresholds, some of them nan."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, units = draw(st.integers(1, 30)), draw(st.integers(1, 4))
    y = (rng.random((n, units)) < draw(st.sampled_from([0.0, 0.3, 1.0]))).astype(dtype)
    p = rng.random((n, units)).astype(dtype)
    if draw(st.booleans()):
        p = np.round(p * 8) / 8
    if draw(st.booleans()):
        p[rng.random(p.shape) < 0.1] = np.nan
    if draw(st.booleans()):
        y, p = np.asfortranarray(y), np.repeat(p, 2, axis=0)[::2]
    return y, p, draw(st.sampled_from([None, rng.random(n), rng.integers(0, 3, (n, units))]))


def spread(w, shape):
    w = np.ones(shape) if w is None else w.astype(float)
    return np.broadcast_to(w if w.ndim == 2 else w[:, None], shape)


def counted(y, p, w, thresholds):
    """TP, FP, FN, TN at each threshold, by looking at each."""
    w = spread(w, p.shape)
    says = [p > t for t in thresholds]
    return np.array([[w[(s == a) & (y == b)].sum() for s in says] for a, b in ((1, 1), (1, 0), (0, 1), (0, 0))])


def aside(p, thresholds):
    """p with what lies at a threshold moved a little: there Keras's rounding decides."""
    near = np.abs(np.nan_to_num(p)[..., None] - thresholds).min(axis=-1) < 1e-9
    return np.where(near, p + np.where(p < 0.5, 1e-8, -1e-8), p)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(data=st.data())
def test_counts(dtype, data):
    y, p, w = data.draw(decisions(dtype))
    eighths = st.integers(0, 8).map(lambda i: i / 8)
    thresholds = data.draw(st.one_of(st.lists(eighths, min_size=1, max_size=9), st.just([i / 8 for i in range(9)])))
    tp, fp, fn, tn = counted(y, p, w, thresholds)
    for name, expected in (
        ("TruePositives", tp),
        ("FalsePositives", fp),
        ("FalseNegatives", fn),
        ("TrueNegatives", tn),
        ("Precision", np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp > 0)),
        ("Recall", np.divide(tp, tp + fn, out=np.zeros_like(tp), where=tp + fn > 0)),
    ):
        metric = getattr(metrics, name)(thresholds, dtype=dtype)
        result = metric(y, p, w)
        assert np.shape(result) == (() if len(thresholds) == 1 else (len(thresholds),))
        np.testing.assert_allclose(np.ravel(result), expected, rtol=1e-6, err_msg=name)


@given(data=decisions(), n=st.integers(2, 20), many=st.booleans())
def test_areas(data, n, many):
    y, p, w = data
    thresholds = np.array([-1e-7, *[i / (n - 1) for i in range(1, n - 1)], 1 + 1e-7])
    p = aside(p, thresholds)
    areas = []
    for column in range(p.shape[1]) if many else [slice(None)]:
        part = spread(w, p.shape)[:, column].reshape(-1, 1)
        tp, fp, fn, tn = counted(y[:, column].reshape(-1, 1), p[:, column].reshape(-1, 1), part, thresholds)
        if tp[0] + fn[0] == 0 or fp[0] + tn[0] == 0:
            areas.append(0.0)
            continue
        x, height = fp / (fp + tn), tp / (tp + fn)
        areas.append(np.sum((x[:-1] - x[1:]) * (height[:-1] + height[1:]) / 2))
    metric = metrics.AUC(n, multi_label=many, dtype="float64")
    assert metric(y, p, w) == pytest.approx(np.mean(areas), abs=1e-9)


def test_area_is_the_chance_to_rank_rightly():
    rng = np.random.default_rng(0)
    y = rng.random(300) < 0.3
    p = np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0, 1)
    pairs = p[y][:, None] - p[~y]
    chance = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    assert metrics.AUC(num_thresholds=20001)(y, p) == pytest.approx(chance, abs=1e-4)


@given(data=decisions(), share=st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]), n=st.integers(1, 17))
def test_best_at(data, share, n):
    y, p, _ = data
    thresholds = [0.5] if n == 1 else [i / (n - 1) for i in range(n)]
    p = aside(p, thresholds)
    tp, fp, fn, tn = counted(y, p, None, thresholds)

    def rate(a, b):
        return np.divide(a, a + b, out=np.zeros_like(a), where=a + b > 0)

    sensitivity, specificity, precision = rate(tp, fn), rate(tn, fp), rate(tp, fp)
    for name, best, bound in (
        ("SensitivityAtSpecificity", sensitivity, specificity),
        ("SpecificityAtSensitivity", specificity, sensitivity),
        ("PrecisionAtRecall", precision, sensitivity),
        ("RecallAtPrecision", sensitivity, precision),
    ):
        expected = max([0.0, *best[bound >= share]])
        assert getattr(metrics, name)(share, num_thresholds=n, dtype="float64")(y, p) == pytest.approx(expected), name


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 7))
def test_top_k(seed, units, k):
    rng = np.random.default_rng(seed)
    p = np.round(4 * rng.random((20, units))) / 4
    classes = rng.integers(0, units, 20)
    expected = np.mean([np.sum(row > row[c]) < k for row, c in zip(p, classes, strict=True)])
    assert metrics.SparseTopKCategoricalAccuracy(k)(classes, p) == pytest.approx(expected)
    assert metrics.TopKCategoricalAccuracy(k)(np.eye(units)[classes], p) == pytest.approx(expected)
    assert metrics.SparseTopKCategoricalAccuracy(k)(classes + units, p) == 0
    if 0 < k <= units:
        # without ties: k outputs of each row say yes
        p = rng.permuted(np.tile(np.arange(1.0, units + 1), (20, 1)), axis=1)
        hits = np.sum(p[np.arange(20), classes] > units - k)
        onehot = np.eye(units)[classes]
        assert metrics.Precision(top_k=k)(onehot, p) == pytest.approx(hits / (20 * k))
        assert metrics.Recall(top_k=k)(onehot, p) == pytest.approx(hits / 20)
        assert metrics.Recall(top_k=k, class_id=0)(onehot, p) == pytest.approx(
            np.sum(p[classes == 0, 0] > units - k) / max(np.sum(classes == 0), 1)
        )


@given(decisions(), st.sampled_from([0.5, 1.0, 3.0]), st.sampled_from([None, 0.5]))
def test_scores(data, beta, threshold):
    y, p, w = data
    p = np.nan_to_num(p) + 0.01
    says = p > threshold if threshold else p >= p.max(axis=1, keepdims=True)
    w = spread(w, p.shape)
    tp, fp, fn = ((w * part).sum(axis=0) for part in (says & (y == 1), says & (y == 0), ~says & (y == 1)))

    def score(tp, fp, fn):
        return np.divide(
            (1 + beta**2) * tp, (1 + beta**2) * tp + fp + beta**2 * fn, out=np.zeros(np.shape(tp)), where=tp > 0
        )

    scores, support = score(tp, fp, fn), np.maximum(np.sum(tp + fn), 1e-7)
    for average, expected in (
        (None, scores),
        ("macro", scores.mean()),
        ("weighted", np.sum(scores * (tp + fn)) / support),
        ("micro", score(tp.sum(), fp.sum(), fn.sum())),
    ):
        metric = metrics.FBetaScore(average, beta, threshold, dtype="float64")
        # Keras's 1e-7 in the denominators, of sums that may be small
        np.testing.assert_allclose(metric(y, p, w), expected, rtol=2e-3, atol=1e-5, err_msg=str(average))
        if beta == 1.0:
            assert np.array_equal(metrics.F1Score(average, threshold, dtype="float64")(y, p, w), metric.result())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 20), units=st.integers(1, 3), weighted=st.booleans())
def test_regression(dtype, seed, n, units, weighted):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n, units)).astype(dtype)
    p = (y + rng.normal(size=(n, units))).astype(dtype)
    w = rng.random(n) + 0.1 if weighted else None
    wide = spread(w, y.shape)
    tolerance = dict(rtol=1e-10 if dtype == "float64" else 1e-5)
    mean = np.sum(y * wide, axis=0) / wide.sum(axis=0)
    scores = 1 - np.sum((y - p) ** 2 * wide, axis=0) / np.sum((y - mean) ** 2 * wide, axis=0)
    got = metrics.R2Score(None, dtype=dtype)(y, p, w)
    np.testing.assert_allclose(got, scores, rtol=1e-3 if dtype == "float32" else 1e-6)
    assert metrics.R2Score(dtype=dtype)(y, p, w) == pytest.approx(np.mean(got), rel=1e-5)
    root = np.sqrt(np.average(np.mean((y - p) ** 2, axis=1), weights=w))
    np.testing.assert_allclose(metrics.RootMeanSquaredError(dtype=dtype)(y, p, w), root, **tolerance)
    if units == 3:
        each = [np.corrcoef(a, b)[0, 1] for a, b in zip(y, p, strict=True)]
        np.testing.assert_allclose(
            metrics.PearsonCorrelation()(y, p, w), np.average(each, weights=w), rtol=1e-3, atol=1e-4
        )
    same = metrics.ConcordanceCorrelation(axis=0)(y, y)
    assert same == pytest.approx(1.0, rel=1e-3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_intersection_over_union(seed, classes):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, classes, 30), rng.integers(0, classes, 30)
    shares = [
        np.sum((y == c) & (p == c)) / np.sum((y == c) | (p == c)) for c in range(classes) if np.any((y == c) | (p == c))
    ]
    assert metrics.MeanIoU(classes)(y, p) == pytest.approx(np.mean(shares), rel=1e-6)
    onehot = np.eye(classes)
    assert metrics.OneHotMeanIoU(classes)(onehot[y], onehot[p]) == pytest.approx(np.mean(shares), rel=1e-6)
    assert metrics.IoU(classes, [0], ignore_class=0)(y, y) == pytest.approx(0.0)
    assert metrics.BinaryIoU([1])([1, 1, 0, 0], [0.5, 0.2, 0.7, 0.1]) == pytest.approx(1 / 3, rel=1e-6)


# ---- edges -------------------------------------------------------------------------------------------------


def test_before_the_first_batch():
    zero = "Mean Sum RootMeanSquaredError Precision Recall AUC TruePositives BinaryAccuracy MeanSquaredError".split()
    for name in zero:
        assert getattr(metrics, name)().result() == 0.0
    assert metrics.Precision([0.2, 0.5]).result().tolist() == [0.0, 0.0]
    assert metrics.AUC(multi_label=True).result() == 0.0
    assert metrics.MeanIoU(3).result() == 0.0
    assert metrics.F1Score("macro").result() == 0.0
    assert metrics.MeanSquaredError()([[1.0]], [[2.0]], [0.0]) == 0.0


def test_a_weight_of_zero_leaves_a_sample_out():
    y, p = ARRAYS["onehot/y"], ARRAYS["onehot/p"]
    w = (np.arange(len(y)) % 3 > 0).astype(float)
    for name in ("Precision", "AUC", "F1Score", "KLDivergence", "Accuracy", "TopKCategoricalAccuracy", "R2Score"):
        one, other = getattr(metrics, name)(), getattr(metrics, name)()
        np.testing.assert_allclose(one(y, p, w), other(y[w > 0], p[w > 0]), rtol=1e-6, err_msg=name)


def test_ties_and_lists_round_to_float32():
    # 0.7 as a Python number becomes the float32 that the threshold is, in float64 it would be less
    assert metrics.TruePositives(0.7)([1], [0.7]) == 0.0
    assert metrics.TruePositives(0.7, dtype="float64")([1], np.array([np.float32(0.7)])) == 0.0
    assert metrics.TruePositives(0.7, dtype="float64")(np.array([1]), np.array([0.7 + 1e-12])) == 1.0
    assert metrics.BinaryAccuracy(threshold=0.7)([1], [0.7]) == 0.0
    assert metrics.Accuracy()([0.1, 0.2], np.array([0.1, 0.3], np.float32)) == 0.5


def test_float64_is_kept():
    y, p = np.array([[1.0], [2.0]]), np.array([[1.0 + 1e-9], [2.0]])
    assert metrics.RootMeanSquaredError(dtype="float64")(y, p) == pytest.approx(1e-9 / np.sqrt(2), rel=1e-6)
    assert metrics.RootMeanSquaredError()(y, p) == 0.0


def test_targets_that_do_not_vary():
    same = np.full((13, 1), 0.1, np.float32)
    assert metrics.R2Score()(same, same + 1) == 0.0
    assert np.isnan(metrics.R2Score()(same, same))
    with pytest.warns(UserWarning, match="num_regressors=30 leaves no degree of freedom of 13 data points"):
        assert metrics.R2Score(num_regressors=30)(same, same + 1) == 0.0


def test_infinite_and_tiny_outputs():
    p = np.array([[np.inf], [-np.inf], [1e-45], [0.0]], np.float32)
    y = np.array([[1], [0], [1], [0]])
    assert metrics.AUC()(y, p) == 0.75  # what is less than the second threshold counts as equal
    assert metrics.TruePositives(0.0)(y, p) == 2.0
    assert metrics.SensitivityAtSpecificity(1.0)(y, p) == 1.0
    assert np.isinf(metrics.MeanAbsoluteError()(y, p))
    assert metrics.TopKCategoricalAccuracy(1)([[1, 0]], [[np.inf, 0.0]]) == 0.0


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: metrics.get("precison"), ValueError, "metric='precison' is not known. Did you mean 'precision'"),
        (lambda: metrics.get(None), ValueError, "metric=None is not known"),
        (lambda: metrics.deserialize({"class_name": "AOC"}), ValueError, "Did you mean 'AUC'"),
        (lambda: metrics.deserialize({}), ValueError, "metric='None' is not known"),
        (lambda: metrics.MeanMetricWrapper(3), TypeError, "fn=3 is not callable"),
        (lambda: metrics.Precision(1.5), ValueError, "thresholds=1.5 is not a finite number between 0 and 1"),
        (lambda: metrics.Precision(["a"]), ValueError, r"thresholds\[0\]='a' is not a finite number"),
        (lambda: metrics.Precision([]), ValueError, r"thresholds=\[\] is empty, expected numbers between 0 and 1"),
        (lambda: metrics.Precision(top_k=0), ValueError, "top_k=0 is not an integer of at least 1"),
        (lambda: metrics.Recall(class_id=-1), ValueError, "class_id=-1 is not an integer of at least 0"),
        (lambda: metrics.Recall(dtype="float46"), ValueError, "dtype='float46' is not known. Did you mean 'float64'"),
        (lambda: metrics.Recall(dtype="int32"), ValueError, "dtype='int32' is not known"),
        (
            lambda: metrics.BinaryAccuracy(threshold=-0.1),
            ValueError,
            "threshold=-0.1 is not a finite number of at",
        ),
        (
            lambda: metrics.SensitivityAtSpecificity(1.1),
            ValueError,
            "specificity=1.1 is not a finite number between 0 and 1",
        ),
        (lambda: metrics.RecallAtPrecision(0.5, 0), ValueError, "num_thresholds=0 is not an integer of at least 1"),
        (lambda: metrics.AUC(1), ValueError, "num_thresholds=1 is not an integer of at least 2"),
        (lambda: metrics.AUC(curve="RCO"), ValueError, "curve='RCO' is not one of 'ROC', 'PR', 'PRGAIN'"),
        (lambda: metrics.AUC(summation_method="mean"), ValueError, "summation_method='mean' is not one of"),
        (lambda: metrics.AUC(num_labels=2), ValueError, "num_labels=2 is for multi_label=True only"),
        (lambda: metrics.F1Score("mean"), ValueError, "average='mean' is not one of None, 'micro'"),
        (
            lambda: metrics.F1Score(threshold=0.0),
            ValueError,
            "threshold=0.0 is not a finite number greater than 0 and at most 1",
        ),
        (lambda: metrics.FBetaScore(beta=-1.0), ValueError, "beta=-1.0 is not a finite number greater than 0"),
        (lambda: metrics.R2Score("mean"), ValueError, "class_aggregation='mean' is not one of"),
        (lambda: metrics.R2Score(num_regressors=-1), ValueError, "num_regressors=-1"),
        (lambda: metrics.PearsonCorrelation(axis=2), ValueError, "axis=2 is not an integer of at most 1"),
        (lambda: metrics.CategoricalCrossentropy(axis=0), ValueError, "axis=0 is not -1 or 1: rows have one axis"),
        (
            lambda: metrics.BinaryCrossentropy(label_smoothing=2),
            ValueError,
            "label_smoothing=2 is not a finite number between",
        ),
        (lambda: metrics.IoU(2, [2]), ValueError, r"target_class_ids\[0\]=2 is not an integer of at most 1"),
        (lambda: metrics.IoU(2, []), ValueError, r"target_class_ids=\[\] is empty, expected class numbers from 0 to 1"),
        (lambda: metrics.MeanIoU(0), ValueError, "num_classes=0 is not an integer of at least 1"),
        (lambda: metrics.TopKCategoricalAccuracy(1.5), ValueError, "k=1.5 is not an integer of at least 0"),
    ],
)
def test_bad_settings(call, error, match):
    with pytest.raises(error, match=match):
        call()


Y, P = np.eye(3)[[0, 1, 2, 0]], np.full((4, 3), 0.25)


# what the classes need that have arguments without defaults
NEEDED = {
    "MeanMetricWrapper": {"fn": of_samples},
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 3},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
}
CLASSES = metrics.lookup.CLASSES


def bad_values(field):
    """What no setting takes, but for what this one does."""
    values = ["0.1", True, math.nan, -math.inf, 10**400, 1j, [None], object(), None]
    if isinstance(field, Flag):
        values.remove(True)
    if isinstance(field, Text):
        values.remove("0.1")
    if field.optional or None in getattr(field, "known", ()):
        values.remove(None)
    return values


@pytest.mark.parametrize(("name", "setting"), [(name, setting) for name, c in CLASSES.items() for setting in c._fields])
def test_bad_settings_are_refused(name, setting):
    cls, needed = CLASSES[name], NEEDED.get(name, {})
    metric, parameter = cls(**needed), inspect.signature(cls).parameters[setting]
    before = dict(vars(metric))
    for value in bad_values(cls._fields[setting]):
        with pytest.raises(ValueError, match=rf"^{setting}(\[0\])?="):
            setattr(metric, setting, value)
        assert vars(metric) == before
        if value is not None or parameter.default is not None:
            with pytest.raises(ValueError, match=rf"^{setting}(\[0\])?="):
                cls(**{**needed, setting: value})


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_are_those_of_the_signatures(name):
    cls, needed = CLASSES[name], NEEDED.get(name, {})
    metric, parameters = cls(**needed), inspect.signature(cls).parameters
    # Keras leaves this axis out of its configurations, and nothing here depends on it
    others = {"axis"} if name in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy") else set()
    assert set(parameters) - set(cls._fields) == (others if name != "MeanMetricWrapper" else {"kwargs"})
    assert not needed.keys() - cls._fields.keys()
    shown = {"name": metric.name, "dtype": "int64" if "IoU" in name else "float32", **needed}
    for setting, field in cls._fields.items():
        default = parameters[setting].default
        assert field.default is default
        if setting == "thresholds":
            assert default is None
            assert len(metric.thresholds) == (200 if name == "AUC" else 1)
        elif setting == "target_class_ids" and not needed:
            assert metric.target_class_ids == list(default) == [0, 1]
        else:
            assert getattr(metric, setting) == shown.get(setting, default)


def test_settings_that_are_assigned_later_count():
    precision = metrics.Precision()
    assert precision.thresholds == [0.5]
    precision.top_k = 2
    assert precision.thresholds == [-1e10]
    assert precision(Y, P) == metrics.Precision(top_k=2)(Y, P)
    precision.top_k, precision.thresholds = None, np.array([0.2, 0.6])
    with pytest.raises(ValueError, match=r"settings of metric 'precision' are not those .* call reset_state"):
        precision.update_state(Y, P)
    precision.reset_state()
    assert np.array_equal(precision(Y, P), metrics.Precision([0.2, 0.6])(Y, P))
    assert precision.get_config() == metrics.Precision([0.2, 0.6]).get_config()

    smooth = metrics.BinaryCrossentropy()
    smooth.label_smoothing, smooth.from_logits = 0.5, np.True_
    assert smooth(Y, P) == metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.5)(Y, P)
    correlation = metrics.PearsonCorrelation()
    assert not correlation._by_batch
    correlation.axis = 0
    assert correlation._by_batch
    score = metrics.F1Score()
    score.average = "macro"
    assert "beta" not in score.get_config()
    assert score(Y, P) == metrics.F1Score("macro")(Y, P)


def test_of_the_number_of_thresholds_and_the_thresholds_the_last_one_counts():
    area = metrics.AUC(5, curve="pr", summation_method="Minoring")
    assert (area.curve, area.summation_method) == ("PR", "minoring")
    assert area.thresholds == [-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7]
    area.thresholds = (0.9, 0.1, 0.3)
    assert (area.num_thresholds, area.thresholds) == (5, [-1e-7, 0.1, 0.3, 0.9, 1 + 1e-7])
    assert area.get_config()["thresholds"] == [0.1, 0.3, 0.9]
    area.num_thresholds = 5
    assert area.thresholds == [-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7]
    assert "thresholds" not in area.get_config()
    assert metrics.AUC(thresholds=[]).get_config()["thresholds"] == []
    best = metrics.RecallAtPrecision(0.5, num_thresholds=3)
    assert best.thresholds == [0.0, 0.5, 1.0]
    best.num_thresholds = 1
    assert best.thresholds == [0.5]


def test_classes_that_are_looked_at_are_among_those_that_there_are():
    shares = metrics.IoU(3, [0, 2])
    with pytest.raises(ValueError, match="num_classes=2 is not an integer of at least 3"):
        shares.num_classes = 2
    with pytest.raises(ValueError, match=r"target_class_ids\[1\]=3 is not an integer of at most 2"):
        shares.target_class_ids = [0, 3]
    assert (shares.num_classes, shares.target_class_ids) == (3, [0, 2])
    shares.num_classes, shares.target_class_ids = 4, range(1, 4)
    assert shares([0, 3], [0, 3]) == metrics.IoU(4, [1, 2, 3])([0, 3], [0, 3])


@pytest.mark.parametrize("value", [np.float32, "float32", np.dtype("float32"), None])
def test_types(value):
    assert metrics.Mean(dtype=value).dtype == "float32"
    metric = metrics.MeanIoU(2, dtype=int)
    metric.dtype = float
    assert metric.dtype == "float64"
    with pytest.raises(ValueError, match="dtype=dtype\\('int64'\\) is not one of 'float32', 'float64'"):
        metrics.Mean(dtype=np.dtype("int64"))


def old(metric, **changed):
    """The metric with the attributes that version 0.1.0 gave it, as it pickled them."""
    state = dict(vars(metric))
    state["_dtype"] = state.pop("dtype")
    state["_empty"] = state["_sums"] is None
    state["_sums"] = metric._totals
    state.update(changed)
    twin = object.__new__(type(metric))
    twin.__setstate__({name: value for name, value in state.items() if value is not Ellipsis})
    return twin


COUNTS = {"_at": np.zeros(1), "_even": False}
SAMPLED = {"_settings": {}, "_of": losses.MeanSquaredError()}


@pytest.mark.parametrize(
    ("metric", "changed"),
    [
        (metrics.Mean(), {}),
        (metrics.MeanMetricWrapper(of_samples), {"fn": ..., "_fn": of_samples}),
        (metrics.MeanAbsoluteError("named", "float64"), SAMPLED),
        (
            metrics.BinaryCrossentropy(label_smoothing=0.2),
            {**SAMPLED, "_settings": {"from_logits": False, "label_smoothing": 0.2}, "from_logits": ...},
        ),
        (metrics.PearsonCorrelation(axis=0), {**SAMPLED, "_by_batch": True}),
        (metrics.Recall(), {**COUNTS, "thresholds": [0.5], "_given": None}),
        (metrics.Recall(0.3), {**COUNTS, "thresholds": [0.3], "_given": 0.3}),
        (metrics.TruePositives([0.3, 0.5]), {**COUNTS, "thresholds": [0.3, 0.5], "_given": [0.3, 0.5]}),
        (metrics.PrecisionAtRecall(0.5, 3), {**COUNTS, "thresholds": [0.0, 0.5, 1.0]}),
        (metrics.AUC(3), {**COUNTS, "thresholds": [-1e-7, 0.5, 1 + 1e-7], "_given": False, "_by_label": False}),
        (
            metrics.AUC(thresholds=[0.2]),
            {**COUNTS, "thresholds": [-1e-7, 0.2, 1 + 1e-7], "_given": True, "_labels": None},
        ),
        (metrics.F1Score("macro"), {}),
    ],
    ids=lambda x: type(x).__name__,
)
def test_pickles_of_version_0_1_0(metric, changed):
    for batches in range(2):
        twin = old(metric, **changed)
        assert vars(twin).keys() == vars(metric).keys()
        assert twin.get_config() == metric.get_config()
        assert np.array_equal(twin.result(), metric.result())
        assert (twin._sums is None) == (batches == 0)
        twin.reset_state()
        data = (Y,) if type(metric) is metrics.Mean else (Y, P - Y / 8)
        assert np.array_equal(twin(*data), metric(*data))


def test_which_figures_are_good():
    small = ("Error", "Hinge", "Crossentropy", "Divergence", "Poisson")
    large = tuple("Accuracy AUC Precision Recall Sensitivity Specificity Score IoU Correlation Similarity".split())
    for name, cls in CLASSES.items():
        told = metrics.lookup.is_smaller_better(cls(**NEEDED.get(name, {})))
        assert told is (True if name.endswith(small) else False if name.endswith(large) else None), name

    class Mine(metrics.MeanSquaredError):
        pass

    class Other(Largest):
        _direction = "up"

    assert metrics.lookup.is_smaller_better(Mine()) is True
    assert metrics.lookup.is_smaller_better(Largest()) is None
    assert metrics.lookup.is_smaller_better(Other()) is False


@pytest.mark.parametrize(
    ("metric", "data", "error", "match"),
    [
        (metrics.Precision(), (Y[:3], P), ValueError, r"y_true has shape \(3, 3\), expected \(4, 3\) as y_pred"),
        (metrics.Precision(), (1, 2), ValueError, r"y_true has shape \(\), expected at least one dimension"),
        (metrics.Precision(), (Y, P.astype(str)), TypeError, "y_pred has dtype <U32, expected real numbers"),
        (metrics.Precision(), (Y + 1j, P), TypeError, "y_true has dtype complex128, expected real numbers"),
        (
            metrics.Precision(),
            (Y, P, [1, 2]),
            ValueError,
            r"sample_weight has shape \(2,\), expected \(4,\) or \(4, 3\)",
        ),
        (metrics.Precision(top_k=4), (Y, P), ValueError, r"top_k=4, but y_pred has shape \(4, 3\)"),
        (metrics.Precision(class_id=3), (Y, P), ValueError, r"class_id=3, but y_pred has shape \(4, 3\)"),
        (metrics.Precision(class_id=0), (Y[:, 0], P[:, 0]), ValueError, r"class_id=0, but y_pred has shape \(4,\)"),
        (metrics.AUC(multi_label=True), (Y[:, 0], P[:, 0]), ValueError, r"expected \(samples, labels\)"),
        (metrics.AUC(multi_label=True, num_labels=2), (Y, P), ValueError, "num_labels is for 2 columns"),
        (metrics.AUC(label_weights=[1, 2]), (Y, P), ValueError, "label_weights is for 2 columns"),
        (metrics.F1Score(), (Y[:, 0], P[:, 0]), ValueError, r"y_pred has shape \(4,\), expected \(samples, units\)"),
        (metrics.R2Score(), (Y, P, np.ones((4, 2))), ValueError, r"sample_weight has shape \(4, 2\)"),
        (metrics.MeanSquaredError(), (Y[:2], P), ValueError, "y_true has shape"),
        (metrics.MeanSquaredError(), (Y, P, [1, 2]), ValueError, r"sample_weight has shape \(2,\), expected \(4,\)"),
        (metrics.SparseCategoricalAccuracy(), ([0, 1, 2, 3], P), ValueError, r"y_true\[3\] = 3"),
        (metrics.SparseTopKCategoricalAccuracy(), (Y, P), ValueError, r"expected \(4,\): one class number a sample"),
        (metrics.SparseTopKCategoricalAccuracy(), ([1], [0.5]), ValueError, r"y_pred has shape \(1,\), expected"),
        (metrics.MeanIoU(3), (Y, P[:2]), ValueError, "y_true has 12 class numbers, expected 6 as y_pred"),
        (metrics.Mean(), (P, np.ones((3, 3))), ValueError, r"sample_weight has shape \(3, 3\), expected \(4,\)"),
        (metrics.Mean(), (["a"],), TypeError, "values has dtype <U1, expected real numbers"),
    ],
)
def test_bad_data_changes_nothing(metric, data, error, match):
    before = metric.result()
    with pytest.raises(error, match=match):
        metric.update_state(*data)
    np.testing.assert_array_equal(metric.result(), before)
    assert metric._sums is None


def test_another_number_of_columns():
    for metric in (metrics.F1Score(), metrics.R2Score(), metrics.AUC(multi_label=True)):
        before = metric(Y, P)
        with pytest.raises(ValueError, match=r"y_pred has 2 columns, but metric .* has seen 3 before"):
            metric.update_state(Y[:, :2], P[:, :2])
        assert np.array_equal(metric.result(), before)
        metric.reset_state()
        metric.update_state(Y[:, :2], P[:, :2])


# ---- one's own ---------------------------------------------------------------------------------------------


class Largest(metrics.Metric):
    def __init__(self, name="largest", **options):
        super().__init__(name=name, **options)
        self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")
        self.batches = self.add_weight(name="batches", dtype="int64")
        self.inner = metrics.MeanAbsoluteError()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(np.maximum(self.largest, np.abs(y_true - y_pred).max()))
        self.batches.assign_add(2)
        self.batches.assign_sub(1)
        self.inner.update_state(y_true, y_pred)

    def result(self):
        return self.largest * self.batches + self.inner.result()


def test_a_metric_of_ones_own():
    metric = Largest(dtype="float64")
    assert metric._spec() is None
    assert metric._by_batch
    assert float(metric(Y, P)) == pytest.approx(0.75 + np.mean(np.abs(Y - P)))
    assert float(metric(Y, P)) == pytest.approx(1.5 + np.mean(np.abs(Y - P)))
    assert [v.dtype for v in metric.variables] == [np.float64, np.int64]
    assert type(metric.largest.numpy()) is np.ndarray
    twin = pickle.loads(pickle.dumps(metric))
    metric.reset_state()
    assert float(metric.result()) == 0.0
    assert float(twin.result()) == pytest.approx(1.5 + np.mean(np.abs(Y - P)))
    twin.reset_state()
    assert float(twin.result()) == 0.0
    described = metrics.serialize(metric)
    assert described["class_name"] == "Largest"
    assert described["module"] == __name__
    assert described["config"] == {"name": "largest", "dtype": "float64"}
    assert type(metrics.deserialize(described, {"Largest": Largest})) is Largest
    with pytest.raises(ValueError, match="metric='Largest' is not known"):
        metrics.deserialize(described)


def test_what_a_metric_of_ones_own_must_do():
    class Hollow(metrics.Metric):
        pass

    assert Hollow().name == "hollow"
    with pytest.raises(NotImplementedError, match="Hollow has no update_state"):
        Hollow().update_state([1], [2])
    with pytest.raises(NotImplementedError, match="Hollow has no result"):
        Hollow().result()

    class Early(metrics.Metric):
        def __init__(self):
            self.total = self.add_variable((), "zeros")

    with pytest.raises(RuntimeError, match=r"Early.__init__ must call super\(\).__init__\(\)"):
        Early()


def test_a_class_derived_from_a_known_one_is_not_left_to_the_core():
    class Root(metrics.MeanSquaredError):
        def result(self):
            return super().result() ** 0.5

    assert metrics.MeanSquaredError()._spec("mean") == ("mean_squared_error", "mean", False, (), ())
    assert Root()._spec() is None
    assert Root()._by_batch
    assert Root().name == "mean_squared_error"
    assert Root()(Y, P) == pytest.approx(metrics.RootMeanSquaredError()(Y, P))

    class Half(metrics.BinaryAccuracy):
        def result(self):
            return super().result() / 2

    assert Half()._spec() is None
    assert Half()(Y, P) == metrics.BinaryAccuracy()(Y, P) / 2


def test_state_added_to_a_known_one():
    class Counted(metrics.Mean):
        def __init__(self):
            super().__init__()
            self.batches = self.add_variable((), "ones")

        def update_state(self, values, sample_weight=None):
            super().update_state(values, sample_weight)
            self.batches.assign_add(1)

        def reset_state(self):
            super().reset_state()
            self.batches.assign_add(5)

    metric = Counted()
    assert (metric([1.0, 3.0]), float(metric.batches)) == (2.0, 2.0)
    metric.reset_state()
    assert (metric.result(), float(metric.batches)) == (0.0, 5.0)


def test_what_the_core_is_told():
    assert metrics.BinaryAccuracy(threshold=0.0)._spec("mean") == ("binary_accuracy", "mean", False, (0.0,), ())
    smooth = metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    weighted = "mean_with_sample_weight"
    assert smooth._spec(weighted) == ("binary_crossentropy", weighted, True, (0.1,), ())
    assert metrics.SparseCategoricalAccuracy()._spec() == ("categorical_accuracy", "mean", False, (), ())
    assert metrics.SparseCategoricalCrossentropy()._spec() is not None
    assert metrics.SparseCategoricalCrossentropy(ignore_class=0)._spec() is None
    for name in ("Precision", "AUC", "Poisson", "Mean", "RootMeanSquaredError"):
        assert getattr(metrics, name)()._spec() is None


def test_functions():
    by_name = metrics.get(of_the_batch)
    assert by_name.name == "of_the_batch"
    assert by_name._by_batch
    assert by_name._loss() is None
    assert by_name(Y, P) == 0.75
    assert by_name(Y[:1], Y[:1]) == 0.375  # a scalar is one sample
    assert metrics.get(lambda y, p: 0.0).name == "lambda"
    assert metrics.get(losses.MeanSquaredError(name="squares")).name == "squares"
    assert metrics.get(losses.MeanSquaredError())(Y, P) == pytest.approx(np.mean((Y - P) ** 2))
    counts = metrics.get(lambda y, p: y.argmax(axis=1) == 0)
    assert counts(Y, P, [1, 1, 1, 3]) == pytest.approx(4 / 6)
    seen = []
    metrics.get(lambda y, p: seen.append((y, p)) or 1.0)([1, 2], [0.5, 1.5])
    assert all(type(x) is np.ndarray for x in seen[0])
    assert seen[0][1].dtype == np.float32


def test_functions_by_name():
    wrapped = metrics.MeanMetricWrapper(of_samples, name="third", power=3.0)
    assert type(wrapped).from_config(wrapped.get_config())(Y, P) == wrapped(Y, P)
    described = json.loads(json.dumps(metrics.serialize(wrapped)))
    twin = metrics.deserialize(described, custom_objects={"of_samples": of_samples})
    assert twin.get_config() == wrapped.get_config()
    with pytest.raises(ValueError, match="function='of_samples' is not known"):
        metrics.deserialize(described)


def test_get():
    metric = metrics.Recall()
    assert metrics.get(metric) is metric
    assert type(metrics.get(metrics.AUC)) is metrics.AUC
    assert metrics.get("mse").name == "mean_squared_error"
    assert metrics.get({"class_name": "AUC", "config": {"curve": "PR"}}).curve == "PR"
    assert metrics.get("LogCoshError").name == "logcosh"
    assert metrics.MeanIoU(2).name == "mean_io_u"
    assert metrics.for_model("mape", 1, False).name == "mape"
    assert metrics.for_model(metric, 1, False) is metric
    for identifier in ("accuracy", "acc", "Accuracy"):
        for units, sparse, cls in (
            (1, False, metrics.BinaryAccuracy),
            (3, False, metrics.CategoricalAccuracy),
            (3, True, metrics.SparseCategoricalAccuracy),
        ):
            fitting = metrics.for_model(identifier, units, sparse)
            assert type(fitting) is cls
            assert fitting.name == identifier
