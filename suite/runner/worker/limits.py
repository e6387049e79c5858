"""How much of a text is kept."""

MAX_OUTPUT = 64 << 10


def cut(text, limit=MAX_OUTPUT):
    """The first and the last half of a text that is too long."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return text[:half] + note(len(text) - 2 * half) + text[-half:]


def note(left_out):
    return "\n... %d characters left out ...\n" % left_out
