"""Every skeleton of `docs/extending.md` runs, in the order of the page, and does what the page says."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_skeletons_run():
    text = PAGE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) > 8
    names = {"__name__": "extending"}
    for block in blocks:
        line = text[: text.index(block)].count("\n")
        program = "\n" * line + block  # a traceback names the line of the page
        exec(compile(program, str(PAGE), "exec"), names)
