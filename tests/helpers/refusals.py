"""What every refusal of the command line keeps to."""


def everything(folder):
    """Every file below the folder with its content, and every folder."""
    return {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def assert_refused(exit_code, stdout, stderr, words):
    """Exit code 2 and a message with all of `words`; no answer, no traceback."""
    assert exit_code == 2, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    assert "this is a bug" not in stderr
    missing = [word for word in words if str(word) not in stderr]
    assert not missing, stderr
