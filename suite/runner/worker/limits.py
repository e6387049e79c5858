"""How much of a text is kept."""

MAX_OUTPUT = 64 << 10


def cut(text, limit=MAX_OUTPUT):
    """The first and the last half of a text that is too long."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return text[:half] + "\n... %d characters left out ...\n" % (len(text) - 2 * half) + text[-half:]
