"""Stands in for a test binary when `go test` would run it: keeps it, and notes how it would have been run.

Arguments are the folder to keep it in, the binary, and its own.
"""
import hashlib, json, os, shutil, sys

to, binary = sys.argv[1], os.path.abspath(sys.argv[2])
name = os.path.basename(binary) + "-" + hashlib.sha256(os.getcwd().encode()).hexdigest()[:12]
shutil.copy(binary, os.path.join(to, name))
with open(os.path.join(to, name + ".json"), "w") as f:
    json.dump({"dir": os.getcwd(), "binary": name, "args": sys.argv[3:]}, f)
