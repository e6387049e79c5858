"""Lists a project's tests with unittest, without running them, as JSON into the file named first."""
import inspect, json, os, sys

here = os.path.dirname(os.path.abspath(__file__))
from run_unittest import Program, named

sys.path[0] = ""  # as with python -m


def describe(test, item):
    """A test by its id, with what is known of where it is."""
    kind, name = type(item), test.rpartition(".")
    method = inspect.unwrap(getattr(item, getattr(item, "_testMethodName", ""), None) or kind)
    try:
        file, line = os.path.relpath(inspect.getsourcefile(method)), inspect.getsourcelines(method)[1]
    except (TypeError, OSError):
        file, line = "", 0
    if file.startswith(".."):  # a test of unittest's own: a module that cannot be imported
        file, line = "", 0
    return {"id": test, "file": file, "line": line, "scope": scope(item), "class": name[0], "name": name[2]}


def scope(item):
    """What the test shares: the module or class whose fixtures it uses."""
    kind, module = type(item), sys.modules.get(type(item).__module__)
    if any(hasattr(module, f) for f in ("setUpModule", "tearDownModule")):
        return kind.__module__
    if any(f in c.__dict__ for c in kind.__mro__ if not c.__module__.startswith("unittest.") for f in ("setUpClass", "tearDownClass")):
        return kind.__module__ + "." + kind.__qualname__
    return ""


def main(program=Program):
    to, args = sys.argv[1], sys.argv[2:]
    p = program(args)
    tests = [describe(i, item) for i, item in named(p.test)]
    if not tests:
        print("Ran 0 tests\n\nNO TESTS RAN")
    with open(to, "w") as f:
        json.dump({"tests": tests, "exit": 0 if tests else 5, "settings": {"maxfail": "1" if p.stops_early() else "0"}}, f)


if __name__ == "__main__":
    main()
