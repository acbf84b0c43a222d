"""The version, in one place: `setup.py` reads it as text, everything else imports it."""

__version__ = "0.1.0"
