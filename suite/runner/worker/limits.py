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


class Kept:
    """The first and the last half of what is added, piece by piece."""

    def __init__(self, limit=MAX_OUTPUT):
        self.half, self.first, self.last, self.left_out = limit // 2, "", "", 0

    def add(self, text):
        room = self.half - len(self.first)
        self.first, self.last = self.first + text[:room] if room > 0 else self.first, self.last + (text[room:] if room > 0 else text)
        if len(self.last) > 2 * self.half:
            self.left_out += len(self.last) - self.half
            self.last = self.last[-self.half:]

    def text(self):
        more = max(len(self.last) - self.half, 0)
        left_out = self.left_out + more
        return self.first + (note(left_out) if left_out else "") + self.last[more:]
