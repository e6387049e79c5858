"""Runs chosen tests of Go packages by their test binaries, one process for those of a package.

What the binary prints is read as `go tool test2json` reads it: package testing marks its own lines.
"""
import itertools, json, os, re, select, subprocess, time

from limits import Kept

MARK = re.compile(r"\x16(?:=== (RUN|PAUSE|CONT|NAME) *(.*?)|( *)--- (PASS|FAIL|SKIP): (\S.*) \((\d+\.\d+)s\)|(?:PASS|FAIL))\s*$")
PANIC = re.compile(r"^(panic: .*|fatal error: .*)$", re.M)
STATUS = {"PASS": "pass", "FAIL": "fail", "SKIP": "skip"}
SAID = re.compile(r"^\s*(\S+?\.go):(\d+): (.*)")
LIMIT = 1 << 16  # of a line


class Ran:
    """One test of this run of the binary."""

    def __init__(self, test):
        self.result = {"id": test, "start": time.time()}
        self.output, self.said, self.paused = Kept(), [], False

    def wrote(self, line):
        self.output.add(line)
        said = SAID.match(line)
        if said and len(self.said) < 2:
            self.said.append(said)

    def ended(self, status, seconds):
        r = self.result
        took = seconds if self.paused else time.time() - r["start"]
        r["call"] = r.get("call", 0) + took
        if r.get("status") != "fail":  # it may be run several times
            r["status"] = status

    def report(self):
        r = self.result
        if r["status"] != "pass":
            r["detail"] = self.output.text()
            if self.said:
                r["message"] = self.said[0][3]
            panicked = PANIC.search(r["detail"])
            if panicked:
                r["message"] = panicked[1]
            elif self.said and r["status"] != "skip":
                r["line"] = int(self.said[0][2])
        return r


class Binary:
    """One run of a package's binary for some of its tests."""

    def __init__(self, link, package, path, tests):
        self.link, self.package, self.path, self.tests = link, package, path, tests
        self.ran, self.now, self.held, self.rest = {}, None, None, Kept()
        self.often = any(a.startswith(("-test.count=", "-test.cpu=")) and a != "-test.count=1" for a in package.get("args") or [])

    def run(self):
        """Says what became of tests. Returns those that are still to be run, and whether each by itself."""
        names = [t[len(self.path) + 1:] for t in self.tests]
        chosen = (self.package.get("run") or {}).get(names[0]) or "^(%s)$" % "|".join(re.escape(n) for n in names)
        binary = os.path.abspath(self.package["binary"])
        command = [binary if os.path.exists(binary) else self.package["local"], "-test.v=test2json", "-test.run=" + chosen]
        began = time.time()
        try:
            process = subprocess.Popen(command + (self.package.get("args") or []), cwd=self.package["dir"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as e:
            for t in self.tests:
                self.link.say(start=t)
                self.link.say(result={"id": t, "status": "error", "start": began, "message": "its binary cannot be run: %s" % e})
            return [], False
        for line in lines(process):
            self.read(line)
        return self.end(process.wait(), began)

    def read(self, line):
        text, at = line.decode(errors="replace"), line.find(b"\x16")
        mark = MARK.search(text) if at >= 0 else None
        if mark is None:
            self.wrote(text)
            return
        if mark.start():
            self.wrote(text[:mark.start()])
        if mark[1]:
            self.running(mark[1], mark[2])
        elif mark[4]:
            self.over(mark)

    def wrote(self, text):
        (self.now or self.rest_of()).wrote(text)

    def rest_of(self):
        return self.held or Outside(self.rest)

    def running(self, how, name):
        test = self.path + "." + name.split("/")[0]
        self.let_go()
        if how == "RUN" and "/" not in name and test not in self.ran:
            self.ran[test] = Ran(test)
            self.link.say(start=test)
        self.now = self.ran.get(test)
        if self.now and how == "PAUSE" and "/" not in name:
            self.now.paused = True

    def over(self, mark):
        name, status, seconds = mark[5], mark[4], float(mark[6])
        ran = self.ran.get(self.path + "." + name.split("/")[0])
        if ran is None:
            return
        if "/" in name:
            ran.wrote("%s--- %s: %s (%.2fs)\n" % (mark[3], status, name, seconds))
            return
        self.let_go()
        ran.ended(STATUS[status], seconds)
        self.held, self.now = ran, None  # what a panic prints follows

    def let_go(self):
        if self.held and not self.often:
            self.link.say(result=self.held.report())
        self.held = None

    def end(self, code, began):
        """Tests that are still to be run, and whether each in a process of its own."""
        self.let_go()
        if self.often:
            for ran in self.ran.values():
                if "status" in ran.result:
                    self.link.say(result=ran.report())
        over = [t for t, ran in self.ran.items() if "status" in ran.result]
        left = [t for t in self.tests if t not in over]
        begun = [t for t in left if t in self.ran]
        if not left:
            self.outlast(code, over)
        elif len(begun) == 1 and self.cut(begun[0], code):
            left.remove(begun[0])
        elif not over and not begun:
            self.not_run(code, began)
            left = []
        return left, bool(begun) and begun[0] in left

    def outlast(self, code, over):
        """The binary may fail although its tests have passed."""
        if code != 0 and all(self.ran[t].result["status"] != "fail" for t in over):
            self.link.say(late={"id": self.tests[-1], "status": "error", "start": time.time(), "detail": self.rest.text(),
                                "message": "the package's tests passed, and its binary ended with %s" % ended(code)})

    def cut(self, test, code):
        """Reports a test during which the binary ended. False if only a run of it alone can tell how."""
        ran = self.ran[test]
        text = ran.output.text()
        panicked = PANIC.search(text)
        ran.result.update(call=time.time() - ran.result["start"], detail=text)
        if panicked:
            ran.result.update(status="fail", message=panicked[1])
        elif len(self.tests) > 1:  # it may have closed its output, and others have failed since
            return False
        elif code == 0:  # it has closed its output
            ran.result.update(status="pass")
        else:
            ran.result.update(status="crash", message="it ended its process: %s" % ended(code))
        self.link.say(result=ran.result)
        return True

    def not_run(self, code, began):
        """None of the tests was run: TestMain decides that."""
        for test in self.tests:
            self.link.say(start=test)
            self.link.say(result={
                "id": test, "status": "skip" if code == 0 else "error", "start": began, "detail": self.rest.text(),
                "message": "its binary ended with %s and did not run it" % ended(code)})


def lines(process):
    """What a process writes, until it has ended: what it left running may write on."""
    fd, rest = process.stdout.fileno(), b""
    while True:
        ready = select.select([fd], [], [], 1)[0]
        part = os.read(fd, LIMIT) if ready else b""
        if ready and not part or not ready and process.poll() is not None:
            break
        *whole, rest = (rest + part).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(rest) > LIMIT:
            yield rest
            rest = b""
    if rest:
        yield rest


class Outside:
    """What is written while no test runs."""

    def __init__(self, kept):
        self.wrote = kept.add


def ended(code):
    return "exit status %d" % code if code >= 0 else "signal %d" % -code


def serve(link, first):
    packages = json.loads(first["settings"]["packages"])
    while (m := link.hear()) is not None and "finish" not in m:
        for path, tests in itertools.groupby(m["tests"], lambda t: t.rpartition(".")[0]):
            run(link, packages, path, list(tests))
        link.say(done=True)


def run(link, packages, path, tests):
    package = packages[path]
    apart = [t for t in tests if t[len(path) + 1:] in (package.get("run") or {})]  # each has a pattern of its own
    todo = [[t for t in tests if t not in apart]] + [[t] for t in apart]
    while todo:
        some = todo.pop(0)
        if some:
            left, alone = Binary(link, package, path, some).run()
            todo[:0] = [[t] for t in left] if alone else [left]
