"""Fixtures that every room's tests share, and one compilation cache for all of them."""

from pathlib import Path

import hypothesis
import jax
import pytest

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".pytest_cache" / "jax"

# Compiling is most of what the tests cost, so both workers and the next run share what was compiled. By
# default JAX keeps only what took a second or more.
jax.config.update("jax_compilation_cache_dir", str(CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

# Equal runs: the examples are a function of the test alone, and none is kept in a folder of its own.
hypothesis.settings.register_profile(
    "taut",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("taut")


MOST_EXECUTABLES = 200
"""Compiled functions, of some 4 MB each, that a worker keeps from one file of tests to the next."""


@pytest.fixture(scope="module", autouse=True)
def _bounded_memory():
    """Forget compiled functions between files: five thousand tests left 5.5 GB of them in each worker."""
    yield
    if len(jax.devices()[0].client.live_executables()) > MOST_EXECUTABLES:
        jax.clear_caches()


@pytest.fixture
def x64():
    """Double precision for one test. The library never throws the global switch, nor do the tests."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def breast_cancer():
    """(X [569, 30], y [569]) as scikit-learn bundles them: no column of ones, raw units, 1 is benign."""
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="session")
def shared():
    """Folder of reference data beside the repository, too large to live inside; without it the test skips."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the reference data in ../shared/data, and that folder is absent")
    return folder
