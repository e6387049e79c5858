"""Runs chosen tests with a command of the user's own, and tells outcomes by its exit status, its TAP, or
the JUnit files that it writes."""
import glob, os, re, shlex, subprocess, tempfile, time
import xml.etree.ElementTree as xml

from limits import MAX_OUTPUT, note

SKIPPED = 77  # exit status, by Automake's custom
TAP = re.compile(r"^(not )?ok\b *\d* *(?:- )?(.*?)(?: *(?<!\\)# *(skip|todo)\S*\s*(.*))?$", re.I)
WORST = ("pass", "skip", "xfail", "fail", "error")


def serve(link, first):
    settings = first["settings"]
    command = Command(settings["run"], settings["outcomes"])
    while (m := link.hear()) is not None and "finish" not in m:
        todo = [[t] for t in m["tests"]] if command.how == "exit" else [m["tests"]]
        while todo:
            some = todo.pop(0)
            for test in some:
                link.say(start=test)
            results = command.results(some)
            for r in results:
                link.say(result=r)
            told = {r["id"] for r in results}
            todo[:0] = [[t] for t in some if t not in told]  # those of which nothing was said, one by one
        link.say(done=True)


class Command:
    def __init__(self, text, outcomes):
        self.command = text
        self.how, _, self.glob = outcomes.partition(":")

    def results(self, tests):
        for old in self.files():
            os.remove(old)
        began = time.time()
        with tempfile.TemporaryFile() as out:
            text = self.command.replace("{tests}", " ".join(shlex.quote(t) for t in tests))
            code = subprocess.run(["sh", "-c", text], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT).returncode
            output = ends(out)
            cases = self.cases(out)
        took = time.time() - began
        alone = len(tests) == 1
        results = []
        for test in tests:
            mine = [c for c in cases if test in c["names"]] or (cases if alone else [])
            if not mine and not alone:
                continue
            r = summed(mine) if mine else self.by_exit(code)
            if alone and code != 0 and r["status"] in ("pass", "skip", "xfail") and mine:
                r = {"status": "fail", "message": "its outcomes are good, and the command ended with " + ended(code)}
            r.update(id=test, start=began, call=r.get("call") or (took if alone else 0))
            if r["status"] not in ("pass", "skip", "xfail"):
                r.setdefault("detail", "")
                r["output"] = output
            results.append(r)
        return results

    def by_exit(self, code):
        if self.how != "exit":
            return {"status": "error", "message": "the command tells nothing of it by %s, and ended with %s" % (self.how.upper().replace("JUNIT", "JUnit"), ended(code))}
        return {"status": "pass" if code == 0 else "skip" if code == SKIPPED else "fail", "message": "" if code == 0 else ended(code)}

    def files(self):
        return glob.glob(self.glob, recursive=True) if self.how == "junit" else []

    def cases(self, out):
        if self.how == "tap":
            return tap(out)
        return [c for f in self.files() for c in junit(f)]


def ended(code):
    return "exit status %d" % code if code >= 0 else "signal %d" % -code


def ends(out):
    """The first and the last half of what was written."""
    size, half = out.seek(0, os.SEEK_END), MAX_OUTPUT // 2
    out.seek(0)
    if size <= MAX_OUTPUT:
        return out.read().decode(errors="replace")
    first = out.read(half)
    out.seek(-half, os.SEEK_END)
    return first.decode(errors="replace") + note(size - 2 * half) + out.read().decode(errors="replace")


def tap(out):
    """The tests of the outer level."""
    out.seek(0)
    cases = []
    for line in out:
        m = TAP.match(line[:4096].decode(errors="replace").rstrip("\r\n"))
        if not m:
            continue
        failed, directive = bool(m[1]), (m[3] or "").lower()
        status = "skip" if directive == "skip" else "xfail" if directive == "todo" and failed else "fail" if failed else "pass"
        name = re.sub(r"\\([\\#])", r"\1", m[2]).strip()
        cases.append({"names": {name}, "status": status, "message": m[4] or (name if failed else "")})
    return cases


def junit(file):
    try:
        root = xml.parse(file).getroot()
    except xml.ParseError as e:
        return [{"names": set(), "status": "error", "message": "%s cannot be read: %s" % (file, e)}]
    return [case(e) for e in root.iter("testcase")]


def case(element):
    name, kind, file = (element.get(k, "") for k in ("name", "classname", "file"))
    c = {"names": {name, file, kind, kind + "." + name, kind + "::" + name, kind + " " + name, file + "::" + name} - {""},
         "status": "pass", "message": "", "call": float(element.get("time") or 0)}
    for tag, status in (("skipped", "skip"), ("failure", "fail"), ("error", "error")):
        found = element.find(tag)
        if found is not None:
            c.update(status=status, message=(found.get("message") or "").split("\n")[0], detail=(found.text or "")[:MAX_OUTPUT])
    return c


def summed(cases):
    """Several outcomes as one: the worst; skipped only if all are."""
    bad = max(cases, key=lambda c: WORST.index(c["status"]))
    if bad["status"] == "skip" and any(c["status"] == "pass" for c in cases):
        bad = next(c for c in cases if c["status"] == "pass")
    return {k: v for k, v in bad.items() if k != "names"} | {"call": sum(c.get("call", 0) for c in cases)}
