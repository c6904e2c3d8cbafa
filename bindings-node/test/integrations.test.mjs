// The HTTP clients that the user has already: fetch, undici and axios do the same.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { beforeEach, test } from 'node:test';
import axios, { AxiosError } from 'axios';
import { Client, ServerError, TransportError } from 'tokenwell';
import { attach } from 'tokenwell/axios';
import { interceptor } from 'tokenwell/undici';
import { Agent, interceptors, request } from 'undici';
import { startResource } from './support/resource.mjs';
import { startServer } from './support/server.mjs';

const server = await startServer();
const [resource, other] = await Promise.all([startResource(), startResource()]);
let realm;
let client;
beforeEach(async () => {
  realm = await server.realm();
  client = new Client(realm.options);
  resource.reset();
  other.reset();
});

const follow = { maxRedirections: 5 };
const undici = (dispatcher) => async (url, { method = 'GET', body, headers } = {}) => {
  const answer = await request(url, { method, body, headers, dispatcher: dispatcher() });
  return { status: answer.statusCode, text: await answer.body.text() };
};
const axiosWith = (config) => async (url, { method = 'GET', body, headers } = {}) => {
  const instance = attach(axios.create({ ...config, validateStatus: () => true }), client);
  const answer = await instance.request({ url, method, data: body, headers, responseType: 'text' });
  return { status: answer.status, text: answer.data };
};

/** Each sends a request of this client and gives `{status, text}`. */
const DOORS = {
  fetch: async (url, init) => {
    const answer = await client.fetch(url, { ...init, ...(init?.body instanceof Readable && { duplex: 'half' }) });
    return { status: answer.status, text: await answer.text() };
  },
  'undici, redirect inside': undici(() => new Agent().compose(interceptors.redirect(follow), interceptor(client))),
  'undici, redirect outside': undici(() => new Agent().compose(interceptor(client), interceptors.redirect(follow))),
  'undici, retry between': undici(() => new Agent().compose(interceptor(client), interceptors.retry(), interceptors.redirect(follow))),
  'axios, http': axiosWith({ adapter: 'http', proxy: false }),
  'axios, fetch': axiosWith({ adapter: 'fetch' }),
};

const tokens = () => resource.requests.map(({ authorization }) => authorization);

for (const [door, send] of Object.entries(DOORS)) {
  test(`${door}: the token is sent, in place of any other`, async () => {
    const headers = { authorization: 'Basic Zm9yOmdvdHRlbg==', 'x-mine': 'kept' };
    assert.deepEqual(await send(`${resource.origin}/ok`, { method: 'POST', body: 'text', headers }), { status: 200, text: 'POST text' });
    await send(`${resource.origin}/ok`);
    const authorization = client.authorizationSync();
    assert.deepEqual(tokens(), [authorization, authorization]);
    assert.equal(resource.requests[0].headers['x-mine'], 'kept');
    assert.equal((await realm.requests()).length, 1);
  });

  for (const challenge of ['invalid', 'bare', 'two', 'none']) {
    test(`${door}: a refused token is replaced, once [${challenge}]`, async () => {
      const answer = await send(`${resource.origin}/refuse/${challenge}`, { method: 'POST', body: 'again' });
      assert.deepEqual(answer, { status: 200, text: 'POST again' });
      const [first, second, ...more] = tokens();
      assert.notEqual(first, second);
      assert.equal(second, client.authorizationSync());
      assert.deepEqual(more, []);
      assert.equal((await realm.requests()).length, 2);
    });
  }

  test(`${door}: a resource that refuses every token is asked twice`, async () => {
    const answer = await send(`${resource.origin}/refuse-all/invalid`);
    assert.deepEqual(answer, { status: 401, text: 'refused' });
    assert.equal(tokens().length, 2);
  });

  test(`${door}: insufficient_scope is left alone`, async () => {
    const answer = await send(`${resource.origin}/refuse-all/scope`);
    assert.deepEqual(answer, { status: 401, text: 'refused' });
    assert.deepEqual(tokens(), [client.authorizationSync()]);
    assert.equal((await realm.requests()).length, 1);
  });

  test(`${door}: a stream is not sent again, but the token is given up`, async () => {
    const answer = await send(`${resource.origin}/refuse/invalid`, { method: 'POST', body: Readable.from([Buffer.from('once')]) });
    assert.deepEqual(answer, { status: 401, text: 'refused' });
    assert.deepEqual(resource.requests.map(({ body }) => body), ['once']);
    await send(`${resource.origin}/ok`);
    assert.equal(new Set(tokens()).size, 2);
  });

  test(`${door}: a redirect within the origin keeps the token`, async () => {
    const answer = await send(`${resource.origin}/redirect?to=/ok`);
    assert.deepEqual(answer, { status: 200, text: 'GET ' });
    assert.deepEqual(tokens(), Array(2).fill(client.authorizationSync()));
  });

  test(`${door}: a redirect to another origin goes without the token`, async () => {
    const back = encodeURIComponent(`${resource.origin}/ok`);
    const to = encodeURIComponent(`${other.origin}/redirect?to=${back}`);
    await send(`${resource.origin}/redirect?to=${to}`);
    assert.deepEqual(other.requests.map(({ path, authorization }) => [path, authorization]), [['/redirect', undefined]]);
    assert.equal((await send(`${resource.origin}/redirect?to=${other.origin}/refuse-all/invalid`)).status, 401);
    assert.ok(other.requests.every(({ authorization }) => authorization === undefined));
    // The fetch adapter of axios does not say where an answer came from.
    if (door !== 'axios, fetch') assert.equal((await realm.requests()).length, 1, 'another origin gave up the token');
  });

  test(`${door}: no request without a token`, async () => {
    await realm.script([{ status: 400, json: { error: 'invalid_client' }, times: -1 }]);
    await assert.rejects(send(`${resource.origin}/ok`), (error) => error instanceof ServerError && error.code === 'invalid_client');
    assert.deepEqual(tokens(), []);
  });
}

for (const [door, send] of Object.entries(DOORS)) {
  const atResource = async () => (await realm.requests()).filter(({ path }) => path.endsWith('/resource'));

  test(`S29 ${door}: a bound token goes with its proof`, async () => {
    realm = await server.realm({ dpop: 'required', dpop_nonce: true });
    client = new Client({ ...realm.options, dpop: true });
    for (const [url, init] of [['', {}], ['?a=b', { method: 'POST', body: 'text' }], ['', { method: 'PUT', body: 'text' }]]) {
      assert.equal((await send(`${realm.resource}${url}`, init)).status, 200);
    }
    const proofs = (await atResource()).map(({ headers }) => headers.dpop);
    assert.deepEqual([proofs.length, new Set(proofs).size], [3, 3]);
  });

  test(`S29 ${door}: the nonce of the resource is given, once`, async () => {
    realm = await server.realm({ dpop: 'required', dpop_nonce: true });
    client = new Client({ ...realm.options, tokenEndpoint: realm.httpsTokenEndpoint, tlsCaFile: realm.caFile, dpop: true });
    assert.equal((await send(realm.resource, { method: 'POST', body: 'text' })).status, 200);
    assert.equal((await send(realm.resource)).status, 200);
    assert.deepEqual((await atResource()).map(({ status, body }) => [status, body]), [[401, 'text'], [200, 'text'], [200, '']]);
    assert.equal(client.stats().invalidations, 0);
  });

  test(`S29 ${door}: a resource that is never content with a nonce is asked twice`, async () => {
    realm = await server.realm({ dpop: 'required' });
    client = new Client({ ...realm.options, dpop: true });
    assert.equal((await send(`${resource.origin}/refuse-all/nonce`)).status, 401);
    assert.equal(new Set(tokens()).size, 1);
    assert.equal(tokens().length, 2);
  });

  test(`S29 ${door}: a bound token that was refused is replaced, once`, async () => {
    realm = await server.realm({ dpop: 'required' });
    client = new Client({ ...realm.options, dpop: true });
    assert.equal((await send(`${resource.origin}/refuse/bound`, { method: 'POST', body: 'again' })).text, 'POST again');
    assert.equal(new Set(tokens()).size, 2);
    assert.equal((await realm.requests()).length, 2);
  });
}

test('S29 axios: each hop of a redirect has a proof of its own', async () => {
  realm = await server.realm({ dpop: 'required' });
  client = new Client({ ...realm.options, dpop: true });
  await attach(axios.create({ adapter: 'http', proxy: false }), client).get(`${resource.origin}/redirect?to=/ok`);
  const claims = resource.requests.map(({ headers }) => JSON.parse(Buffer.from(headers.dpop.split('.')[1], 'base64url')));
  assert.deepEqual(claims.map(({ htu }) => new URL(htu).pathname), ['/redirect', '/ok']);
});

test('fetch: a Request, with its own headers and body', async () => {
  const make = () => new Request(`${resource.origin}/ok`, { method: 'PUT', body: 'mine', headers: { 'x-mine': 'kept' } });
  assert.equal(await (await client.fetch(make())).text(), 'PUT mine');
  assert.equal(await (await client.fetch(make(), { method: 'PATCH' })).text(), 'PATCH mine');
  assert.deepEqual(resource.requests.map(({ headers }) => headers['x-mine']), ['kept', 'kept']);
  assert.equal(await (await client.fetch(new URL(`${resource.origin}/ok`))).text(), 'GET ');
});

test('fetch: the caller\'s signal ends the wait for a token', async () => {
  await realm.script([{ fault: 'hang' }]);
  const signal = AbortSignal.timeout(50);
  await assert.rejects(client.fetch(`${resource.origin}/ok`, { signal }), { name: 'TimeoutError' });
  await assert.rejects(client.fetch(`${resource.origin}/ok`, { signal }), { name: 'TimeoutError' });
  assert.deepEqual(tokens(), []);
});

test('the error of the token is what the caller gets', async () => {
  const nowhere = new Client({ ...realm.options, tokenEndpoint: realm.closedEndpoint });
  const isConnect = (error) => error instanceof TransportError && error.code === 'connect';
  await assert.rejects(nowhere.fetch(resource.origin), isConnect);
  await assert.rejects(request(resource.origin, { dispatcher: new Agent().compose(interceptor(nowhere)) }), isConnect);
  await assert.rejects(attach(axios.create(), nowhere).get(resource.origin), isConnect);
});

test('undici: headers in every form', async () => {
  const dispatcher = new Agent().compose(interceptor(client));
  const forms = [
    { 'x-mine': '1', Authorization: 'Basic x' },
    ['x-mine', '1', 'AUTHORIZATION', 'Basic x'],
    new Map([['x-mine', '1'], ['authorization', 'Basic x']]),
    new Headers({ 'x-mine': '1', authorization: 'Basic x' }),
  ];
  for (const headers of forms) await request(`${resource.origin}/ok`, { dispatcher, headers });
  assert.deepEqual(tokens(), Array(forms.length).fill(client.authorizationSync()));
  assert.ok(resource.requests.every(({ headers }) => headers['x-mine'] === '1'));
});

test('undici: as the dispatcher of fetch', async () => {
  const { fetch } = await import('undici');
  const dispatcher = new Agent().compose(interceptor(client));
  assert.equal(await (await fetch(`${resource.origin}/refuse/invalid`, { dispatcher })).text(), 'GET ');
  assert.equal(new Set(tokens()).size, 2);
});

test('axios: interceptors and transforms run once, errors are of this axios and show no token', async () => {
  const ran = [];
  const instance = attach(axios.create({ transformRequest: [(data) => (ran.push('transform'), JSON.stringify(data))] }), client);
  instance.interceptors.request.use((config) => (ran.push('request'), config));
  instance.interceptors.response.use(undefined, (error) => {
    ran.push('error');
    throw error;
  });
  const failure = await instance.post(`${resource.origin}/refuse-all/invalid`, { a: 1 }).catch((error) => error);
  assert.deepEqual(ran, ['request', 'transform', 'error']);
  assert.equal(tokens().length, 2);
  assert.deepEqual(resource.requests.map(({ body }) => body), Array(2).fill('{"a":1}'));
  assert.ok(failure instanceof AxiosError && failure.response.status === 401);
  assert.ok(!JSON.stringify(failure).includes(client.tokenSync()));
  assert.equal((await instance.get(`${resource.origin}/ok`, { responseType: 'json' })).config.url, `${resource.origin}/ok`);
});

test('axios: a subdomain is another origin', async () => {
  const lookup = (_host, _options, done) => done(null, '127.0.0.1', 4);
  const instance = attach(axios.create({ lookup, proxy: false }), client);
  let seen = 0;
  const beforeRedirect = () => seen++;
  const to = `http://sub.api.test:${other.port}/ok`;
  await instance.get(`http://api.test:${resource.port}/redirect?to=${to}`, { beforeRedirect });
  await instance.get(`http://api.test:${resource.port}/redirect?to=http://sub.api.test:${resource.port}/ok`, { beforeRedirect });
  assert.equal(seen, 2);
  assert.deepEqual(other.requests.map(({ authorization }) => authorization), [undefined]);
  assert.deepEqual(tokens(), [client.authorizationSync(), client.authorizationSync(), undefined]);
});

test('axios: an adapter of the caller, base URL and basic credentials', async () => {
  const adapter = async (config) => ({ data: `${config.headers.Authorization}`, status: 200, statusText: '', headers: {}, config });
  const instance = attach(axios.create({ adapter, baseURL: resource.origin, auth: { username: 'a', password: 'b' } }), client);
  assert.equal((await instance.get('/ok')).data, client.authorizationSync());
  assert.equal((await instance.get('/ok', { adapter: 'http', proxy: false })).data, 'GET ');
  assert.deepEqual(tokens(), [client.authorizationSync()]);
});
