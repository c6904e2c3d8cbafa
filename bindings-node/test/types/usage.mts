// Compiled, not run: the declarations as an ES module sees them.
import axios from 'axios';
import tokenwell, {
  AccessToken,
  CacheError,
  Client,
  ConfigError,
  ResponseError,
  SecretError,
  ServerError,
  TokenwellError,
  TransportError,
  getTokenByClientIdAndClientSecret,
  type ClientOptions,
  type Stats,
  type TokenOptions,
} from 'tokenwell';
import { attach } from 'tokenwell/axios';
import { AuthorizationServer, advanceClock, panicInNextFlight } from 'tokenwell/testing';
import { interceptor } from 'tokenwell/undici';
import { Agent } from 'undici';

const options: ClientOptions = {
  tokenEndpoint: new URL('https://login.example/token'),
  clientId: 'me',
  clientSecret: 'secret',
  tokenEndpointAuthMethod: 'client_secret_post',
  basicEncoding: 'raw',
  scope: ['read', 'write'],
  audience: 'https://api.example',
  resource: ['https://api.example/v1'],
  extraParameters: { tenant_id: '7' },
  timeout: 2.5,
  cache: 'none',
};

using client = new Client(options);
const call: TokenOptions = { scope: 'read', minValid: 60 };
const token: string = await client.token(call);
const sync: string = client.tokenSync();
const whole: AccessToken = await client.accessToken();
const wholeSync: AccessToken = client.accessTokenSync(call);
const header: string[] = [await client.authorization(), client.authorizationSync()];
const expiry: [Date, number] = [whole.expiresAt, wholeSync.expiresIn];
const source: 'network' | 'memory' | 'file' | 'redis' = whole.source;
const scope: string | undefined = whole.scope;
const tenant: unknown = whole.extra['tenant'];
client.invalidate(whole);
client.invalidate(token);
const stats: Stats = client.stats();
const requests: number = stats.tokenRequests;
const answer: Response = await client.fetch('https://api.example', { method: 'POST', body: '{}' });
client.close();
Client.fromEnv();

const guide: string = await getTokenByClientIdAndClientSecret(undefined, null, 'https://login.example/token');
const classes: (typeof TokenwellError)[] = [ConfigError, SecretError, TransportError, ServerError, ResponseError, CacheError];

try {
  await client.token();
} catch (error) {
  if (error instanceof tokenwell.ServerError && error.code === 'invalid_client') {
    const status: number | undefined = error.httpStatus;
    const wait: number = error.retryAfter ?? 0;
    const words: string | undefined = error.errorDescription ?? error.hint;
    console.log(status, wait, words, error.retryable);
  }
}

const agent = new Agent().compose(interceptor(client));
const instance = attach(axios.create(), client);
await using server = await AuthorizationServer.start();
const realm = await server.realm({ script: [{ status: 503 }] });
new Client({ ...realm.options, scope: (await realm.requests()).map((request) => request.path) });
await server.advance(3600);
advanceClock(1);
panicInNextFlight();

// @ts-expect-error: an option in the spelling of the core
new Client({ token_endpoint: 'https://login.example/token', client_id: 'me' });
new Client({ issuer: 'https://login.example', clientId: 'me', clientSecret: { file: '/run/secrets/me' } });
// @ts-expect-error: no client id
new Client({ tokenEndpoint: 'https://login.example/token' });
// @ts-expect-error: a token comes from a client
new AccessToken();
// @ts-expect-error: what was issued does not change
whole.value = 'other';

export { token, sync, header, expiry, source, scope, tenant, requests, answer, guide, classes, agent, instance };
