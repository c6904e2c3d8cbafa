// A token from a certified OpenID provider (npm's `oidc-provider`, started by `make test`), over https with a private CA.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { before, test } from 'node:test';
import { Client } from 'tokenwell';

let provider;
before(() => {
  const path = process.env.TOKENWELL_OIDC;
  assert.ok(path, 'TOKENWELL_OIDC is not set: these tests need a running oidc-provider; `make test` starts one (`make test ONLY=node`)');
  provider = JSON.parse(readFileSync(path, 'utf8'));
});

const options = (more) => ({
  tokenEndpoint: provider.token_endpoint,
  tlsCaFile: provider.ca_file,
  clientId: provider.client_id,
  clientSecret: provider.client_secret,
  ...more,
});

/** The provider's own word on a token (RFC 7662). */
async function introspect(token) {
  const asking = request(provider.introspection_endpoint, {
    method: 'POST',
    ca: readFileSync(provider.ca_file),
    headers: { authorization: provider.introspection_authorization, 'content-type': 'application/x-www-form-urlencoded' },
  });
  asking.end(new URLSearchParams({ token }).toString());
  const [answer] = await once(asking, 'response');
  return json(answer);
}

test('basic authentication gets an active token', async () => {
  const client = new Client(options({ scope: provider.scope }));
  const token = await client.accessToken();
  assert.equal(token.source, 'network');
  assert.equal(token.scope, provider.scope);
  assert.ok(token.expiresIn > 0);
  const answer = await introspect(token.value);
  assert.equal(answer.active, true);
  assert.equal(answer.client_id, provider.client_id);
  const again = client.accessTokenSync();
  assert.deepEqual([again.value, again.source], [token.value, 'memory']);
});

test('post authentication gets an active token', async () => {
  const { post_client_id: clientId, post_client_secret: clientSecret } = provider;
  const client = new Client(options({ clientId, clientSecret, tokenEndpointAuthMethod: 'client_secret_post' }));
  assert.equal((await introspect(client.tokenSync())).client_id, clientId);
});

test("a wrong secret is the server's invalid_client", async () => {
  const client = new Client(options({ clientSecret: 'wrong-secret' }));
  const refused = { name: 'ServerError', code: 'invalid_client', httpStatus: 401, retryable: false };
  await assert.rejects(client.token(), refused);
  assert.throws(() => client.tokenSync(), refused);
});

test('the private CA is trusted by this client alone', async () => {
  const client = new Client(options({ tlsCaFile: undefined }));
  await assert.rejects(client.token(), { name: 'TransportError', code: 'tls_unknown_issuer' });
});
