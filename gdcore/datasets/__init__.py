"""Data to learn on: small sets that come with the package (SOURCES.md beside this file says from where), and larger
ones that lie on the machine or are downloaded."""

from . import digits, fashion_mnist, iris, mnist

__all__ = ["digits", "fashion_mnist", "iris", "mnist"]
