"""Counting what XLA is asked to compile."""

import contextlib

import jax


@contextlib.contextmanager
def compilations():
    """Names of the functions that JAX compiles meanwhile, also where a compilation was found in the cache on disk."""
    names = []

    def listen(event, seconds, **about):
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(about.get("fun_name"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
