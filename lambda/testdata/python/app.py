import decimal
import json
import logging
import os
import sys
import time

log = logging.getLogger()
log.setLevel(logging.INFO)


def handler(event, context):
    do = event.get("do") if isinstance(event, dict) else None
    if do == "fail":
        raise ValueError("no such luck")
    if do == "exit":
        print("last words")
        sys.exit(event["status"])
    if do == "set":
        return {1, 2}
    if do == "text":
        return "é"
    if do == "decimal":
        return [decimal.Decimal("12345678901234567890"), decimal.Decimal("1.5"), 0.1]
    if do == "sleep":
        time.sleep(event["seconds"])
    if do == "print":
        print("printed")
        log.info("logged")
        sys.stdout.write("no newline")
    if do == "large":
        return "x" * event["size"]
    if do == "allocate":
        return len(bytearray(event["size"]))
    if do == "tmp":
        with open(os.path.join(os.environ.get("TMPDIR", "/tmp"), "f"), "w") as f:
            f.write("x")
        return os.environ.get("TMPDIR", "/tmp")
    if do == "kill":
        os.kill(os.getpid(), 9)
    if do == "left in tmp":
        return os.listdir(os.environ.get("TMPDIR", "/tmp"))
    if do == "spawn":
        import subprocess
        subprocess.Popen(["sleep", event["seconds"]])
    if do == "detach":
        import subprocess
        subprocess.Popen(["sleep", event["child"]], start_new_session=True)
        time.sleep(event["seconds"])
    if do == "odd name":
        raise type("Odd\r\nName", (Exception,), {})("odd")
    if do == "no words":
        raise type("NoWords", (Exception,), {"__str__": lambda self: 1 / 0})()
    if do == "surrogate":
        raise ValueError("\ud800")
    if do == "context":
        return {
            "id": context.aws_request_id,
            "name": context.function_name,
            "version": context.function_version,
            "memory": context.memory_limit_in_mb,
            "arn": context.invoked_function_arn,
            "group": context.log_group_name,
            "stream": context.log_stream_name,
            "left": context.get_remaining_time_in_millis(),
            "identity": context.identity.cognito_identity_id,
            "client": context.client_context and context.client_context.custom,
            "root": os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(),
        }
    return {"event": event, "pid": os.getpid()}


def post_garbage(event, context):
    """Says what the Runtime API answers to calls out of turn."""
    import http.client

    def call(method, path, body=None, headers={}):
        c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        c.request(method, path, body, headers)
        r = c.getresponse()
        text = r.read().decode()
        return [r.status, json.loads(text) if text.startswith("{") else text]

    base = "/2018-06-01/runtime/"
    return {
        "wrong id": call("POST", base + "invocation/00000000-0000-4000-8000-000000000000/response", "{}"),
        "next while running": call("GET", base + "invocation/next"),
        "init error while running": call("POST", base + "init/error", "{}"),
        "late extension": call("POST", "/2020-01-01/extension/register", "{}", {"Lambda-Extension-Name": "x"}),
        "unknown": call("GET", "/nonsense")[0],
        "ping": call("GET", "/2018-06-01/ping"),
    }


def answer_twice(event, context):
    """Answers by itself and lets the runtime answer again."""
    import http.client
    c = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    c.request("POST", "/2018-06-01/runtime/invocation/" + context.aws_request_id + "/response", '"first"')
    c.getresponse().read()
    return "second"


def streaming(event, context):
    """Answers in streaming mode, with trailers if asked for an error."""
    import base64
    import socket
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    s = socket.create_connection((host, int(port)))
    trailers = ""
    if event.get("fail"):
        body = base64.b64encode(b'{"errorMessage":"half-way","errorType":"StreamError"}').decode()
        trailers = "Lambda-Runtime-Function-Error-Type: StreamError\r\nLambda-Runtime-Function-Error-Body: " + body + "\r\n"
    s.sendall(("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
               "Lambda-Runtime-Function-Response-Mode: %s\r\nContent-Type: text/plain\r\n"
               "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
               "3\r\nabc\r\n3\r\ndef\r\n0\r\n%s\r\n" % (context.aws_request_id, event.get("mode", "streaming"), trailers)).encode())
    s.recv(1000)


def hostile(event, context):
    """Does to the Runtime API what no client should, and answers all the same."""
    import socket
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")

    def send(data, linger=False):
        s = socket.create_connection((host, int(port)))
        try:
            s.sendall(data)
            if linger:
                return s
            s.shutdown(socket.SHUT_WR)
            s.settimeout(5)
            return s.recv(64).split(b"\r\n")[0].decode()
        except OSError as e:
            return type(e).__name__

    post = "POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1\r\nHost: x\r\n"
    mine, other = context.aws_request_id, "00000000-0000-4000-8000-000000000000"
    hostile.held = [  # open until the process ends
        send(b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf", linger=True),
        send(b"GET /2018-06-01/runtime/invocation/next HT", linger=True),
    ]
    return {
        "garbage": send(os.urandom(4096) + b"\r\n\r\n"),
        "huge headers": send((post % (mine, "error")).encode() + b"X: " + b"x" * (3 << 20) + b"\r\n\r\n"),
        "another's id": send((post % (other, "response") + "Content-Length: 2\r\n\r\n{}").encode()),
        "half of another's": send((post % (other, "response") + "Content-Length: 2000\r\n\r\n{}").encode()),
        "chunks that are none": send((post % (other, "response") + "Transfer-Encoding: chunked\r\n\r\nzz\r\n").encode()),
        "id": event.get("ID"),
    }


def answer_and_die(event, context):
    """Answers by itself, and ends before it asks for more."""
    answer_twice(event, context)
    os._exit(6)


def half_an_answer(event, context):
    """Begins to answer, and neither goes on nor ends."""
    import socket
    import time
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    s = socket.create_connection((host, int(port)))
    s.sendall(("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf" % context.aws_request_id).encode())
    time.sleep(60)
