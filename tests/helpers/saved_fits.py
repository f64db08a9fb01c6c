"""Saved fits that somebody has changed."""

import json
from pathlib import Path

from taut.core.checked_files import SEAL, write_json


def changed(run: Path, how) -> Path:
    """The folder with `how` done to the content of its `fit.json`, sealed anew where it was sealed."""
    meta = json.loads((run / "fit.json").read_text("utf-8"))
    sealed = meta.pop(SEAL, None) is not None
    how(meta)
    if sealed:
        write_json(run / "fit.json", meta)
    else:
        (run / "fit.json").write_text(json.dumps(meta), "utf-8")
    return run
