"""Every part compared with Keras: with figures recorded from it, or with a Keras at hand."""

from .comparison import verify
from .report import PartCheck, VerifyReport
from .tolerances import Tolerance

__all__ = ["PartCheck", "Tolerance", "VerifyReport", "verify"]
