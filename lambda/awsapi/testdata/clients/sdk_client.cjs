// Drives the API with @aws-sdk/client-lambda as it is. Arguments: the endpoint, and a zip of the handler.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const lambda = require("@aws-sdk/client-lambda");

const [endpoint, zip] = process.argv.slice(2);
const client = new lambda.LambdaClient({ endpoint, region: "us-east-1", maxAttempts: 1 });
const name = "sdk-for-js";
const FunctionName = name;
const send = (command, input) => client.send(new lambda[command + "Command"](input));
const json = (bytes) => JSON.parse(Buffer.from(bytes).toString());

let sent = 0;
client.middlewareStack.add((next) => (args) => { sent++; return next(args); }, { step: "finalizeRequest" });

async function wait(waiter) {
  sent = 0;
  await lambda[waiter]({ client, maxWaitTime: 30 }, { FunctionName });
  assert.equal(sent, 1, waiter); // it would sleep before a second look
}

async function main() {
  const ZipFile = fs.readFileSync(zip);
  const created = await send("CreateFunction", { FunctionName, Runtime: "provided.al2023", Role: "arn:aws:iam::000000000000:role/r", Handler: "bootstrap", Code: { ZipFile }, Timeout: 20 });
  assert.equal(created.State, "Pending");
  await wait("waitUntilFunctionActiveV2");
  await wait("waitUntilFunctionExists");

  const out = await send("Invoke", { FunctionName, Payload: JSON.stringify({ a: 1 }), LogType: "Tail" });
  assert.deepEqual([out.StatusCode, out.ExecutedVersion, json(out.Payload)], [200, "$LATEST", { a: 1 }]);
  assert.match(Buffer.from(out.LogResult, "base64").toString(), /^START RequestId: .*REPORT RequestId/s);
  const failed = await send("Invoke", { FunctionName, Payload: JSON.stringify({ do: "fail", text: "no" }) });
  assert.deepEqual([failed.FunctionError, json(failed.Payload).errorType], ["Unhandled", "Boom"]);

  const stream = await send("InvokeWithResponseStream", { FunctionName, Payload: JSON.stringify({ do: "stream", text: "one " }) });
  let text = "", complete;
  for await (const event of stream.EventStream) {
    if (event.PayloadChunk) text += Buffer.from(event.PayloadChunk.Payload).toString();
    if (event.InvokeComplete) complete = event.InvokeComplete;
  }
  assert.equal(text, "one firstsecond");
  assert.ok(complete && !complete.ErrorCode);

  await send("UpdateFunctionCode", { FunctionName, ZipFile });
  await wait("waitUntilFunctionUpdatedV2");
  assert.equal((await send("PublishVersion", { FunctionName })).Version, "1");
  await send("CreateAlias", { FunctionName, Name: "live", FunctionVersion: "1" });
  assert.equal((await send("Invoke", { FunctionName: name + ":live" })).ExecutedVersion, "1");
  await send("PutFunctionConcurrency", { FunctionName, ReservedConcurrentExecutions: 0 });
  await assert.rejects(send("Invoke", { FunctionName }), (e) => e.name === "TooManyRequestsException" && e.Reason === "ReservedFunctionConcurrentInvocationLimitExceeded");
  await send("DeleteFunctionConcurrency", { FunctionName });

  const layer = await send("PublishLayerVersion", { LayerName: "js", Content: { ZipFile } });
  assert.equal(layer.Version, 1);
  await send("DeleteLayerVersion", { LayerName: "js", VersionNumber: 1 });
  const url = await send("CreateFunctionUrlConfig", { FunctionName, AuthType: "AWS_IAM" });
  assert.match(url.FunctionUrl, /^http:\/\/[a-z2-7]{32}\.lambda-url\.us-east-1\.localhost:\d+\/$/);
  await send("TagResource", { Resource: created.FunctionArn, Tags: { a: "b" } });
  assert.deepEqual((await send("ListTags", { Resource: created.FunctionArn })).Tags, { a: "b" });

  await send("DeleteFunction", { FunctionName });
  await assert.rejects(send("GetFunction", { FunctionName }), { name: "ResourceNotFoundException" });
}

main().then(() => client.destroy(), (e) => { console.error(e); process.exit(1); });
