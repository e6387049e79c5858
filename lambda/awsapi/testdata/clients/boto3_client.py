"""Drives the API with boto3 as it is. Arguments: the endpoint, and a zip of the handler."""
import base64
import hashlib
import json
import sys
import urllib.error
import urllib.request

import boto3

endpoint, zip_path = sys.argv[1:3]
code = open(zip_path, "rb").read()
client = boto3.client("lambda", endpoint_url=endpoint, region_name="us-east-1")
name, role = "boto3", "arn:aws:iam::000000000000:role/r"

sent = []
client.meta.events.register("before-send.lambda", lambda request, **_: sent.append(request.url) and None)


def equal(got, want):
    assert got == want, f"{got!r}, want {want!r}"


def wait(waiter):
    """A waiter must be content with its first look: it would sleep for seconds before the next."""
    del sent[:]
    client.get_waiter(waiter).wait(FunctionName=name)
    equal(len(sent), 1)


def invoke(payload, **more):
    out = client.invoke(FunctionName=name, Payload=json.dumps(payload), **more)
    return out, out["Payload"].read()


created = client.create_function(FunctionName=name, Runtime="provided.al2023", Role=role, Handler="bootstrap", Code={"ZipFile": code}, Timeout=20, Tags={"team": "a"})
equal(created["State"], "Pending")
for waiter in ("function_exists", "function_active", "function_active_v2"):
    wait(waiter)
sha = base64.b64encode(hashlib.sha256(code).digest()).decode()
equal(created["CodeSha256"], sha)

# Invocations: answers, errors, logs, kinds.
out, body = invoke({"a": 1}, LogType="Tail")
equal((out["StatusCode"], out["ExecutedVersion"], json.loads(body)), (200, "$LATEST", {"a": 1}))
log = base64.b64decode(out["LogResult"]).decode()
assert log.startswith("START RequestId: " + out["ResponseMetadata"]["RequestId"]) and "REPORT RequestId" in log, log
out, body = invoke({"do": "fail", "text": "no"})
equal((out["FunctionError"], json.loads(body)), ("Unhandled", {"errorMessage": "no", "errorType": "Boom"}))
out, body = invoke({"do": "context"}, ClientContext=base64.b64encode(b'{"custom": {"k": "v"}}').decode())
context = json.loads(body)
equal(context["id"], out["ResponseMetadata"]["RequestId"])
equal(json.loads(context["client"]), {"custom": {"k": "v"}})
equal(invoke({}, InvocationType="DryRun")[0]["StatusCode"], 204)
equal(invoke({}, InvocationType="Event")[0]["StatusCode"], 202)
stream = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps({"do": "stream", "text": "one "}), LogType="Tail")
events = list(stream["EventStream"])
equal(b"".join(e["PayloadChunk"]["Payload"] for e in events[:-1]), b"one firstsecond")
assert "REPORT" in base64.b64decode(events[-1]["InvokeComplete"]["LogResult"]).decode(), events[-1]
stream = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps({"do": "break", "text": ""}))
events = list(stream["EventStream"])
equal(events[-1]["InvokeComplete"]["ErrorCode"], "Broken")

# Code: another version of it, and where it can be had.
got = client.get_function(FunctionName=name)
equal(got["Tags"], {"team": "a"})
equal(urllib.request.urlopen(got["Code"]["Location"]).read(), code)
try:
    urllib.request.urlopen(got["Code"]["Location"].replace("Signature=", "Signature=0"))
    raise AssertionError("a link with another signature works")
except urllib.error.HTTPError as e:
    equal(e.code, 403)
client.update_function_code(FunctionName=name, ZipFile=code)
wait("function_updated")
wait("function_updated_v2")
client.update_function_configuration(FunctionName=name, Environment={"Variables": {"COLOUR": "blue"}})
wait("function_updated_v2")

# Versions and aliases.
equal(client.publish_version(FunctionName=name)["Version"], "1")
client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1")
client.update_function_configuration(FunctionName=name, Description="two")
equal(client.publish_version(FunctionName=name)["Version"], "2")
client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
out, body = invoke({"do": "context"}, Qualifier="live")
equal((out["ExecutedVersion"], json.loads(body)["version"]), ("1", "1"))
client.update_alias(FunctionName=name, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
equal(invoke({}, Qualifier="live")[0]["ExecutedVersion"], "2")
pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name, PaginationConfig={"PageSize": 1})
equal([v["Version"] for p in pages for v in p["Versions"]], ["$LATEST", "1", "2"])

# Concurrency: none at all throttles.
client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
try:
    invoke({})
    raise AssertionError("not throttled")
except client.exceptions.TooManyRequestsException as e:
    equal(e.response["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded")
client.delete_function_concurrency(FunctionName=name)

# A function URL, with a policy that makes it public.
url = client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
host = url.split("//")[1].rstrip("/")


def browse(path, data=None):
    return urllib.request.urlopen(urllib.request.Request(endpoint + path, data, {"Host": host, "Content-Type": "application/json"}))


try:
    browse("/a?b=c")
    raise AssertionError("a URL without a policy is public")
except urllib.error.HTTPError as e:
    equal(e.code, 403)
client.add_permission(FunctionName=name, StatementId="public", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE")
event = json.loads(browse("/a%2Fb?b=c").read())
equal((event["rawPath"], event["queryStringParameters"], event["requestContext"]["accountId"]), ("/a%2Fb", {"b": "c"}, "anonymous"))
answer = browse("/", json.dumps({"do": "return", "return": {"statusCode": 201, "body": "made", "cookies": ["a=b"]}}).encode())
equal((answer.status, answer.read(), answer.headers["Set-Cookie"]), (201, b"made", "a=b"))

# Layers, tags, settings.
layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": code})
equal(client.get_layer_version(LayerName="l", VersionNumber=1)["Content"]["CodeSha256"], sha)
equal(client.get_layer_version_by_arn(Arn=layer["LayerVersionArn"])["Version"], 1)
equal([x["LayerName"] for p in client.get_paginator("list_layers").paginate() for x in p["Layers"]], ["l"])
client.update_function_configuration(FunctionName=name, Layers=[layer["LayerVersionArn"]])
arn = created["FunctionArn"]
client.tag_resource(Resource=arn, Tags={"stage": "b"})
client.untag_resource(Resource=arn, TagKeys=["team"])
equal(client.list_tags(Resource=arn)["Tags"], {"stage": "b"})
client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
equal(client.get_function_event_invoke_config(FunctionName=name)["MaximumRetryAttempts"], 0)
mapping = client.create_event_source_mapping(FunctionName=name, EventSourceArn="arn:aws:sqs:us-east-1:000000000000:q")
client.delete_event_source_mapping(UUID=mapping["UUID"])
equal(client.get_account_settings()["AccountUsage"]["FunctionCount"], 1)

client.delete_function(FunctionName=name)
try:
    client.get_function(FunctionName=name)
    raise AssertionError("it is still there")
except client.exceptions.ResourceNotFoundException as e:
    equal(e.response["Error"]["Message"], f"Function not found: {arn}")
client.delete_layer_version(LayerName="l", VersionNumber=1)
