// The command line of the package, and the development server in it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'tokenwell';
import { AuthorizationServer } from 'tokenwell/testing';
import { startServer } from './support/server.mjs';

const server = await startServer();
const { bin } = createRequire(import.meta.url)('../package.json');
const program = fileURLToPath(new URL(`../${bin.tokenwell}`, import.meta.url));

/** Starts a command as the realm's client. */
function start(realm, ...args) {
  const env = {
    ...process.env,
    TOKENWELL_TOKEN_ENDPOINT: realm.tokenEndpoint,
    TOKENWELL_CLIENT_ID: realm.clientId,
    TOKENWELL_CLIENT_SECRET: realm.clientSecret,
  };
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const done = { out: '', errors: '' };
  child.stdout.on('data', (text) => (done.out += text));
  child.stderr.on('data', (text) => (done.errors += text));
  const ended = once(child, 'close').then(([code, signal]) => ({ ...done, code, signal }));
  return { child, done, ended };
}

async function until(condition) {
  for (let i = 0; i < 500 && !(await condition()); i++) await sleep(10);
  assert.ok(await condition());
}

test('a token alone on standard output', async () => {
  const realm = await server.realm();
  const { out, errors, code } = await start(realm, 'token').ended;
  assert.deepEqual([code, errors, out], [0, '', `${(await realm.log()).issued[0]}\n`]);
});

test('the exit code and the error of the tree', async () => {
  const { out, errors, code } = await start(await server.realm(), 'token', '--client-id', 'nobody', '--json').ended;
  assert.deepEqual([code, out], [5, '']);
  const { error } = JSON.parse(errors);
  assert.deepEqual([error.kind, error.code], ['ServerError', 'invalid_client']);
});

test('Ctrl-C ends a command at once', async () => {
  const realm = await server.realm({ script: [{ fault: 'hang' }] });
  const { child, ended } = start(realm, 'token');
  await until(async () => (await realm.log()).inFlight);
  const sent = performance.now();
  child.kill('SIGINT');
  assert.equal((await ended).signal, 'SIGINT');
  assert.ok(performance.now() - sent < 1000);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} ends the development server, which takes its files away`, async () => {
    const { child, done, ended } = start(server, 'serve', '--no-stdin');
    await until(() => done.out.includes('\n'));
    const { ca_file } = JSON.parse(done.out);
    assert.ok(existsSync(ca_file));
    child.kill(signal);
    assert.equal((await ended).code, 0);
    assert.ok(!existsSync(ca_file));
  });
}

test('without a program the package serves', async (t) => {
  const { TOKENWELL_DEV_SERVER, PATH } = process.env;
  t.after(() => Object.assign(process.env, { TOKENWELL_DEV_SERVER, PATH }));
  Object.assign(process.env, { TOKENWELL_DEV_SERVER: '', PATH: '/nowhere' });
  const mine = await AuthorizationServer.start();
  const token = await new Client(mine.options).token();
  assert.deepEqual((await mine.log()).issued, [token]);
  await mine.close();
});
