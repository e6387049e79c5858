"""Lists what an interpreter has installed that a project's tests need, as JSON. Arguments are the runner's name and the project's folder.

What a project asks for is in its requirements*.txt and pyproject.toml. With that come what it needs in turn, the runner, and pytest's
plugins. A project that asks for nothing gets all there is.
"""
import glob, importlib.metadata, json, os, re, sys, sysconfig


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements):
    for text in requirements:
        found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text.strip())
        if found:
            yield plain(found.group())


def asked(project):
    for file in glob.glob(os.path.join(project, "requirements*.txt")) + glob.glob(os.path.join(project, "requirements", "*.txt")):
        with open(file, errors="replace") as f:
            yield from names(f)
    try:
        import tomllib
        with open(os.path.join(project, "pyproject.toml"), "rb") as f:
            told = tomllib.load(f)
    except (ImportError, OSError, ValueError):
        return
    about = told.get("project", {})
    yield from names(about.get("dependencies", []))
    for group in [*about.get("optional-dependencies", {}).values(), *told.get("dependency-groups", {}).values()]:
        yield from names(r for r in group if isinstance(r, str))
    poetry = told.get("tool", {}).get("poetry", {})
    for table in [poetry.get("dependencies", {}), *(g.get("dependencies", {}) for g in poetry.get("group", {}).values())]:
        yield from names(table)


def needed(roots, installed):
    chosen, waiting = set(), list(roots)
    while waiting:
        name = waiting.pop()
        if name in installed and name not in chosen:
            chosen.add(name)
            waiting.extend(names(installed[name].requires or []))
    return chosen


def main():
    runner, project = sys.argv[1:]
    paths = list(dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]))
    installed = {plain(d.metadata["Name"]): d for d in importlib.metadata.distributions(path=paths) if d.metadata["Name"]}
    roots = set(asked(project)) & set(installed)
    if roots:
        roots |= {runner} | {n for n, d in installed.items() if any(e.group == "pytest11" for e in d.entry_points)}
    chosen = needed(roots, installed) if roots else set(installed) - {"pip", "wheel"}
    files = {}
    for name in sorted(chosen):
        d = installed[name]
        for f in d.files or []:
            at = str(d.locate_file(f))
            if ".." not in f.parts and "__pycache__" not in f.parts and os.path.isfile(at):
                files[str(f)] = at
    print(json.dumps({
        "minor": sys.version_info[1], "platform": sysconfig.get_platform(), "files": files,
        "packages": ["%s %s" % (n, installed[n].version) for n in sorted(chosen)]}))


main()
