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
      const child = require('child_process').spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      child.unref();
      console.log('child', child.pid);
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
