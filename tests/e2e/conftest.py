from fixtures import *  # noqa: F401,F403  (fixtures and hooks are found by name)
from fixtures import pytest_runtest_makereport  # noqa: F401
