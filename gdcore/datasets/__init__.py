"""Small data sets that come with the package; see SOURCES.md beside this file for where they are from."""

from . import digits, iris

__all__ = ["digits", "iris"]
