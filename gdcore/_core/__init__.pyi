from . import _baseline
from ._baseline import Network as Network

kernels = _baseline
ISA: str
