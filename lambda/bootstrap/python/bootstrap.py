"""Runs a Python handler on the Lambda Runtime API, as AWS's own runtime client does.

A plain socket and a few lines of HTTP replace http.client, which takes longer to import than a
trivial function takes to start. The peer is Assay alone and always sends a Content-Length.
"""

import decimal
import importlib
import json
import logging
import os
import re
import socket
import sys
import time
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
BASE = "/2018-06-01/runtime/"
# AWS sends characters beyond ASCII as they are since Python 3.12, and escaped before.
ENSURE_ASCII = sys.version_info < (3, 12)
CONTROL = re.compile("[\\x00-\\x1f\\x7f]")


class Fault(Exception):
    """A failure named by the runtime, not by the function."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.trace = list(trace)


class RuntimeAPI:
    def __init__(self, address):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def request(self, method, path, body=b"", content_type="application/json", error_type=None):
        head = "%s %s%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nContent-Type: %s\r\n" % (
            method, BASE, path, API, len(body), content_type)
        if error_type:
            head += "Lambda-Runtime-Function-Error-Type: %s\r\n" % CONTROL.sub("", error_type)
        return head.encode() + b"\r\n" + body

    def answer(self):
        status = self.reader.readline().split(b" ")
        if len(status) < 2:
            sys.exit(1)  # the engine has gone
        headers = {}
        while True:
            line = self.reader.readline().rstrip(b"\r\n")
            if not line:
                break
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode()
        return int(status[1]), headers, self.reader.read(int(headers.get("content-length", 0)))

    def next(self, before=b""):
        """The next event. A request before it is sent in the same breath, whatever its answer may be."""
        self.socket.sendall(before + self.request("GET", "invocation/next"))
        if before:
            self.answer()
        status, headers, body = self.answer()
        if status != 200:
            sys.exit(1)
        return headers, body

    def failure(self, path, error):
        # A lone surrogate has no UTF-8, but backslashreplace makes JSON's own escape of it.
        body = json.dumps(error, ensure_ascii=ENSURE_ASCII).encode(errors="backslashreplace")
        return self.request("POST", path, body, error_type=error["errorType"])


class Record:
    """An object with the given fields; a field that is not known is None."""

    def __init__(self, fields, values):
        for field in fields:
            setattr(self, field, values.get(field))


class LambdaContext:
    def __init__(self, headers):
        environ = os.environ.get
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.function_name = environ("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = environ("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = environ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = environ("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._deadline = int(headers["lambda-runtime-deadline-ms"])

        identity = json.loads(headers.get("lambda-runtime-cognito-identity") or "{}")
        self.identity = Record((), {})
        self.identity.cognito_identity_id = identity.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = identity.get("cognitoIdentityPoolId")
        self.client_context = client_context(headers.get("lambda-runtime-client-context"))

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def client_context(text):
    if not text:
        return None
    try:
        values = json.loads(text)
    except ValueError as e:
        raise Fault("LambdaContextUnmarshalError", "Unable to parse Client Context JSON: %s" % e)
    context = Record(("custom", "env", "client"), values)
    if context.client is not None:
        context.client = Record(
            ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"), context.client)
    return context


def load(handler):
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % handler)
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as e:
        raise Fault("ImportModuleError", "Unable to import module '%s': %s" % (module_name, e))
    except SyntaxError as e:
        where = '  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)
        raise Fault("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, e), [where])
    try:
        return getattr(module, name)
    except AttributeError:
        raise Fault("HandlerNotFound", "Handler '%s' missing on module '%s'" % (name, module_name))


def jsonable(value):
    """Decimals go out as numbers: whole ones exactly, others as the nearest float."""
    if isinstance(value, decimal.Decimal):
        if value.is_finite() and value == value.to_integral_value():
            return int(value)
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def marshal(result):
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return json.dumps(result, default=jsonable, ensure_ascii=ENSURE_ASCII).encode(), "application/json"
    except Exception as e:
        raise Fault("MarshalError", "Unable to marshal response: %s" % e)


def unmarshal(body, content_type):
    if content_type != "application/json":
        return body
    try:
        return json.loads(body.decode())
    except ValueError as e:
        raise Fault("UnmarshalError", "Unable to unmarshal input: %s" % e)


def describe(error, request_id=""):
    """The error as JSON fields. Frames of this file are left out."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace
    else:
        frames = traceback.extract_tb(error.__traceback__)
        while frames and frames[0].filename == __file__:
            del frames[0]
        kind, trace = type(error).__name__, traceback.format_list(frames)
    try:
        message = str(error)
    except Exception:
        message = "<exception str() failed>"  # as in Python's own tracebacks
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def log_error(error):
    """One line, its parts set apart by carriage returns and indented by no-break spaces, as on AWS."""
    lines = ["[ERROR] %s: %s" % (error["errorType"], error["errorMessage"]), "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        for line in entry.splitlines():
            text = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    print("\r".join(lines))


class LogHandler(logging.Handler):
    request_id = ""

    def emit(self, record):
        record.aws_request_id = LogHandler.request_id
        sys.stdout.write(self.format(record))


def set_up_logging():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    formatter = logging.Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = LogHandler()
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)


def serve(api, handler, headers, body):
    """Runs the handler on an event, and returns the request that tells what came of it."""
    request_id = LogHandler.request_id = headers["lambda-runtime-aws-request-id"]
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
    try:
        event = unmarshal(body, headers.get("content-type", "application/json"))
        result, content_type = marshal(handler(event, LambdaContext(headers)))
    except Exception as e:
        error = describe(e, request_id)
        log_error(error)
        sys.stdout.flush()
        return api.failure("invocation/%s/error" % request_id, error)
    sys.stdout.flush()
    return api.request("POST", "invocation/%s/response" % request_id, result, content_type)


def main():
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.dont_write_bytecode = True  # the code's folder is not the function's to change
    set_up_logging()
    api = RuntimeAPI(API)
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as e:
        error = describe(e)
        log_error(error)
        api.socket.sendall(api.failure("init/error", error))
        api.answer()
        sys.exit(1)
    headers, body = api.next()
    while True:
        headers, body = api.next(serve(api, handler, headers, body))


main()
