"""The Python in every Markdown page runs, and every command in it exists.

A page's blocks run from top to bottom in one namespace. Names that the page takes for granted (`supposed.py`) are put
into it at each heading. A block of `>>>` lines is a doctest. A comment on the line above a block makes an exception:

    <!-- not run: why -->       the block has to compile and no more
    <!-- needs: package -->     the block is left out where the package is not installed
"""

import ast
import doctest
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from taut.cli.app import app

from .supposed import SUPPOSED

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for folder in (".", "docs", "benchmarks", "labs")
    for page in (ROOT / folder).glob("*.md")
)
SLOW = {"README.md", "docs/extending.md", "docs/gradients.md", "docs/latent.md", "docs/regressions.md"}  # they train
COMMANDS = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
EXCEPTION = re.compile(r"<!-- (not run|needs): (.+?) -->\n\Z")


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        language: What stands behind the fence; empty for plain text.
        text: Its lines.
        line: Line of the page that its first line is on, from 1.
        section: Number of headings above it.
        exception: "not run", "needs", or empty.
        about: The reason, or the package.
    """

    language: str
    text: str
    line: int
    section: int = 0
    exception: str = ""
    about: str = ""


def blocks_of(page: str) -> list[Block]:
    """All fenced blocks of a page's text."""
    found = []
    for block in BLOCK.finditer(page):
        exception = EXCEPTION.search(page, 0, block.start())
        above = BLOCK.sub("", page[: block.start()])  # a comment in a block is no heading
        section = len(re.findall("^#+ ", above, re.MULTILINE))
        line = page.count("\n", 0, block.start("text")) + 1
        found.append(Block(block["language"], block["text"], line, section, *(exception.groups() if exception else ())))
    return found


def run(block: Block, page: str, names: dict) -> None:
    """Run one block in `names`; a failure shows the page and the line."""
    if ">>>" not in block.text:
        exec(compile("\n" * (block.line - 1) + block.text, page, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(block.text, names, page, page, block.line - 1)
    said = []
    doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
    names.update(test.globs)
    assert not said, "".join(said)


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.filterwarnings("default")  # a page's example may well warn, e.g. of a fit that was cut short
@pytest.mark.parametrize("page", [pytest.param(p, marks=pytest.mark.slow if p in SLOW else ()) for p in PAGES])
def test_python_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, supposed, section = {"__name__": Path(page).stem}, SUPPOSED.get(page, dict)(), None
    for block in blocks_of(read(page)):
        if block.section != section:
            names.update(supposed)
            section = block.section
        if block.language != "python":
            assert not re.search(r"^(>>> |import |from \w+ import )", block.text, re.MULTILINE), f"{page}:{block.line}"
        elif block.exception == "not run":
            ast.parse(block.text)
        elif block.exception != "needs" or find_spec(block.about):
            run(block, page, names)


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    for block in blocks_of(read(page)):
        for line in block.text.splitlines():
            if block.language in ("", "sh") and line.startswith("taut "):
                name, *words = shlex.split(line, comments=True)[1:]
                known = {flag for option in COMMANDS[name].params for flag in (*option.opts, *option.secondary_opts)}
                unknown = {word for word in words if word.startswith("--")} - known
                assert not unknown, f"{page}:{block.line}: {line}"


def test_pages_are_found_and_what_they_suppose_is_used():
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md", "benchmarks/README.md"} <= set(PAGES)
    assert set(SUPPOSED) | SLOW <= set(PAGES)


def test_a_page_that_is_wrong_is_noticed():
    (block,) = blocks_of("Text.\n\n```python\nx = 1\nx / 0\n```\n")
    assert block == Block("python", "x = 1\nx / 0\n", 4)
    with pytest.raises(ZeroDivisionError):
        run(block, "page.md", {})
    (block,) = blocks_of("```python\n>>> 1 + 1\n3\n\n```\n")
    with pytest.raises(AssertionError, match=r'File "page.md", line 2'):
        run(block, "page.md", {})
    (block,) = blocks_of("<!-- not run: a sketch -->\n```python\nmodel = ...\n```\n")
    assert (block.exception, block.about) == ("not run", "a sketch")
    assert [b.section for b in blocks_of("# A\n```\n# no heading\n```\n## B\n```\n```\n")] == [1, 2]
