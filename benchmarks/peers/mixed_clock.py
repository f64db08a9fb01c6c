"""What the Python entrants of `mixed.py` share: read the task, count the seconds of the calls, print the answer."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
"""`parameters`: name of the reference -> [value, sd or None]. `groups`: factor -> {levels, terms, mean [G, q], sd};
its sd may be None. And `note`, words for the table."""


def serve(fitter: Callable[[str, Path], Callable[[], Callable[[], Answer]]]) -> None:
    """Run the task in `sys.argv[1]`, {"model", "folder", "calls"}; print one JSON object.

    Args:
        fitter: `(model, folder) -> call`; `call()` fits anew, and what it returns gives the answer. Reading the table
            is not on the clock, nor is what the answer is made of.
    """
    task = json.loads(sys.argv[1])
    call, wall, cpu = fitter(task["model"], Path(task["folder"])), [], []
    finish = None
    for _ in range(task["calls"]):
        begun, used = time.perf_counter(), time.process_time()
        finish = call()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    assert finish is not None
    print(json.dumps({"wall": wall, "cpu": cpu} | finish()))
