exports.handler = async (event, context) => {
  switch (event.do) {
    case 'fail': throw new TypeError('no such luck');
    case 'fail with a string': throw 'just a string';
    case 'name': throw Object.assign(new Error('odd'), { name: event.name });
    case 'exit': process.exit(event.status);
    case 'circular': { const o = {}; o.o = o; return o; }
    case 'undefined': return undefined;
    case 'never': return new Promise(() => {});
    case 'uncaught': setTimeout(() => { throw new RangeError('later'); }, 1); await new Promise((r) => setTimeout(r, 1000)); return;
    case 'rejection': Promise.reject(new Error('nobody cares')); await new Promise((r) => setTimeout(r, 1000)); return;
    case 'print': console.log('printed', { a: 1 }); console.error('two\nlines'); return 'ok';
    case 'detach': {
      const child = require('child_process').spawn('sleep', [event.child], { detached: true, stdio: 'ignore' });
      child.unref();
      await new Promise((r) => setTimeout(r, event.seconds * 1000));
      return 'ok';
    }
    case 'large': return 'x'.repeat(event.size);
    case 'length': return event.text.length;
    case 'context': return {
      id: context.awsRequestId, name: context.functionName, version: context.functionVersion,
      memory: context.memoryLimitInMB, arn: context.invokedFunctionArn, group: context.logGroupName,
      stream: context.logStreamName, left: context.getRemainingTimeInMillis(), client: context.clientContext?.custom,
      root: process.env.LAMBDA_TASK_ROOT === process.cwd(),
    };
  }
  return { event, pid: process.pid };
};

exports.callback = (event, context, callback) => {
  globalThis.later = false;
  setTimeout(() => { globalThis.later = true; }, 50);
  if (event.do === 'now') context.callbackWaitsForEmptyEventLoop = false;
  if (event.do === 'fail') return callback(new Error('called back'));
  callback(null, { get later() { return globalThis.later === true; } });
};

exports.nothing = () => {};
exports.succeed = (event, context) => context.succeed('succeeded');
exports.nested = { deep: { handler: async () => 'deep' } };
exports.notAFunction = 42;

exports.stream = awslambda.streamifyResponse(async (event, stream, context) => {
  switch (event.do) {
    case 'http':
      stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-id': context.awsRequestId } });
      break;
    case 'type': stream.setContentType('text/event-stream'); break;
    case 'early': throw new TypeError('before the first byte');
    case 'never': return;
    case 'nothing': stream.end(); return;
    case 'large': {
      const part = Buffer.alloc(1 << 20);
      for (let i = 0; i < event.size; i++) if (!stream.write(part)) await new Promise((r) => stream.once('drain', r));
      stream.end();
      return;
    }
    case 'endless': {
      const part = Buffer.alloc(1 << 16);
      for (;;) if (!stream.write(part)) await new Promise((r) => stream.once('drain', r));
    }
  }
  stream.write('one');
  await new Promise((r) => setTimeout(r, 20));
  if (event.do === 'late') throw new RangeError('half-way');
  if (event.do === 'uncaught') { setTimeout(() => { throw new RangeError('uncaught'); }, 1); await new Promise((r) => setTimeout(r, 1000)); }
  if (event.do === 'exit') process.exit(5);
  if (event.do === 'sleep') await new Promise((r) => setTimeout(r, 60000));
  while (event.do === 'step' && !require('fs').existsSync(event.file)) await new Promise((r) => setTimeout(r, 1));
  stream.write('two');
  stream.end('three');
});
exports.notAsync = awslambda.streamifyResponse((event, stream) => { stream.write('one'); });
exports.echo = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('application/json');
  stream.write('{"ID":');
  await new Promise((r) => setTimeout(r, event.Sleep ?? 0));
  stream.end(event.ID + '}');
});
