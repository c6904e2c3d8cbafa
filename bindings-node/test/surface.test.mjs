// What is particular to JavaScript: classes, options, errors, and what is printed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeEach, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import tokenwell, * as names from 'tokenwell';
import { startServer } from './support/server.mjs';

const { AccessToken, Client, ConfigError, ServerError, TokenwellError, getTokenByClientIdAndClientSecret } = tokenwell;
const require = createRequire(import.meta.url);
const server = await startServer();
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

let realm;
beforeEach(async () => {
  realm = await server.realm();
});

test('require and import give the same classes', () => {
  const { default: same, ...exported } = names;
  assert.equal(same, require('tokenwell'));
  assert.deepEqual(exported, { ...require('tokenwell') });
  assert.deepEqual(Object.keys(require('tokenwell/undici')), ['interceptor']);
  assert.deepEqual(Object.keys(require('tokenwell/axios')), ['attach']);
});

test('the promise, the sync call and the whole token agree', async () => {
  const client = new Client(realm.options);
  const token = await client.token();
  assert.equal(client.tokenSync(), token);
  assert.equal(await client.authorization(), `Bearer ${token}`);
  assert.equal(client.authorizationSync(), `Bearer ${token}`);
  assert.equal(client.accessTokenSync(), await client.accessToken());
  assert.equal(client.accessTokenSync({ minValid: 1 }).value, token);
  assert.equal(client.stats().tokenRequests, 1);
  assert.equal((await realm.requests()).length, 1);
});

for (const end of ['invalidate', 'revokeSync', 'close']) {
  test(`${end}: a token that is given up is not held`, async () => {
    const client = new Client({ ...realm.options, revocationEndpoint: realm.revocationEndpoint });
    await client.token();
    const held = new WeakRef(client.accessTokenSync());
    await turn();
    gc();
    assert.equal(held.deref()?.value, client.tokenSync());
    await turn();
    client[end](client.tokenSync());
    gc();
    assert.equal(held.deref(), undefined);
  });
}

test('an access token is read-only', async () => {
  const token = await new Client(realm.options).accessToken();
  assert.equal(token.tokenType, 'Bearer');
  assert.equal(token.source, 'network');
  assert.equal(token.scope, undefined);
  assert.ok(token.expiresAt instanceof Date);
  assert.ok(Math.abs(token.expiresAt - Date.now() - token.expiresIn * 1000) < 2000);
  token.expiresAt.setTime(0);
  assert.ok(token.expiresAt > new Date());
  assert.throws(() => (token.value = 'other'), TypeError);
  assert.throws(() => (token.extra.tenant = 'other'), TypeError);
  assert.throws(() => new AccessToken(), TypeError);
});

test('S30 what is printed or serialized shows neither token nor secret', async () => {
  await realm.script([{ issue: { tenant: 'canary-in-extra' } }]);
  const client = new Client(realm.options);
  const token = await client.accessToken();
  assert.equal(token.extra.tenant, 'canary-in-extra');
  const shown = [token, client, { client, token }, { ...token }, Object.entries(token), new Map([[client, token]])]
    .flatMap((thing) => [inspect(thing, { depth: 9, showHidden: true, getters: false }), JSON.stringify(thing), String(thing)])
    .concat(`${token}`, inspect(token, { depth: -1 }), inspect(structuredClone({ ...token })))
    .join('\n');
  for (const secret of [token.value, realm.clientSecret, 'canary-in-extra']) assert.ok(!shown.includes(secret), shown);
  assert.match(inspect(token), /^AccessToken \{\s+tokenType: 'Bearer',/);
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(token))), ['tokenType', 'expiresAt', 'expiresIn', 'source']);
});

test('errors are classes of one tree', async () => {
  const wrong = new Client({ ...realm.options, clientSecret: 'wrong-secret' });
  const failure = await wrong.token().catch((error) => error);
  assert.ok(failure instanceof ServerError && failure instanceof TokenwellError && failure instanceof Error);
  assert.equal(failure.name, 'ServerError');
  assert.equal(failure.code, 'invalid_client');
  assert.equal(failure.httpStatus, 401);
  assert.equal(failure.retryable, false);
  assert.ok(failure.retryAfter > 0 && failure.retryAfter <= 30);
  assert.match(String(failure), /^ServerError: /);
  assert.match(failure.stack, /surface\.test\.mjs/);
  assert.ok(!inspect(failure).includes('wrong-secret'));
  assert.throws(() => wrong.tokenSync(), { name: 'ServerError', code: 'invalid_client', message: failure.message });
  for (const name of ['ConfigError', 'SecretError', 'TransportError', 'ServerError', 'ResponseError', 'CacheError']) {
    const error = new tokenwell[name]('text', { code: 'some_code', hint: 'do this' });
    assert.ok(error instanceof TokenwellError);
    assert.deepEqual({ ...error }, { code: 'some_code', retryable: false, hint: 'do this' });
    assert.equal(`${error}`, `${name}: text`);
  }
});

test('a promise rejects where a sync call throws', async () => {
  const client = new Client(realm.options);
  for (const method of ['token', 'accessToken', 'authorization']) {
    const refused = { name: 'ConfigError', code: 'option_unknown', message: /`min_valide`.*`min_valid`/ };
    await assert.rejects(client[method]({ minValide: 1 }), refused);
    assert.throws(() => client[`${method}Sync`]({ minValide: 1 }), refused);
  }
  await assert.rejects(getTokenByClientIdAndClientSecret('id', 'secret', 'http://example.com/token'), {
    name: 'ConfigError',
    code: 'insecure_endpoint',
  });
  assert.throws(() => client.invalidate(5), TypeError);
});

test('only the names at the top are turned into the names of the schema', async () => {
  const client = new Client({
    tokenEndpoint: new URL(realm.tokenEndpoint),
    clientId: realm.clientId,
    clientSecret: realm.clientSecret,
    scope: undefined,
    extraParameters: { tenantId: '7', tenant_id: '8' },
  });
  await client.token();
  const [{ form }] = await realm.requests();
  assert.equal(form.tenantId, '7');
  assert.equal(form.tenant_id, '8');
  assert.equal(form.scope, undefined);
});

test('what JSON would drop or change is refused', () => {
  const circular = {};
  circular.circular = circular;
  for (const odd of [() => 'x', Symbol('x'), 5n, NaN, -Infinity, circular, [() => 'x']]) {
    assert.throws(() => new Client({ ...realm.options, scope: odd }), { name: 'ConfigError', code: 'option_invalid' });
  }
  for (const odd of [null, 'options', 5, 5n, [], () => {}]) {
    assert.throws(() => new Client(odd), { name: 'ConfigError', code: 'option_invalid' });
  }
  assert.throws(() => new Client(), { name: 'ConfigError', code: 'option_missing' });
  assert.throws(() => new Client({ ...realm.options, clientId: '\ud800' }), ConfigError);
  assert.throws(() => new Client({ ...realm.options, clientid: 'x' }), /did you mean `client_id`/);
});

test("an option under the schema's name, and under both", async () => {
  const { clientSecret, ...others } = realm.options;
  await new Client({ ...others, client_secret: clientSecret, clientSecret: undefined }).token();
  const twice = { ...realm.options, client_secret: 'another' };
  assert.throws(() => new Client(twice), { name: 'ConfigError', code: 'option_conflict', message: /name something twice/ });
});

test('what is declared is what the core has', () => {
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const declared = (name) => {
    const [, body] = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8').match(new RegExp(`interface ${name} {(.*?)\\n}`, 's'));
    return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, option]) => snake(option));
  };
  const all = declared('TokenOptions').join(', ');
  assert.throws(() => new Client(realm.options).tokenSync({ '#': 1 }), (error) => error.message.endsWith(all));
  const stats = Object.keys(new Client(realm.options).stats()).map(snake);
  assert.deepEqual(declared('Stats'), stats);
});

test('a change of the options afterwards changes nothing', async () => {
  const options = { ...realm.options, extraParameters: { a: '1' } };
  const client = new Client(options);
  options.clientId = 'other';
  options.extraParameters.a = '2';
  await client.token();
  assert.equal((await realm.requests())[0].form.a, '1');
});

test("the guide's function", async () => {
  const { clientId, clientSecret, tokenEndpoint } = realm;
  const token = await getTokenByClientIdAndClientSecret(clientId, clientSecret, tokenEndpoint);
  process.env.TOKENWELL_CLIENT_SECRET = clientSecret;
  process.env.TOKENWELL_TOKEN_ENDPOINT = tokenEndpoint;
  try {
    assert.equal(await getTokenByClientIdAndClientSecret(clientId), token);
    assert.equal(await getTokenByClientIdAndClientSecret(clientId, null, undefined), token);
    process.env.TOKENWELL_CLIENT_ID = clientId;
    assert.equal(await getTokenByClientIdAndClientSecret(), token);
    assert.equal(Client.fromEnv().tokenSync(), token);
  } finally {
    for (const name of ['ID', 'SECRET']) delete process.env[`TOKENWELL_CLIENT_${name}`];
    delete process.env.TOKENWELL_TOKEN_ENDPOINT;
  }
  assert.equal((await realm.requests()).length, 1);
  await assert.rejects(getTokenByClientIdAndClientSecret(), { name: 'ConfigError', code: 'option_missing' });
  await assert.rejects(getTokenByClientIdAndClientSecret(5), { name: 'ConfigError', code: 'option_invalid' });
});

test('a new token takes the place of the kept one', async () => {
  const client = new Client(realm.options);
  const [first, whole] = [client.tokenSync(), client.accessTokenSync()];
  client.invalidate(whole);
  const second = await client.token();
  assert.notEqual(second, first);
  assert.equal(client.tokenSync(), second);
  await realm.advance(3601);
  assert.equal(whole.expiresIn, 0);
  const third = client.tokenSync();
  assert.ok(![first, second].includes(third));
  assert.equal(await client.token(), third);
});

test('a subclass, and the end of a block', async () => {
  class Mine extends Client {}
  const client = new Mine(realm.options);
  assert.ok(client instanceof Mine);
  await client.token();
  if (Symbol.dispose) client[Symbol.dispose]();
  client.close();
  await assert.rejects(client.token(), { name: 'ConfigError', code: 'client_closed' });
  assert.throws(() => client.tokenSync(), { code: 'client_closed' });
});

test('F22 ten thousand cold callers are one request', async () => {
  const client = new Client(realm.options);
  const tokens = await Promise.all(Array.from({ length: 10_000 }, () => client.token()));
  assert.equal(new Set(tokens).size, 1);
  assert.equal((await realm.requests()).length, 1);
});
