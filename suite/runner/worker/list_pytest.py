"""Lists a project's tests with pytest, without running them, as JSON into the file named first."""
import json, os, sys

here = os.path.dirname(os.path.abspath(__file__))
import pytest
from run_pytest import named, options

sys.path.remove(here)


class Listing:
    def __init__(self):
        self.tests, self.faults, self.maxfail = [], [], 0

    def pytest_collectreport(self, report):
        if report.failed:
            self.faults.append({"where": report.nodeid, "detail": report.longreprtext})

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session):
        self.maxfail = session.config.getvalue("maxfail")
        self.tests = [describe(i, item) for i, item in named(session.items)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            raise session.Interrupted("%d errors during collection" % session.testsfailed)
        return True


def describe(test, item):
    path, line, _ = item.location
    parts = item.nodeid.split("::")
    chain = [n for n in item.listchain() if isinstance(n, (pytest.Module, pytest.Class))]
    names = [parts[0][:-3].replace("/", ".") if parts[0].endswith(".py") else parts[0]] + [n.name for n in chain if isinstance(n, pytest.Class)]
    return {"id": test, "file": path, "line": (line or 0) + 1, "scope": scope(item), "alone": item.get_closest_marker("alone") is not None, "class": ".".join(names), "name": test.split("::", len(names))[-1]}


def scope(item):
    """What the test shares: an xdist_group, or the class or file whose fixtures it uses."""
    mark = item.get_closest_marker("xdist_group")
    if mark:
        return "group:" + str(mark.kwargs.get("name") or (mark.args or ["default"])[0])
    info = getattr(item, "_fixtureinfo", None)
    wide = {d[-1].scope for d in info.name2fixturedefs.values() if d} if info else set()
    if wide & {"module", "package"}:
        return item.nodeid.split("::")[0]
    return item.parent.nodeid if "class" in wide else ""


def main():
    to, args = sys.argv[1], sys.argv[2:]
    sys.argv = ["pytest"]
    listing = Listing()
    code = pytest.main(options(args), plugins=[listing])
    with open(to, "w") as f:
        json.dump({"tests": listing.tests, "errors": listing.faults, "exit": int(code), "settings": {"maxfail": str(listing.maxfail)}}, f)


main()
