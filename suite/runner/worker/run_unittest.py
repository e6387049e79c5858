"""Runs single tests with unittest, one after another, in one process.

What a class or a module sets up stays until a test of another one comes: that is what unittest's own
TestSuite does when it is given its tests one by one with the same result.
"""
import importlib, os, sys, time, traceback, unittest

from capture import Capture
from limits import cut

__unittest = True  # unittest leaves these frames out of tracebacks


class Program(unittest.TestProgram):
    """Reads the command line as `python -m unittest` does, loads the tests, and runs none."""

    def __init__(self, args):
        super().__init__(module=None, argv=["python -m unittest"] + args, exit=False)

    def runTests(self):
        pass

    def stops_early(self):
        return bool(self.failfast)


class Unloaded(Program):
    """The same without loading: modules are imported when a test of theirs is asked for."""

    def createTests(self, from_discovery=False, Loader=None):
        if self.testNamePatterns:
            self.testLoader.testNamePatterns = self.testNamePatterns
        if from_discovery and os.path.isdir(self.start):
            sys.path.insert(0, os.path.abspath(self.top or self.start))
        self.test = unittest.TestSuite()


def flat(tests):
    for t in tests:
        if isinstance(t, unittest.TestCase) or not hasattr(t, "__iter__"):
            yield t
        else:
            yield from flat(t)


def named(tests):
    """Tests by id. Several of one id are numbered."""
    seen = {}
    for item in flat(tests):
        seen[item.id()] = n = seen.get(item.id(), 0) + 1
        yield item.id() + (" #%d" % n if n > 1 else ""), item


class Source:
    """Finds tests by id: in their own module if possible, or else among all."""

    def __init__(self, args):
        self.args, self.program, self.tests, self.modules, self.all = args, Unloaded(args), {}, set(), False

    def find(self, test):
        """The test; or None and why."""
        why = ""
        if test not in self.tests:
            module, why = imported(test)
            if module and module.__name__ not in self.modules:
                self.modules.add(module.__name__)
                self.tests.update(named(self.program.testLoader.loadTestsFromModule(module)))
        if test not in self.tests and not self.all and not why:
            self.all = True
            self.tests.update(named(Program(self.args).test))
        return self.tests.get(test), why


def imported(test):
    """The module that an id begins with; or None and why not."""
    found, parts = None, test.split(".")
    for n in range(1, len(parts)):
        name = ".".join(parts[:n])
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as e:
            if e.name == name and found:
                break  # what follows is a class
            return None, traceback.format_exc() if e.name != parts[0] or n > 1 else ""
        except BaseException:
            return None, traceback.format_exc()
    return found, ""


# How much an outcome says: a later one of the same test counts if it says more.
WEIGHT = ("pass", "xfail", "skip", "fail", "error")


class Recorder(unittest.TestResult):
    """What unittest says of the test that runs now."""

    def __init__(self, late):
        super().__init__()
        self.late, self.last, self.scopes = late, None, {}
        self._testRunEntered = True  # nothing is torn down after each test

    def begin(self, test, item):
        self.now = {"id": test, "status": "pass", "start": time.time()}
        self.item, self.started, self.details = item, None, []

    def end(self, output):
        r, began = self.now, self.now["start"]
        if self.started is None and r["status"] == "pass":  # what it shares could not be set up for an earlier one
            r.update(self.scopes.get(type(self.item)) or self.scopes.get(type(self.item).__module__) or
                     {"status": "error", "message": "unittest did not run it"})
        started = self.started or time.time()
        r["setup"], r["call"] = started - began, time.time() - started
        if self.details:
            r["detail"] = cut("\n".join(self.details))
        r["output"] = output if r["status"] != "pass" else ""
        self.last = r["id"]
        return r

    def say(self, status, message="", detail=""):
        if WEIGHT.index(status) > WEIGHT.index(self.now["status"]):
            self.now["status"], self.now["message"] = status, message
        if detail:
            self.details.append(detail)

    def shared(self, holder, status, message, detail):
        """A fault of what several tests share."""
        what = holder.id()
        if what.startswith("tearDown"):
            if self.last:
                self.late({"id": self.last, "status": "error", "start": time.time(), "message": what + ": " + message, "detail": cut(detail)})
            return
        fault = {"status": status, "message": what + ": " + message if status == "error" else message, "detail": cut(detail)}
        kind = type(self.item)
        self.scopes[kind.__module__ if what.startswith("setUpModule") else kind] = fault
        self.now.update(fault)

    def failed(self, test, err, status):
        message = "".join(traceback.format_exception_only(err[0], err[1])).strip().split("\n")[0]
        detail = self._exc_info_to_string(err, test)
        if isinstance(test, unittest.TestCase) or hasattr(test, "test_case"):
            self.say(status, message, detail)
        else:
            self.shared(test, "error", message, detail)

    def startTest(self, test):
        self.started = time.time()

    def stopTest(self, test):
        pass

    def addSuccess(self, test):
        pass

    def addError(self, test, err):
        self.failed(test, err, "error")

    def addFailure(self, test, err):
        self.failed(test, err, "fail")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            detail = str(subtest) + "\n" + self._exc_info_to_string(err, test)
            self.say("fail" if issubclass(err[0], test.failureException) else "error", "%s: %s" % (subtest._subDescription(), err[1]), detail)

    def addSkip(self, test, reason):
        if isinstance(test, unittest.TestCase) or hasattr(test, "test_case"):
            self.started = self.started or time.time()
            self.say("skip", reason)
        else:
            self.shared(test, "skip", reason, "")

    def addExpectedFailure(self, test, err):
        self.say("xfail", str(err[1]).split("\n")[0])

    def addUnexpectedSuccess(self, test):
        self.say("fail", "unexpected success")


class Serving:
    def __init__(self, link, source, recorder):
        self.link, self.source, self.recorder, self.capture = link, source, recorder, Capture()

    def serve(self):
        while (m := self.link.hear()) is not None and "finish" not in m:
            for test in m["tests"]:
                self.link.say(start=test)
                self.link.say(result=self.run(test))
            self.link.say(done=True)
        self.finish()

    def run(self, test):
        start = time.time()
        with self.capture:
            item, why = self.source.find(test)
        if item is None:
            return {"id": test, "status": "error", "start": start, "message": "it cannot be loaded on the worker" + why_shortly(why),
                    "detail": cut(why or "the runner does not find it there"), "output": self.capture.text()}
        self.recorder.begin(test, item)
        with self.capture:
            unittest.TestSuite([item]).run(self.recorder.result())
        return self.recorder.end(self.capture.text())

    def finish(self):
        result = self.recorder.result()
        with self.capture:
            end = unittest.TestSuite()
            end._tearDownPreviousClass(None, result)
            end._handleModuleTearDown(result)


def why_shortly(why):
    return ": " + why.strip().split("\n")[-1] if why.strip() else ""


class Result(Recorder):
    def result(self):
        return self


def serve(link, first):
    sys.path.insert(0, "")  # as with python -m
    Serving(link, Source(first["args"]), Result(lambda fault: link.say(late=fault))).serve()
