"""The version, in one place: `pyproject.toml` has it read from here, everything else imports it."""

__version__ = "0.1.0"
