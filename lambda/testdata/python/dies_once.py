import os

mark = os.environ["MARK"].replace("/tmp", os.environ.get("TMPDIR", "/tmp"))
if not os.path.exists(mark):
    try:
        open(mark, "w").close()
    finally:
        os.kill(os.getpid(), 9)


def handler(event, context):
    return "alive"
