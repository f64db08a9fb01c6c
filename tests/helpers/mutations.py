"""Files with faults such as disks, editors, exports and people make."""

import numpy as np

PIECES = (b"", b",", b"\n", b"\r\n", b'"', b"'", b";", b"\t", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"NA", b"nan",
          b"inf", b"-1e308", b"1e999", b"9" * 400, b"0x1F", b"1_000", b"1,5", b"true", b"2024-02-30", b"=1+1",
          b"\xc3\xa9", b"\xed\xa0\x80", b"\x1b[31m", b"%s%n", b"../../etc/passwd", b"{}", b"[[",
          b"a" * 5000, b" " * 50)  # fmt: skip


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with one to four faults."""
    for _ in range(rng.integers(1, 5)):
        content = FAULTS[rng.integers(len(FAULTS))](content, rng)
    return content


def _somewhere(content, rng):
    start = int(rng.integers(len(content) + 1))
    return start, min(len(content), start + int(rng.integers(1, 30)))


def _flip(content, rng):
    if not content:
        return content
    changed = bytearray(content)
    changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content, rng):
    return content[: rng.integers(len(content) + 1)]


def _lose(content, rng):
    start, end = _somewhere(content, rng)
    return content[:start] + content[end:]


def _repeat(content, rng):
    start, end = _somewhere(content, rng)
    return content[:end] + content[start:end] * int(rng.integers(1, 4)) + content[end:]


def _insert(content, rng):
    start, _ = _somewhere(content, rng)
    return content[:start] + PIECES[rng.integers(len(PIECES))] + content[start:]


def _overwrite(content, rng):
    start, end = _somewhere(content, rng)
    return content[:start] + rng.bytes(end - start) + content[end:]


def _field(content, rng):
    """Another value between two commas."""
    lines = content.split(b"\n")
    i = int(rng.integers(len(lines)))
    fields = lines[i].split(b",")
    fields[rng.integers(len(fields))] = PIECES[rng.integers(len(PIECES))]
    lines[i] = b",".join(fields)
    return b"\n".join(lines)


def _column(content, rng):
    """One value for a whole column."""
    rows, piece = [line.split(b",") for line in content.split(b"\n")], PIECES[rng.integers(len(PIECES))]
    place = int(rng.integers(max(map(len, rows))))
    for row in rows[1:]:
        row[min(place, len(row) - 1)] = piece
    return b"\n".join(b",".join(row) for row in rows)


def _lines(content, rng):
    lines = content.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


FAULTS = (_flip, _cut, _lose, _repeat, _insert, _overwrite, _field, _field, _column, _lines)
