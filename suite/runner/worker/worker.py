"""The function that runs tests: lays the project out under /tmp, and keeps a runner's process warm.

A batch comes in (package suite says what is in it), an answer goes out. A test that ends its process or
takes too long is reported as such, and the others of its batch go on in a new process.
"""
import base64, io, json, os, selectors, shutil, signal, subprocess, sys, threading, time, uuid, zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
# Where layers are: in /opt, or, of an engine that cannot mount, in folders that it names.
LAYERS = list(dict.fromkeys(["/opt"] + [os.path.dirname(p) for p in os.environ.get("PYTHONPATH", "").split(":") if os.path.basename(p) == "python"]))
ID = uuid.uuid4().hex[:12]
HIDDEN = ("_HANDLER", "AWS_EXECUTION_ENV", "AWS_LAMBDA_", "LAMBDA_", "LD_LIBRARY_PATH", "NODE_PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
KEPT = 16 << 10  # bytes of what a runner prints, for when it ends

subprocess._USE_VFORK = False  # a child of vfork begins with the peak memory of its parent (getrusage(2), execve)


class Child:
    """A runner's process. It is told of a project, then given tests, and says what becomes of each, by two
    pipes of its own. Its runner is imported before there is a project."""

    def __init__(self, runner, variables=None):
        ours, theirs = os.pipe(), os.pipe()
        for fd in (ours[0], theirs[1]):
            os.set_inheritable(fd, True)
        env = dict(os.environ) if LOCAL else environment()
        env.update(variables or {})
        command = [sys.executable, os.path.join(HERE, "child.py"), runner, str(ours[0]), str(theirs[1])]
        self.process = subprocess.Popen(
            command, cwd=LOCAL or TMP, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            pass_fds=(ours[0], theirs[1]), start_new_session=True)
        os.close(ours[0])
        os.close(theirs[1])
        self.runner, self.variables, self.told, self.said, self.used = runner, variables, None, set(), False
        self.to, self.fro, self.rest = ours[1], theirs[0], b""
        self.printed, self.lock = b"", threading.Lock()
        self.reader = threading.Thread(target=self.drain, daemon=True)
        self.reader.start()

    def tell(self, project):
        """Says what it is about, once."""
        if self.told is None:
            self.told = project
            self.say(project)

    def drain(self):
        for part in iter(lambda: self.process.stdout.read1(65536), b""):
            with self.lock:
                self.printed = (self.printed + part)[-KEPT:]

    def say(self, message):
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self.to, data):]
        except BrokenPipeError:
            pass  # it has ended, which hear tells

    def hear(self, until):
        """The next message; None when the process has ended, or TimeoutError."""
        while b"\n" not in self.rest:
            left = None if until is None else until - time.monotonic()
            with selectors.DefaultSelector() as s:
                s.register(self.fro, selectors.EVENT_READ)
                if not s.select(None if left is None else max(left, 0)):
                    raise TimeoutError
            part = os.read(self.fro, 1 << 20)
            if not part:
                return None
            self.rest += part
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def wait(self, word, until):
        """Until it says that it is ready, or that its session is up."""
        try:
            while word not in self.said and not self.used and (m := self.hear(until)) is not None:
                self.said.update(m)
        except TimeoutError:
            pass  # the first test will wait for it

    def alive(self):
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def end(self, how=signal.SIGKILL):
        try:
            os.killpg(self.process.pid, how)
        except ProcessLookupError:
            pass
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = code = os.waitstatus_to_exitcode(status)
        self.peak = usage.ru_maxrss >> 10  # MB
        self.reader.join(1)
        for fd in (self.to, self.fro):
            os.close(fd)
        with self.lock:
            return code, self.printed.decode(errors="replace")


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith(HIDDEN)}
    env.update(LANG="C.UTF-8", HOME=os.path.join(TMP, "home"), ASSAY_WORKER=ID, ASSAY_SITES=":".join(os.path.join(d, "python") for d in LAYERS))
    env["PATH"] = ":".join([d for d in (os.path.join(place, "bin") for place in LAYERS) if os.path.isdir(d)] + [env["PATH"]])
    os.makedirs(env["HOME"], exist_ok=True)
    return env


LOCAL = None  # the project's folder, where no copy of it is made
TMP = os.environ.get("TMPDIR", "/tmp")
child = None
WARMING = 20  # seconds that a runner's process may take to be imported


def handler(batch, context=None):
    answer = {"worker": ID, "results": [], "late": []}
    if batch["op"] == "warm":
        warm(batch)
        return answer
    tree = LOCAL or lay_out(batch)
    if tree is None:
        answer["need"] = True
        return answer
    if batch["op"] == "finish":
        finish(answer)
        return answer
    if batch.get("fresh"):
        end_session(answer)
    left = context.get_remaining_time_in_millis() / 1000 - 1 if context else None
    end = None if left is None else time.monotonic() + left
    waiting = list(batch.get("tests") or [])
    while waiting:
        waiting = run(tree, batch, waiting, end, answer)
    if batch.get("fresh"):
        end_session(answer)
    return answer


# Runners whose session begins before anything but the project and the arguments is known.
EARLY = ("pytest",)


def warm(batch):
    """Does what can be done before there are tests: the runner is imported, the project laid out, and a
    session begun."""
    global child
    if child is None or not child.alive() or child.runner != batch["runner"]:
        if child is not None:
            stop()
        child = Child(batch["runner"], batch.get("variables"))
    tree = LOCAL or (lay_out(batch) if batch.get("root") else pristine() and None)
    until = time.monotonic() + WARMING
    child.wait("ready", until)
    if tree and child.told is None and batch["runner"] in EARLY:
        child.tell(project(tree, batch))
        child.wait("up", until)


TREES = os.path.join(TMP, "trees")


def lay_out(batch):
    """The folder of a snapshot: the base, which came as the function's code, and what differs from it."""
    tree = os.path.join(TREES, batch["root"])
    if os.path.isdir(tree):
        return tree
    if batch["root"] != base_root() and not batch.get("delta"):
        return None
    new = pristine()
    for earlier in os.listdir(TREES):  # they are not needed again
        if earlier != os.path.basename(new):
            shutil.rmtree(os.path.join(TREES, earlier), ignore_errors=True)
    if batch.get("delta"):
        apply(new, batch["delta"])
    os.rename(new, tree)
    return tree


def base_root():
    try:
        with open(os.path.join(HERE, "base.json")) as f:
            return json.load(f)["root"]
    except FileNotFoundError:
        return ""


def pristine():
    """A copy of the base that no test has touched."""
    ready, new = os.path.join(TREES, "ready"), os.path.join(TREES, "new")
    if os.path.isdir(ready):
        return ready
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    for place in [HERE] + LAYERS:
        if os.path.isdir(os.path.join(place, "base")):
            copy(os.path.join(place, "base"), new)
        link(os.path.join(place, "linked"), new)
    os.rename(new, ready)
    return ready


def copy(folder, to):
    """Copies a folder. It takes a third of the processor's time that shutil's does."""
    os.makedirs(to, exist_ok=True)
    for entry in os.scandir(folder):
        at = os.path.join(to, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), at)
        elif entry.is_dir():
            copy(entry.path, at)
        else:
            copy_file(entry.path, at)


def copy_file(file, to):
    with open(file, "rb", 0) as source:
        about = os.fstat(source.fileno())
        target = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, about.st_mode & 0o777 | 0o200)
        try:
            left = about.st_size
            while left > 0 and (sent := os.sendfile(target, source.fileno(), None, left)):
                left -= sent
        finally:
            os.close(target)


def link(folder, tree):
    """Dependencies that came as a layer are not copied: the folders in it, each named by its path, are linked."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        at = os.path.join(tree, name.replace("%2F", "/").replace("%25", "%"))
        os.makedirs(os.path.dirname(at), exist_ok=True)
        os.symlink(os.path.join(folder, name), at)


def apply(tree, delta):
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(delta))) as z:
        gone = json.loads(z.read(".assay-gone.json"))
        for name in gone:
            try:
                os.remove(os.path.join(tree, name))
            except FileNotFoundError:
                pass
        for info in z.infolist():
            if info.filename == ".assay-gone.json":
                continue
            path, mode = os.path.join(tree, info.filename), info.external_attr >> 16
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.lexists(path):
                os.remove(path)
            if mode & 0o170000 == 0o120000:
                os.symlink(z.read(info).decode(), path)
                continue
            with z.open(info) as source, open(path, "wb") as to:
                shutil.copyfileobj(source, to)
            os.chmod(path, (mode & 0o777 or 0o644) | 0o200)


def ensure(tree, batch):
    global child
    about = project(tree, batch)
    fits = child and child.alive() and (child.runner, child.variables) == (batch["runner"], batch.get("variables"))
    if child and not (fits and child.told in (None, about)):
        stop()
    if child is None:
        child = Child(batch["runner"], batch.get("variables"))
    child.tell(about)
    child.used = True
    return child


def project(tree, batch):
    """What a runner is told before its tests."""
    settings = {} if batch["runner"] in EARLY else batch.get("settings") or {}
    return {"tree": tree, "args": batch.get("args") or [], "settings": settings}


def stop():
    global child
    ended, child = child, None
    return ended.end()


def run(tree, batch, tests, end, answer):
    """Gives tests to the child, and returns those that are still to be run when it has ended early."""
    c = ensure(tree, batch)
    c.say({"tests": tests})
    todo, running, began = list(tests), None, time.time()
    limit = batch.get("timeout") or None
    until = None
    while True:
        bound = min((t for t in (until, end) if t is not None), default=None)
        try:
            m = c.hear(bound)
        except TimeoutError:
            return timed_out(todo, running, began, limit, answer)
        if m is None:
            return crashed(batch, todo, running, began, answer)
        if "start" in m:
            running, began = m["start"], time.time()
            until = time.monotonic() + limit if limit else None
        elif "result" in m:
            r = m["result"]
            r["worker"] = ID
            answer["results"].append(r)
            if r["id"] in todo:
                todo.remove(r["id"])
            running, until = None, None
        elif "late" in m:
            answer["late"].append(m["late"])
        elif "done" in m:
            return []


def ended_by(status, test, began, message, printed, answer):
    answer["results"].append({
        "id": test, "status": status, "start": began, "call": time.time() - began, "message": message,
        "output": printed, "worker": ID})


def timed_out(todo, running, began, limit, answer):
    _, printed = stop()
    test = running or todo[0]
    took = time.time() - began
    ended_by("timeout", test, began, "it had not ended after %.1f s" % took, printed, answer)
    if limit is None or took < limit:  # the invocation's own time is over: the others are not run by this one
        return []
    return [t for t in todo if t != test]


def crashed(batch, todo, running, began, answer):
    ended = child
    code, printed = stop()
    why = "signal %d (%s)" % (-code, signal.Signals(-code).name) if code < 0 else "exit status %d" % code
    if -code == signal.SIGKILL:
        why += memory(ended.peak)
    if running is None:
        if not answer["results"]:
            answer["broken"] = "the runner ended with %s before it ran a test\n%s" % (why, printed)
        return []
    ended_by("crash", running, began, "it ended its process: " + why, printed, answer)
    return [t for t in todo if t != running]


def memory(used):
    """Says so if a process that was killed had about all the memory there is."""
    limit = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0))
    if not limit or used < 0.7 * limit:
        return ""
    return ": out of memory, with %d of %d MB in use by this process alone (--memory gives more)" % (used, limit)


def finish(answer):
    if idle():
        time.sleep(0.3)  # so that the other calls reach those that have something to do
    end_session(answer)


def idle():
    """Nothing has been set up."""
    return child is None or not child.used or not child.alive()


def end_session(answer):
    """Has the child tear down what is still set up, and ends it."""
    if idle():
        return
    child.say({"finish": True})
    try:
        while (m := child.hear(time.monotonic() + 30)) is not None:
            if "late" in m:
                answer["late"].append(m["late"])
    except TimeoutError:
        pass
    stop()


def serve(folder):
    """The same for a machine without an engine: batches are lines of stdin, answers lines of stdout."""
    global LOCAL
    LOCAL = folder
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for line in sys.stdin:
            print(json.dumps(handler(json.loads(line))), flush=True)
    finally:
        if child:
            stop()


if __name__ == "__main__":
    serve(sys.argv[1])
