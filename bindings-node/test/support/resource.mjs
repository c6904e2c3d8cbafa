// A resource server that asks for a bearer token and answers as its path says.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after } from 'node:test';

const CHALLENGES = {
  invalid: 'Bearer realm="error=\\"odd\\"", error="invalid_token", error_description="expired"',
  scope: 'Bearer error="insufficient_scope", scope="write"',
  bare: 'Bearer realm="api"',
  nonce: 'DPoP error="use_dpop_nonce"',
  bound: 'DPoP error="invalid_token", algs="ES256"',
  two: ['Basic realm="api"', 'Bearer error=invalid_token'],
};

/**
 * Paths: `/ok`; `/redirect?to=URL`; `/refuse/CHALLENGE` refuses the first token that it sees, `/refuse-all/CHALLENGE` each.
 */
export async function startResource() {
  const requests = [];
  let refused;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    let body = '';
    for await (const chunk of request) body += chunk;
    const { authorization } = request.headers;
    requests.push({ method: request.method, path: url.pathname, authorization, body, headers: request.headers });
    const [, what, challenge] = url.pathname.split('/');
    if (what === 'redirect') return response.writeHead(307, { location: url.searchParams.get('to') }).end('elsewhere');
    if (what === 'refuse') refused ??= authorization;
    if (what === 'refuse-all' || (what === 'refuse' && authorization === refused)) {
      const headers = challenge in CHALLENGES ? { 'www-authenticate': CHALLENGES[challenge], 'dpop-nonce': 'n' } : {};
      return response.writeHead(401, headers).end('refused');
    }
    response.end(`${request.method} ${body}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections?.();
    server.close();
  });
  const { port } = server.address();
  const reset = () => {
    requests.length = 0;
    refused = undefined;
  };
  return { requests, reset, port, origin: `http://127.0.0.1:${port}` };
}
