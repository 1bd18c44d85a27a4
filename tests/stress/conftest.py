import sys
from pathlib import Path

for folder in ("e2e", "crash"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / folder))

from fixtures import *  # noqa: E402,F401,F403  (fixtures and hooks are found by name)
from fixtures import pytest_runtest_makereport  # noqa: E402,F401
