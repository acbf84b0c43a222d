from ._baseline import *  # noqa: F403
