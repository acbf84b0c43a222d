"""Where the modules of 0.1.0 are now: what imports or unpickles by their old names goes on working for a release."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

MODULES = {
    "gdcore._batch_size": "gdcore.tuning.batch_size",
    "gdcore._bench": "gdcore.bench",
    "gdcore._config": "gdcore.config",
    "gdcore._dataset": "gdcore.data.dataset",
    "gdcore._minimize": "gdcore.optimize.descents",
    "gdcore._saving": "gdcore.models.saving",
    "gdcore._setups": "gdcore.verification.setups",
    "gdcore._sweep": "gdcore.tuning.sweeps",
    "gdcore._sweep_plot": "gdcore.plots.sweeps",
    "gdcore._threads": "gdcore.config",
    "gdcore._verify": "gdcore.verification.comparison",
    "gdcore.gradients": "gdcore.models.gradients",
    "gdcore.schedules": "gdcore.optimizers.schedules",
}
"""Old name -> new name."""


class _Finder:
    """Imports a module of today under its old name; asked only where no module of that name is found.

    It derives from none of ``importlib.abc``'s classes: importing those takes time.
    """

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        loader: Any = self
        return ModuleSpec(fullname, loader) if fullname in MODULES else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None  # as is usual

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(MODULES[module.__name__])  # which is what the import gives then


def install() -> None:
    """Let Python find the old names, once in a process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
