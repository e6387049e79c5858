"""The process that a worker keeps warm: a runner that is given tests, and says what becomes of each.

Arguments are the runner's name and two file descriptors. Each message is a line of JSON. The first one
says where the project is; until it comes, the runner is imported.
"""
import importlib, json, os, shutil, site, sys


class Link:
    """The two pipes. They are out of the tests' reach: above the usual numbers, and not inherited."""

    def __init__(self, fro, to):
        self.fro, self.to = os.fdopen(raise_fd(fro, 900), "rb"), raise_fd(to, 901)

    def hear(self):
        line = self.fro.readline()
        return json.loads(line) if line else None

    def say(self, **message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.to, data):]


def raise_fd(fd, wanted):
    try:
        os.dup2(fd, wanted, inheritable=False)
    except OSError:
        os.set_inheritable(fd, False)
        return fd
    os.close(fd)
    return wanted


def in_node(program):
    """Becomes the runner's program, which is not Python's."""
    node = shutil.which("node")
    if node is None:
        sys.exit("node is not on the PATH here")
    os.execv(node, [node, program] + sys.argv[2:])


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    name, fro, to = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if os.path.exists(os.path.join(here, "run_%s.mjs" % name)):
        in_node(os.path.join(here, "run_%s.mjs" % name))
    link = Link(fro, to)
    for place in os.environ.pop("ASSAY_SITES", "").split(":"):
        if os.path.isdir(place):
            site.addsitedir(place)  # the dependencies' layer
    runner = importlib.import_module("run_" + name)
    sys.path.remove(here)
    sys.argv = [name]
    link.say(ready=True)
    first = link.hear()
    if first is not None:
        os.chdir(first["tree"])
        runner.serve(link, first)


if __name__ == "__main__":
    main()
