"""Every part compared with Keras: with figures recorded from it, or with a Keras at hand."""

from .comparison import PartCheck, Tolerance, VerifyReport, verify

__all__ = ["PartCheck", "Tolerance", "VerifyReport", "verify"]
