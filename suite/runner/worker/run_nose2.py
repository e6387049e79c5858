"""Runs single tests with nose2, one after another, in one process, as run_unittest does with unittest.

Its plugins see the tests as they do in a run of nose2's own.
"""
import sys, time

from nose2 import events
from nose2.main import PluggableTestProgram
from nose2.runner import PluggableTestRunner

from run_unittest import Recorder, Serving, named


class Program(PluggableTestProgram):
    """Reads the command line as nose2 does, loads the tests, and runs none."""

    excludePlugins = ("nose2.plugins.result",)  # it prints as the tests run

    def __init__(self, args, hooks=()):
        super().__init__(module=None, argv=["nose2"] + args, exit=False, extraHooks=list(hooks))

    def runTests(self):
        pass

    def stops_early(self):
        return any(p.__class__.__name__ == "FailFast" and p.registered for p in self.session.plugins)


class Source:
    def __init__(self, program):
        self.tests = dict(named(program.test))

    def find(self, test):
        return self.tests.get(test), ""


class Outcomes(Recorder):
    """The same by nose2's events."""

    def result(self):
        return self.pluggable

    def open(self, session):
        self.session, runner = session, PluggableTestRunner(session)
        session.testRunner = runner
        self.pluggable = runner._makeResult()
        self.pluggable._testRunEntered = True
        session.hooks.startTestRun(events.StartTestRunEvent(runner, [], self.pluggable, time.time(), lambda *_: None))

    def close(self):
        hooks, runner = self.session.hooks, self.session.testRunner
        hooks.stopTestRun(events.StopTestRunEvent(runner, self.pluggable, time.time(), 0))

    def startTest(self, event):
        if isinstance(event, events.StartTestEvent):
            self.started = time.time()

    def testOutcome(self, event):
        if event.outcome == "subtest":
            self.addSubTest(event.test.test_case, event.test, event.exc_info)
        elif event.outcome == "skipped":
            self.addSkip(event.test, event.reason)
        elif event.outcome == "failed" and event.expected:
            self.addExpectedFailure(event.test, event.exc_info)
        elif event.outcome == "passed" and not event.expected:
            self.addUnexpectedSuccess(event.test)
        elif event.outcome in ("error", "failed"):
            self.failed(event.test, event.exc_info, "error" if event.outcome == "error" else "fail")


def serve(link, first):
    sys.path.insert(0, "")
    outcomes = Outcomes(lambda fault: link.say(late=fault))
    program = Program(first["args"], [("startTest", outcomes), ("testOutcome", outcomes)])
    outcomes.open(program.session)
    Serving(link, Source(program), outcomes).serve()
    outcomes.close()
