"""A compilation cache that outlives the process, so that the same command, or the same search, compiles once."""

import os
import warnings
from pathlib import Path


def keep_compilations() -> None:
    """Keep what JAX compiles in the folder `place()`; where nothing can be written, do without and say nothing.

    A cache that was already chosen (`JAX_COMPILATION_CACHE_DIR`) stays, and with `TAUT_NO_CACHE` set there is none. By
    default JAX keeps only what took a second.
    """
    import jax

    if jax.config.values["jax_compilation_cache_dir"] is not None or os.environ.get("TAUT_NO_CACHE"):
        return
    folder = place()
    if not _writable(folder):
        return
    from jax.experimental.compilation_cache import compilation_cache

    jax.config.update("jax_compilation_cache_dir", str(folder))
    compilation_cache.reset_cache()  # one that has compiled already has decided that there is no cache
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # A damaged entry is compiled again, and a full disk is not this process's matter.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry", UserWarning)


def place() -> Path:
    """Where the cache is: `TAUT_CACHE_DIR`, `XDG_CACHE_HOME`/taut or `~/.cache`/taut, and in it the folder `jax`."""
    if own := os.environ.get("TAUT_CACHE_DIR"):
        return Path(own) / "jax"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taut" / "jax"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
