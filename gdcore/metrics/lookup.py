"""The table of metrics, and what follows from it: their names, and `get`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._names import look_up, serialized, unknown
from . import accuracy, confusion, crossentropy, curves, hinges, means, overlap, regression
from .base import Metric, is_built_in, snake_case

if TYPE_CHECKING:
    from collections.abc import Mapping

# each class with Keras's short names for it, beside its own and that in snake_case
_TABLE: tuple[tuple[type[Metric], tuple[str, ...]], ...] = (
    (means.Mean, ()),
    (means.Sum, ()),
    (means.MeanMetricWrapper, ()),
    (regression.MeanSquaredError, ("mse", "MSE")),
    (regression.RootMeanSquaredError, ()),
    (regression.MeanAbsoluteError, ("mae", "MAE")),
    (regression.MeanAbsolutePercentageError, ("mape", "MAPE")),
    (regression.MeanSquaredLogarithmicError, ("msle", "MSLE")),
    (regression.CosineSimilarity, ()),
    (regression.LogCoshError, ()),
    (regression.R2Score, ()),
    (curves.AUC, ()),
    (confusion.FalseNegatives, ()),
    (confusion.FalsePositives, ()),
    (confusion.Precision, ()),
    (curves.PrecisionAtRecall, ()),
    (confusion.Recall, ()),
    (curves.RecallAtPrecision, ()),
    (curves.SensitivityAtSpecificity, ()),
    (curves.SpecificityAtSensitivity, ()),
    (confusion.TrueNegatives, ()),
    (confusion.TruePositives, ()),
    (regression.ConcordanceCorrelation, ()),
    (regression.PearsonCorrelation, ()),
    (hinges.Hinge, ()),
    (hinges.SquaredHinge, ()),
    (hinges.CategoricalHinge, ()),
    (crossentropy.KLDivergence, ()),
    (regression.Poisson, ()),
    (crossentropy.BinaryCrossentropy, ("bce", "BCE")),
    (crossentropy.CategoricalCrossentropy, ()),
    (crossentropy.SparseCategoricalCrossentropy, ()),
    (accuracy.Accuracy, ()),
    (accuracy.BinaryAccuracy, ()),
    (accuracy.CategoricalAccuracy, ()),
    (accuracy.SparseCategoricalAccuracy, ()),
    (accuracy.TopKCategoricalAccuracy, ()),
    (accuracy.SparseTopKCategoricalAccuracy, ()),
    (overlap.F1Score, ()),
    (overlap.FBetaScore, ()),
    (overlap.IoU, ()),
    (overlap.BinaryIoU, ()),
    (overlap.MeanIoU, ()),
    (overlap.OneHotIoU, ()),
    (overlap.OneHotMeanIoU, ()),
)

CLASSES: dict[str, type[Metric]] = {cls.__name__: cls for cls, _ in _TABLE}
"""Name of the class -> class."""

NAMES: dict[str, type[Metric]] = {
    **CLASSES,
    **{snake_case(name): cls for name, cls in CLASSES.items()},
    **{short: cls for cls, names in _TABLE for short in names},
}
"""All names that `get` knows -> class."""


def get(identifier: Any) -> Metric:
    """The metric that is meant.

    Parameters
    ----------
    identifier : str, type, Metric, dict or callable
        A class's name, in snake_case too, or Keras's abbreviation ("mae", "mse", "mape", "msle", "bce"); a class; what
        `serialize` gives; or a function of (y_true, y_pred), which becomes a `MeanMetricWrapper` of its name.

    Raises
    ------
    ValueError
        For a name that is not known; it suggests the nearest ones.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, str) and identifier in NAMES:
        return NAMES[identifier]()
    if callable(identifier):
        called = getattr(identifier, "__name__", type(identifier).__name__)
        return means.MeanMetricWrapper(identifier, name=getattr(identifier, "name", None) or snake_case(called))
    raise unknown("metric", identifier, NAMES)


def for_model(identifier: Any, units: int, sparse: bool) -> Metric:
    """As `get`; a string names the metric, and ``"accuracy"`` becomes the one that fits outputs and targets."""
    if not isinstance(identifier, str):
        return get(identifier)
    if identifier.lower() in ("accuracy", "acc"):
        if units == 1:
            return accuracy.BinaryAccuracy(name=identifier)
        cls = accuracy.SparseCategoricalAccuracy if sparse else accuracy.CategoricalAccuracy
        return cls(name=identifier)
    metric = get(identifier)
    metric.name = identifier
    return metric


def is_smaller_better(metric: Metric) -> bool | None:
    """Whether small figures of a metric are good, as Keras's callbacks take it; None where nothing tells.

    A class of one's own says it by ``_direction = "down"`` or ``"up"``, as in Keras, or is as the class that it is
    derived from.
    """
    return None if metric._direction is None else metric._direction == "down"


def serialize(metric: Metric) -> dict[str, Any]:
    """A dictionary that `deserialize` turns back into the metric; a function in it is put by its name."""
    cls = type(metric)
    form = serialized("keras.metrics" if is_built_in(cls) else cls.__module__, metric)
    if callable(form["config"].get("fn")):
        form["config"]["fn"] = {"class_name": "function", "config": form["config"]["fn"].__name__}
    return form


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Metric:
    """The metric that `serialize` (or Keras's) described.

    Parameters
    ----------
    config : dict
    custom_objects : dict, optional
        Classes and functions of one's own by name.
    """
    own = custom_objects or {}
    cls: Any = look_up("metric", str(config.get("class_name")), {**CLASSES, **own})
    settings = dict(config.get("config", {}))
    if isinstance(settings.get("fn"), dict):
        settings["fn"] = look_up("function", str(settings["fn"].get("config")), own)
    return cls.from_config(settings)
