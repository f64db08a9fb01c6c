"""A file or folder is whole or as it was, and what a kill leaves behind is in nobody's way."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import taut
from taut.core.files import unfinished, write_file
from taut.errors import SavedFitError
from taut.learning.checkpoints import CHECKPOINT_FILE
from taut.results.folder import FIT_FILE, is_foreign, write_folder


def whole(path):
    path.write_text("new")


def failing(file):
    file.write(b"half")
    raise KeyboardInterrupt


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    unfinished(path).write_text("what a kill left")
    write_file(path, lambda file: file.write(b"new"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_written_to_its_end_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_file(path, failing)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "there",
    [
        [],
        [FIT_FILE, "mine.txt"],
        [CHECKPOINT_FILE],
        [CHECKPOINT_FILE, f".{CHECKPOINT_FILE}.part"],
        [f".{CHECKPOINT_FILE}.part"],
        [CHECKPOINT_FILE, "arrays.npz"],
    ],
)
def test_a_run_killed_at_any_moment_can_be_saved_in_its_folder(tmp_path, there):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in there:
        (folder / name).write_text("old")
    unfinished(folder).mkdir()
    (unfinished(folder) / "arrays.npz").write_text("what a kill left")
    assert not is_foreign(folder)
    write_folder(folder, {"arrays.npz": whole, FIT_FILE: whole})
    assert {p.name for p in tmp_path.iterdir()} == {"run"}
    assert {p.name for p in folder.iterdir()} == {*there, "arrays.npz", FIT_FILE}
    assert (folder / FIT_FILE).read_text() == "new"


def test_foreign_folders_and_files_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(SavedFitError, match="left alone"):
            write_folder(place, {FIT_FILE: whole})
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO])
def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path, number):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(file):
        file.write(b"half")
        raise OSError(number, os.strerror(number))  # as a file that is open does: without a name

    with pytest.raises(OSError, match=os.strerror(number)) as error:
        write_file(path, full)
    assert (error.value.filename, error.value.errno) == (str(path), number)
    assert path.read_text() == "old"
    with pytest.raises(OSError, match=os.strerror(number)) as error:
        write_folder(tmp_path / "run", {"arrays.npz": whole, FIT_FILE: lambda path: full(io.BytesIO())})
    assert error.value.filename == str(tmp_path / "run" / FIT_FILE)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_of_a_file_is_named(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError) as error:
        write_file(tmp_path / "a.txt", lambda file: file.write(b"new"))
    assert error.value.filename == str(tmp_path / "a.txt")
    (tmp_path / "run" / FIT_FILE).mkdir(parents=True)
    with pytest.raises(OSError, match="irectory") as error:
        write_folder(tmp_path / "run", {FIT_FILE: whole})
    assert error.value.filename == str(tmp_path / "run" / FIT_FILE)
    assert {p.name for p in tmp_path.iterdir()} == {"a.txt", "run"}


LIMITED = """
import resource, sys
from pathlib import Path
from taut.core.files import write_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # last: Python would cut its own compiled modules short
try:
    write_file(Path(sys.argv[1]), lambda file: file.write(bytes(10**5)))
except OSError as error:
    print(error.filename)
"""


def test_a_limit_of_the_size_of_files_is_told_with_the_name(tmp_path):
    path = tmp_path / "a.bin"
    environment = {"PYTHONPATH": str(Path(taut.__file__).parents[1])}
    printed = subprocess.run([sys.executable, "-c", LIMITED, path], env=environment, capture_output=True, text=True)
    assert printed.stdout == f"{path}\n", printed.stderr
    assert list(tmp_path.iterdir()) == []
