// The development server as tests of other programs use it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'tokenwell';
import { AuthorizationServer, advanceClock, panicInNextFlight } from 'tokenwell/testing';
import { startServer } from './support/server.mjs';

const server = await startServer();

test('the root realm: http, https, log and clocks', async () => {
  const client = new Client(server.options);
  const token = await client.token();
  assert.deepEqual((await server.log()).issued, [token]);
  const [{ method, path, form, authorization }] = await server.requests();
  assert.deepEqual([method, path, form], ['POST', '/token', { grant_type: 'client_credentials' }]);
  assert.match(authorization, /^Basic /);
  const https = new Client({ ...server.options, tokenEndpoint: server.httpsTokenEndpoint, tlsCaFile: server.caFile });
  assert.ok(await https.token());
  await server.advance(3601);
  assert.notEqual(await client.token(), token);
  advanceClock(3601);
  assert.equal(client.accessTokenSync().source, 'network');
});

test('a realm has a script of its own', async () => {
  const realm = await server.realm({ script: [{ status: 400, json: { error: 'invalid_scope' } }] });
  await assert.rejects(new Client(realm.options).token(), { name: 'ServerError', code: 'invalid_scope' });
  assert.equal((await realm.requests()).length, 1);
  await realm.close();
  await assert.rejects(realm.requests(), /the development server answered 404/);
});

test('F38 an armed panic is an internal_error', async () => {
  const realm = await server.realm();
  panicInNextFlight();
  await assert.rejects(new Client(realm.options).token(), { name: 'TokenwellError', code: 'internal_error' });
});

test('close ends the program; a second close is nothing', async () => {
  const mine = await AuthorizationServer.start();
  await mine.close();
  await (Symbol.asyncDispose ? mine[Symbol.asyncDispose]() : mine.close());
  await assert.rejects(fetch(mine.issuer));
});

test('a program that cannot be started', async () => {
  await assert.rejects(AuthorizationServer.start({ program: 'no-such-program' }), /no-such-program did not start: .*ENOENT.*TOKENWELL_DEV_SERVER/);
  await assert.rejects(AuthorizationServer.start({ program: 'false' }), /false did not start: exit code 1/);
});

test('a server that nobody closes ends with its process, and does not keep it alive', async () => {
  const program = `
    const { AuthorizationServer } = await import('tokenwell/testing');
    console.log((await AuthorizationServer.start()).issuer);`;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const [issuer] = await once(child.stdout, 'data');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  const isUp = () => fetch(String(issuer).trim()).then(() => true, () => false);
  for (let i = 0; (await isUp()) && i < 100; i++) await sleep(20);
  assert.ok(!(await isUp()));
});
