"""What a test writes to standard output and error, by whatever means."""
import os, sys, tempfile

from limits import MAX_OUTPUT, note


class Capture:
    """Sends the two descriptors to a file for as long as a test runs. A test may close them."""

    def __init__(self):
        self.file = tempfile.TemporaryFile(buffering=0)
        self.saved = [os.dup(fd) for fd in (1, 2)]

    def __enter__(self):
        self.file.seek(0)
        self.file.truncate()
        for fd in (1, 2):
            os.dup2(self.file.fileno(), fd)
        return self

    def __exit__(self, *_):
        sys.stdout, sys.stderr = reopened(sys.stdout, 1), reopened(sys.stderr, 2)
        for fd, saved in zip((1, 2), self.saved):
            os.dup2(saved, fd)

    def text(self):
        """The first and the last half of it, if it is long."""
        size = self.file.seek(0, os.SEEK_END)
        self.file.seek(0)
        if size <= MAX_OUTPUT:
            return self.file.read().decode(errors="replace")
        half = MAX_OUTPUT // 2
        first = self.file.read(half)
        self.file.seek(-half, os.SEEK_END)
        return first.decode(errors="replace") + note(size - 2 * half) + self.file.read().decode(errors="replace")


def reopened(stream, fd):
    try:
        stream.flush()
        return stream
    except (ValueError, OSError):  # the test has closed it
        return open(fd, "w", closefd=False, errors="backslashreplace")
