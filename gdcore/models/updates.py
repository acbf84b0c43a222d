"""The optimizer of a model: which arrays it updates where, settled when a compiled model is first trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._fields import changes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .._core import kernels
    from .._core.specs import LayerSpec
    from ..optimizers import Optimizer
    from .stack import Built, ModelVariable


def build_optimizer(optimizer: Optimizer, built: Built, prefix: str) -> None:
    """Give the optimizer its vectors for the arrays that learn, if it has none.

    Raises
    ------
    ValueError
        If it was built for others: it can go on with some of its arrays, not with more (as in Keras).
    """
    learned = built.learned
    if not optimizer.built:
        arrays, paths = [v.view for v in learned], [f"{prefix}/{v.path}" for v in learned]
        optimizer._build(arrays, paths, [v.key for v in learned])
        return
    shapes = [v.view.shape for v in learned]
    if optimizer._keys is None:  # of 0.1.0, or built by hand for arrays of these shapes
        optimizer._build([v.view for v in learned])
        optimizer._keys = [v.key for v in learned]
        return
    known = {id(key) for key in optimizer._keys}
    new = [v.path for v in learned if id(v.key) not in known]
    if new or optimizer._slots.dtype != built.network.dtype:
        raise ValueError(
            f"this {type(optimizer).__name__} already belongs to arrays of shapes {optimizer._shapes} and type "
            f"{optimizer._slots.dtype}, and cannot train {shapes} of type {built.network.dtype}"
            f"{', ' + ', '.join(new) + ' being unknown to it' if new else ''}: make a new one"
        )


def plan_updates(optimizer: Optimizer, built: Built, prefix: str) -> kernels.UpdatePlan:
    """What the core needs to update the network's weights by the optimizer; errors as of `build_optimizer`."""
    build_optimizer(optimizer, built, prefix)
    here = _by_key(built)
    found = [here.get(id(key)) for key in optimizer._keys or []]
    return optimizer._plan(
        n_params=built.network.n_params,
        offsets=[None if v is None else v.offset for v in found],
        learns=[v is not None and v.learns for v in found],
    )


def averages(optimizer: Optimizer, built: Built) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Each array of the model that the optimizer averages, and its moving average."""
    here, found = _by_key(built), optimizer._averages()
    pairs = ((here.get(id(key)), average) for key, average in zip(optimizer._keys or [], found, strict=False))
    return [(variable.view, average) for variable, average in pairs if variable is not None]


def _by_key(built: Built) -> dict[int, ModelVariable]:
    return {id(v.key): v for v in built.variables}


class Settled:
    """What a model's calls take as given since it was settled, and whether descriptions were assigned to since.

    A plan is settled when a compiled model is first used, and holds until `compile` is called again or layers are added
    or taken off; what is assigned to layers, loss or optimizer meanwhile waits until then, as in Keras.
    """

    __slots__ = ("loss", "seen", "updates")

    def __init__(self, loss: Any) -> None:
        self.seen = {True: changes.count, False: changes.count}  # by trainings, and by other calls
        self.loss = loss
        self.updates: kernels.UpdatePlan | None = None

    def waiting(self, optimizer: Optimizer | None, loss: Any, built: Built, training: bool) -> list[str]:
        """Names of what has changed and waits, each change named once; without training, what has no influence then
        is not named."""
        if self.seen[training] == changes.count:
            return []
        self.seen[training] = changes.count
        found = [
            f"layer {layer.name!r}"
            for layer, spec in zip(built.layers, built.network.layers, strict=True)
            if _differs(lambda layer=layer: _of(layer._spec(layer._built.input_shape), training), _of(spec, training))
        ]
        if self.loss is not None and _differs(loss._spec, self.loss):
            found.append(f"loss {loss.name!r}")
        planned = self.updates
        if training and planned is not None and optimizer is not None and _differs(optimizer._spec, planned.spec):
            found.append(f"optimizer {optimizer.name!r}")
        return found


def _of(spec: LayerSpec, training: bool) -> LayerSpec:
    """What of a layer's description has an influence."""
    return spec if training else spec._replace(frozen=False, regularizers=(), constraints=())


def _differs(describe: Any, planned: Any) -> bool:
    """Whether a description is another now, or none that could be planned."""
    try:
        return bool(describe() != planned)
    except (TypeError, ValueError):
        return True
