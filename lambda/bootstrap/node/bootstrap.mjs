// Runs a Node.js handler on the Lambda Runtime API, as AWS's own runtime client does.
//
// A plain socket and a few lines of HTTP replace node:http: the socket must not keep the event loop
// alive while a handler runs, or "wait for the empty event loop" would wait for ever. The peer is
// Assay alone and always sends a Content-Length.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import util from 'node:util';

const env = process.env;
const api = env.AWS_LAMBDA_RUNTIME_API;
const taskRoot = env.LAMBDA_TASK_ROOT;

// ---- The Runtime API ----

const [host, port] = api.split(':');
const socket = net.connect({ host, port: Number(port), noDelay: true });
let chunks = [];
let have = 0; // bytes in chunks
let need = 0; // bytes that a look at them is worth waiting for
let skip = 0; // answers that nobody waits for
let answered = null; // resolves the one call that somebody waits for

socket.on('data', (chunk) => {
  chunks.push(chunk);
  have += chunk.length;
  if (have < need) return;
  let received = chunks.length === 1 ? chunk : Buffer.concat(chunks);
  need = 0;
  while (received.length > 0) {
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) break;
    const head = received.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    need = end + 4 + (length ? Number(length[1]) : 0);
    if (received.length < need) break;
    answer(head, received.toString('utf8', end + 4, need));
    received = received.subarray(need);
    need = 0;
  }
  chunks = received.length > 0 ? [received] : [];
  have = received.length;
});

function answer(head, body) {
  if (skip > 0) {
    skip--;
    return;
  }
  const [statusLine, ...fields] = head.split('\r\n');
  const headers = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    const value = field.slice(colon + 1).trim();
    headers[field.slice(0, colon).toLowerCase()] = /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString() : value;
  }
  const resolve = answered;
  answered = null;
  resolve({ status: Number(statusLine.slice(9, 12)), headers, body });
}

socket.on('error', () => process.exit(1)); // the engine has gone
socket.on('close', () => process.exit(1));

// inHeader makes a text fit for a header.
const inHeader = (text) => text.replace(/[\x00-\x1f\x7f]/g, '');

function request(method, url, body, errorType) {
  const type = errorType ? `Lambda-Runtime-Function-Error-Type: ${inHeader(errorType)}\r\n` : '';
  return `${method} /2018-06-01/runtime/${url} HTTP/1.1\r\nHost: ${api}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${type}\r\n${body}`;
}

// call makes one request. The process stays alive until it is answered.
function call(method, url, body = '', errorType = undefined) {
  socket.ref();
  return new Promise((resolve) => {
    answered = resolve;
    socket.write(request(method, url, body, errorType));
  });
}

const asking = request('GET', 'invocation/next', '');
const next = () => call('GET', 'invocation/next');

// post ends an invocation and asks for the next one in the same breath, whatever the answer to the first
// may be. It resolves with the next one.
function post(url, body, errorType) {
  socket.ref();
  skip++;
  return new Promise((resolve) => {
    answered = resolve;
    socket.write(request('POST', url, body, errorType) + asking);
  });
}

function fail(url, error, how = call.bind(null, 'POST')) {
  const known = asFields(error);
  return how(url, JSON.stringify(known), known.errorType);
}

// ---- Errors and logging ----

class RuntimeError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = `Runtime.${kind}`;
  }
}

function asFields(error) {
  try {
    if (util.types.isNativeError(error) || (error?.name && error.message && error.stack)) {
      return { errorType: String(error.name), errorMessage: error.message, trace: error.stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
  }
}

function logError(what, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const fields = { errorType: error.name, errorMessage: error.message, code: error.code, ...error, stack: error.stack?.split('\n') };
  let text;
  try {
    text = JSON.stringify(fields);
  } catch {
    text = JSON.stringify(asFields(error));
  }
  console.error(what, '\t' + text);
}

let requestId;
for (const [method, level] of Object.entries({ trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR' })) {
  console[method] = (...args) => {
    const line = `${new Date().toISOString()}\t${requestId}\t${level}\t${util.format(...args)}`;
    process.stdout.write(line.replace(/\n/g, '\r') + '\n');
  };
}

// ---- Finding the handler ----

// isModule tells whether .js files in a folder are ES modules, by the nearest package.json.
function isModule(folder) {
  if (folder.endsWith('/node_modules')) return false;
  const file = path.join(folder, 'package.json');
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file)).type === 'module';
    } catch {
      return false;
    }
  }
  return folder !== '/' && isModule(path.dirname(folder));
}

async function loadModule(root, name) {
  const file = path.resolve(taskRoot, root, name);
  const require = createRequire(file);
  if (path.extname(file) === '' && existsSync(file) && !existsSync(file + '.js')) return require(file);
  const esm = isModule(path.dirname(file));
  for (const extension of ['.js', '.mjs', '.cjs']) {
    if (!existsSync(file + extension)) continue;
    const load = extension === '.mjs' || (extension === '.js' && esm);
    return load ? import(pathToFileURL(file + extension)) : require(file + extension);
  }
  return require(require.resolve(name, { paths: [taskRoot, path.resolve(taskRoot, root)] }));
}

async function loadHandler(full) {
  if (full.includes('..')) {
    throw new RuntimeError('MalformedHandlerName', `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(full);
  const [, name, property] = base.match(/^([^.]*)\.(.*)$/) ?? [];
  if (property === undefined) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  let module;
  try {
    module = await loadModule(full.slice(0, full.length - base.length), name);
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(new RuntimeError('UserCodeSyntaxError', String(error)), { stack: error.stack });
    if (error?.code === 'MODULE_NOT_FOUND') throw Object.assign(new RuntimeError('ImportModuleError', String(error)), { stack: error.stack });
    throw error;
  }
  const handler = property.split('.').reduce((value, key) => value?.[key], module);
  if (!handler) throw new RuntimeError('HandlerNotFound', `${full} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', `${full} is not a function`);
  return handler;
}

// ---- Streaming ----

const streamingHandler = Symbol.for('aws.lambda.runtime.handler.streaming');
const highWaterMark = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

// ResponseStream is the body of one response. Each write goes out at once, as a chunk of HTTP; an error
// after the first one goes into the trailers.
class ResponseStream extends Writable {
  contentType = 'application/octet-stream';
  prelude = null; // goes before the first byte
  answer = null; // a promise, once the response has begun
  whole = false; // the last byte has been sent
  #url;

  constructor(url, options) {
    super(options);
    this.#url = url;
  }

  setContentType(type) {
    this.contentType = type;
  }

  #begin() {
    socket.ref();
    this.answer = new Promise((resolve) => { answered = resolve; });
    socket.write(`POST /2018-06-01/runtime/${this.#url} HTTP/1.1\r\nHost: ${api}\r\nContent-Type: ${inHeader(this.contentType)}\r\n` +
      'Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n');
    if (this.prelude !== null) this.#chunk(Buffer.concat([Buffer.from(JSON.stringify(this.prelude)), Buffer.alloc(8)]));
  }

  #chunk(bytes, done) {
    socket.cork();
    socket.write(bytes.length.toString(16) + '\r\n', 'latin1');
    socket.write(bytes);
    socket.write('\r\n', 'latin1', done);
    socket.uncork();
  }

  _write(bytes, encoding, done) {
    if (!this.answer) this.#begin();
    if (bytes.length === 0) return done(); // an empty chunk would be the end
    this.#chunk(bytes, done);
  }

  _final(done) {
    if (!this.answer) this.#begin();
    this.whole = true;
    socket.write('0\r\n\r\n');
    this.answer.then(() => done());
  }

  // abort ends a response that has begun with an error.
  abort(error) {
    const known = asFields(error);
    socket.write(`0\r\nLambda-Runtime-Function-Error-Type: ${inHeader(known.errorType)}\r\n` +
      `Lambda-Runtime-Function-Error-Body: ${Buffer.from(JSON.stringify(known)).toString('base64')}\r\n\r\n`);
    const answer = this.answer;
    this.answer = null;
    this.destroy();
    return answer;
  }
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[streamingHandler] = 'response';
    if (options?.highWaterMark !== undefined) handler[highWaterMark] = parseInt(options.highWaterMark, 10);
    return handler;
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      stream.prelude = prelude;
      return stream;
    },
  },
};

// invokeStreaming is invoke for a handler that writes its response itself.
let streaming = null; // the response under way
function invokeStreaming(handler, headers, body) {
  const url = `invocation/${requestId}/`;
  const mark = handler[highWaterMark];
  const stream = new ResponseStream(url + 'response', mark === undefined ? {} : { highWaterMark: mark });
  streaming = stream;
  return new Promise((finish) => {
    const ended = () => {
      streaming = whenEmpty = null;
      next().then(finish);
    };
    let failed = false;
    const reject = (error) => {
      if (failed || stream.whole) return;
      failed = true;
      logError('Invoke Error', error);
      (stream.answer ? stream.abort(error) : fail(url + 'error', error)).then(ended);
    };
    stream.on('error', reject);
    stream.on('finish', ended);
    whenEmpty = () => reject(new Error('Response stream is not finished.'));
    socket.unref();
    try {
      const result = handler(JSON.parse(body), stream, context(headers, {}));
      if (typeof result?.then !== 'function') return reject(new Error('Streaming does not support non-async handlers.'));
      result.then((value) => value !== undefined && console.warn('Streaming handlers ignore return values.'), reject);
    } catch (error) {
      reject(error);
    }
  });
}

// ---- Invocations ----

// whenEmpty is called once the event loop has nothing left to do.
let whenEmpty = null;
process.on('beforeExit', () => {
  const act = whenEmpty;
  whenEmpty = null;
  act?.();
});

function context(headers, own) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const json = (name) => headers[name] && JSON.parse(headers[name]);
  return Object.assign(own, {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: json('lambda-runtime-client-context'),
    identity: json('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
}

// invoke runs the handler once, posts its outcome, and resolves with the next invocation. The first
// outcome counts: a returned promise, a callback, context.succeed, fail and done, or nothing.
function invoke(handler, headers, body) {
  const url = `invocation/${requestId}/`;
  return new Promise((finish) => {
    let settled = false;
    const once = (act) => (...args) => {
      if (settled) return;
      settled = true;
      whenEmpty = null;
      act(...args);
    };
    const reject = (error) => {
      logError('Invoke Error', error);
      fail(url + 'error', error, post).then(finish);
    };
    const respond = (result) => {
      let text;
      try {
        text = JSON.stringify(result) ?? 'null';
      } catch {
        return reject(new Error('Unable to stringify response body'));
      }
      post(url + 'response', text).then(finish);
    };
    const failed = (error) => error !== undefined && error !== null;
    const done = once((error, result) => (failed(error) ? reject(error) : respond(result)));
    const own = {
      callbackWaitsForEmptyEventLoop: true,
      done,
      succeed: (result) => done(null, result),
      fail: (error) => done(error ?? 'handled'),
    };
    const callback = once((error, result) => {
      if (failed(error)) reject(error);
      else if (own.callbackWaitsForEmptyEventLoop) whenEmpty = () => respond(result);
      else respond(result);
    });

    whenEmpty = once(() => {
      if (handler.constructor.name !== 'AsyncFunction') return respond(null);
      reject(new RuntimeError('NodeJsExit', 'The Lambda runtime client detected an unexpected Node.js exit code. ' +
        'This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes'));
    });
    socket.unref();
    try {
      const result = handler(JSON.parse(body), context(headers, own), callback);
      if (typeof result?.then === 'function') result.then((value) => done(null, value), (error) => done(error ?? 'handled'));
    } catch (error) {
      callback(error ?? 'handled');
    }
  });
}

// ---- The loop ----

// crash reports an error that no handler caught, unless the one connection is taken, and exits.
let errorURL = 'init/error';
async function crash(what, error, status) {
  logError(what, error);
  if (streaming?.answer && !streaming.whole) await streaming.abort(error);
  else if (!answered) await fail(errorURL, error);
  process.exit(status);
}
process.on('uncaughtException', (error) => crash('Uncaught Exception', error, 129));
process.on('unhandledRejection', (reason) => {
  const error = Object.assign(new RuntimeError('UnhandledPromiseRejection', String(reason)), { reason });
  crash('Unhandled Promise Rejection', error, 128);
});

async function main() {
  const handler = await loadHandler(env._HANDLER).catch((error) => crash('Uncaught Exception', error, 129));
  for (let event = await next(); ;) {
    if (event.status !== 200) process.exit(1);
    const { headers, body } = event;
    requestId = headers['lambda-runtime-aws-request-id'];
    errorURL = `invocation/${requestId}/error`;
    env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
    event = await (handler[streamingHandler] ? invokeStreaming : invoke)(handler, headers, body);
  }
}

main();
