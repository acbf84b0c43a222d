"""What all tests share: hypothesis runs the same examples each time, and is not about time."""

from hypothesis import settings

settings.register_profile("gdcore", deadline=None, derandomize=True, max_examples=60, print_blob=True)
settings.load_profile("gdcore")
