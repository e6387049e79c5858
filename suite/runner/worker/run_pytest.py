"""Runs single tests with pytest, one after another, in one session.

Pytest wants to know the next test before it runs one, to see which fixtures it may tear down. Here it is
told that a test of the same scope follows; what the true next one does not share is torn down before it.
"""
import importlib.util
import sys
import time

import pytest

from limits import cut


class Sibling:
    """Stands for a next test in the same scope."""

    def __init__(self, item):
        self.item = item

    def listchain(self):
        return self.item.listchain()[:-1]

    def __getattr__(self, name):
        return getattr(self.item, name)


class Serving:
    def __init__(self, link):
        self.link, self.files, self.faults, self.reports, self.last = link, {}, {}, [], None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session):
        session.items, session.testscollected = [], 1
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        self.link.say(up=True)
        while (m := self.link.hear()) is not None:
            if "finish" in m:
                break
            for test in m["tests"]:
                self.link.say(start=test)
                self.link.say(result=self.run(session, test))
            self.link.say(done=True)
        self.leave(session, None)
        return True

    def pytest_runtest_logreport(self, report):
        self.reports.append(report)

    def pytest_collectreport(self, report):
        if report.failed:
            self.faults[report.nodeid.split("::")[0]] = report.longreprtext

    def run(self, session, test):
        start = time.time()
        item = self.find(session, test)
        if item is None:
            why = self.faults.get(test.split("::")[0], "the worker's pytest does not find it")
            return {"id": test, "status": "error", "start": start, "message": "it cannot be collected on the worker", "detail": cut(why)}
        self.leave(session, item)
        self.reports = []
        start = time.time()
        session.items = [item]
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=Sibling(item))
        self.last = (test, item)
        return outcome(test, start, self.reports)

    def find(self, session, test):
        path = test.split("::")[0]
        if path not in self.files:
            self.files[path] = self.collect(session, path)
        return self.files[path].get(test)

    def collect(self, session, path):
        try:
            items = session.perform_collect([str(session.config.rootpath / path)])
        except pytest.UsageError as e:
            self.faults.setdefault(path, str(e))
            items = []
        return dict(named(items))

    def leave(self, session, item):
        """Tears down what the next test does not share with the last one."""
        if self.last is None:
            return
        test, last = self.last
        self.last = None
        try:
            teardown(session, last, item)
        except BaseException as e:
            self.link.say(late={"id": test, "status": "error", "start": time.time(), "message": "tear-down of its scope: %s: %s" % (type(e).__name__, e)})


def teardown(session, last, item):
    try:
        session._setupstate.teardown_exact(item)
    except TypeError:  # before pytest 7
        session._setupstate.teardown_exact(last, item)


def named(items):
    """Tests by id. Several of one id are numbered."""
    seen = {}
    for item in items:
        seen[item.nodeid] = n = seen.get(item.nodeid, 0) + 1
        yield item.nodeid + (" #%d" % n if n > 1 else ""), item


def outcome(test, start, reports):
    r = {"id": test, "status": "pass", "start": start}
    for rep in reports:
        r[rep.when] = r.get(rep.when, 0) + rep.duration
        status = status_of(rep)
        if status != "pass" and r["status"] in ("pass", "skip", "xfail", "xpass"):
            r["status"], r["detail"], r["message"] = status, cut(detail(rep)), message(rep)
    if reports:
        path, line, _ = reports[0].location
        r["file"], r["line"] = path, (line or 0) + 1
        r["output"] = cut("".join("--- %s ---\n%s" % s for s in reports[-1].sections)) if r["status"] != "pass" else ""
    else:
        r["status"], r["message"] = "error", "pytest reported nothing"
    return r


def status_of(rep):
    if hasattr(rep, "wasxfail"):
        return "xfail" if rep.skipped else "xpass" if rep.passed else "fail"
    if rep.failed:
        return "fail" if rep.when == "call" else "error"
    return "skip" if rep.skipped else "pass"


def detail(rep):
    """What is told below the message. Of a test that was skipped pytest has no more than a place on the worker."""
    return "" if isinstance(rep.longrepr, tuple) else rep.longreprtext


def message(rep):
    if getattr(rep, "wasxfail", None):
        return rep.wasxfail
    if rep.skipped and isinstance(rep.longrepr, tuple):
        return rep.longrepr[2]
    crash = getattr(rep.longrepr, "reprcrash", None)
    return crash.message.split("\n")[0] if crash else rep.longreprtext.strip().split("\n")[-1]


def options(args):
    fans_out = importlib.util.find_spec("xdist") is not None
    return list(args) + (["-n0"] if fans_out else [])


def serve(link, first):
    sys.exit(pytest.main(options(first["args"]), plugins=[Serving(link)]))
