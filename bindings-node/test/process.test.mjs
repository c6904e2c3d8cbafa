// The life of the process: its end, and its threads.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client } from 'tokenwell';
import { run, startWorker } from './support/process.mjs';
import { startServer } from './support/server.mjs';

const server = await startServer();
const HANG = { script: [{ fault: 'hang', times: -1 }] };

let realm;
beforeEach(async () => {
  realm = await server.realm();
});

test('an idle client does not keep the process alive', async () => {
  const { code, out, took } = await run(realm.options, `console.log((await client.token()).length); console.log('MARK')`);
  assert.equal(code, 0);
  assert.match(out, /^\d+\n$/);
  assert.ok(took < 500, `${took} ms`);
});

test('a promise under way keeps it alive', async () => {
  await realm.script([{ issue: {}, delay: 0.5 }]);
  const { code, out } = await run(realm.options, `client.token().then((token) => console.log(token.length))`);
  assert.equal(code, 0);
  assert.match(out, /^\d+\n$/);
});

test('F27 process.exit during a fetch ends it at once', async () => {
  const hung = await server.realm(HANG);
  const body = `client.token(); setTimeout(() => process.stdout.write('MARK\\n', () => process.exit(3)), 200)`;
  const { code, signal, errors, took } = await run(hung.options, body);
  assert.deepEqual({ code, signal, errors }, { code: 3, signal: null, errors: '' });
  assert.ok(took < 500, `${took} ms`);
});

test('F27 an uncaught error during a fetch ends it at once', async () => {
  const hung = await server.realm(HANG);
  const body = `client.token(); setTimeout(() => process.stdout.write('MARK\\n', () => { throw new Error('mine') }), 200)`;
  const { code, errors, took } = await run(hung.options, body);
  assert.equal(code, 1);
  assert.match(errors, /Error: mine/);
  assert.ok(took < 500, `${took} ms`);
});

test('F27 a signal ends a sync call', async () => {
  const hung = await server.realm(HANG);
  const body = `setTimeout(() => process.stdout.write('MARK\\n', () => client.tokenSync())); setTimeout(() => {}, 100)`;
  const program = run(hung.options, `${body}; import('node:child_process').then(({ spawn }) =>
    spawn('sh', ['-c', 'sleep 0.7; kill -INT ' + process.pid], { stdio: 'ignore' }));`);
  const { signal, took } = await program;
  assert.equal(signal, 'SIGINT');
  assert.ok(took < 2000, `${took} ms`);
});

test('workers share the tokens of the process', async () => {
  const client = new Client(realm.options);
  const token = await client.token();
  const workers = Array.from({ length: 4 }, () => startWorker(realm.options, 'return [await client.token(), client.tokenSync(), client.stats()]'));
  for (const worker of workers) worker.postMessage('');
  const answers = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  for (const [promised, sync, stats] of answers) {
    assert.equal(promised, token);
    assert.equal(sync, token);
    assert.equal(stats.tokenRequests, 0);
  }
  assert.equal((await realm.requests()).length, 1);
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.equal(await client.token(), token);
});

test('a copy of the package that nobody uses any more goes, as one of each test file of Jest', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const copy = async () => {
    // One for each: it holds what it has loaded.
    const load = createRequire(import.meta.url);
    const copied = load('tokenwell');
    await new copied.Client(realm.options).token({ scope: 'of a copy' });
    const ours = Object.keys(load.cache).filter((path) => load.cache[path].exports === copied || path.endsWith('native.js'));
    for (const path of ours) delete load.cache[path];
    return new WeakRef(copied);
  };
  // The first is that of this file.
  await copy();
  const gone = await copy();
  for (let turn = 0; turn < 50 && gone.deref(); turn++) {
    await sleep(10);
    collect();
  }
  assert.equal(gone.deref(), undefined);
});

for (const [mode, call] of [['promise', 'await client.token()'], ['sync', 'client.tokenSync()']]) {
  test(`F27 a worker is ended during a fetch [${mode}]`, async () => {
    await realm.script([{ issue: {}, delay: 1 }]);
    const worker = startWorker(realm.options, `return ${call}`);
    await once(worker, 'online');
    worker.postMessage('');
    while ((await realm.log()).inFlight === 0) await sleep(5);
    const started = performance.now();
    await worker.terminate();
    assert.ok(performance.now() - started < 500, `${performance.now() - started} ms`);
    // The flight belongs to the process: its token is there for the others.
    assert.ok(await new Client(realm.options).token());
    assert.equal((await realm.requests()).length, 1);
  });

  test(`F27 process.exit while a worker fetches [${mode}]`, async () => {
    const hung = await server.realm(HANG);
    const program = `
      const { Client } = require('tokenwell');
      const client = new Client(${JSON.stringify(hung.options)});
      (async () => ${call})();`;
    const body = `
      const { Worker } = await import('node:worker_threads');
      new Worker(${JSON.stringify(program)}, { eval: true, execArgv: [] });
      setTimeout(() => process.stdout.write('MARK\\n', () => process.exit(3)), 500)`;
    const { code, errors, took } = await run(hung.options, body);
    assert.deepEqual({ code, errors }, { code: 3, errors: '' });
    assert.ok(took < 500, `${took} ms`);
  });
}

test('the module can be loaded twice in one thread', async () => {
  const { out, errors } = await run(realm.options, `
    const { createRequire } = await import('node:module');
    const require = createRequire(process.cwd() + '/test/');
    const first = require('tokenwell');
    for (const name of Object.keys(require.cache)) delete require.cache[name];
    const second = require('tokenwell');
    const [one, two] = [first, second].map(({ Client }) => new Client(${JSON.stringify(realm.options)}));
    console.log(first === second, (await one.token()) === two.tokenSync());
    const fetching = [first, second].map(({ Client }) => new Client(${JSON.stringify({ ...realm.options, cache: 'none' })}));
    console.log((await Promise.all(fetching.map((client) => client.token()))).map((token) => typeof token).join());`);
  assert.equal(errors, '');
  assert.equal(out, 'false true\nstring,string\n');
});

test('handles are given back', async () => {
  const { out, errors } = await run(realm.options, `
    await client.token();
    const round = async () => {
      for (let i = 0; i < 5_000; i++) { await client.token({ minValid: 1 }); client.accessTokenSync({ minValid: 1 }); }
      await new Promise((done) => setTimeout(done, 20));
      globalThis.gc?.();
      return process.memoryUsage().rss / 2 ** 20;
    };
    await round(); await round();
    const before = await round();
    await round(); await round();
    console.log((await round()) - before < 30)`);
  assert.equal(errors, '');
  assert.equal(out, 'true\n');
});

test('clients are given back', async () => {
  const { out, errors } = await run(realm.options, `
    (await import('node:v8')).setFlagsFromString('--expose-gc');
    const gc = (await import('node:vm')).runInNewContext('gc');
    const round = async () => {
      for (let i = 0; i < 20_000; i++) new Client(${JSON.stringify(realm.options)});
      gc();
      await new Promise((done) => setTimeout(done, 20));
      return process.memoryUsage.rss() / 2 ** 20;
    };
    await round(); await round();
    const before = await round();
    await round(); await round();
    console.log((await round()) - before < 30)`);
  assert.equal(errors, '');
  assert.equal(out, 'true\n');
});
