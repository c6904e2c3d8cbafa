// Starts `oidc-provider` on https, strictly for the client-credentials grant, and describes it in one line of JSON
// on stdout (and in the file that is named as the first argument). Ends when its standard input is closed.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Provider from 'oidc-provider'

const SCOPE = 'api:read'

/** A private CA that lives as long as this process, and a certificate of it for this machine's loopback names. */
function makeCertificates(folder) {
  const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  writeFileSync(join(folder, 'leaf.ext'), [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
    'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1',
  ].join('\n'))
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Conformance test CA',
    '-addext', 'keyUsage=critical,keyCertSign')
  openssl('req', '-new', ...key, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=localhost')
  openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
    '-extfile', 'leaf.ext', '-out', 'leaf.pem')
  return { cert: readFileSync(join(folder, 'leaf.pem')), key: readFileSync(join(folder, 'leaf.key')) }
}

/** One port on both loopback addresses: `localhost` is ::1 first on many machines. */
async function listenOnLoopback(tls) {
  const servers = [createServer(tls)]
  servers[0].listen(0, '127.0.0.1')
  await once(servers[0], 'listening')
  const { port } = servers[0].address()
  const six = createServer(tls)
  six.listen(port, '::1')
  await once(six, 'listening').then(() => servers.push(six), (error) => {
    if (error.code !== 'EADDRNOTAVAIL' && error.code !== 'EAFNOSUPPORT') throw error
  })
  return { servers, port }
}

function client(name, method) {
  // Both hold what Basic authentication has to encode (RFC 6749 2.3.1): colon, percent, plus, space and more.
  return {
    client_id: `${name}:a+b%20c d/${randomBytes(4).toString('hex')}`,
    client_secret: `p:q%2B+ &=r/?${randomBytes(16).toString('base64')}`,
    token_endpoint_auth_method: method,
    introspection_endpoint_auth_method: method,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: SCOPE,
  }
}

function basic({ client_id, client_secret }) {
  const form = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return `Basic ${Buffer.from(`${form(client_id)}:${form(client_secret)}`).toString('base64')}`
}

const folder = mkdtempSync(join(tmpdir(), 'tokenwell-oidc-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(0))

const { servers, port } = await listenOnLoopback(makeCertificates(folder))
const issuer = `https://localhost:${port}`
const basicClient = client('basic', 'client_secret_basic')
const postClient = client('post', 'client_secret_post')
const provider = new Provider(issuer, {
  clients: [basicClient, postClient],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
  scopes: [SCOPE],
  responseTypes: ['none'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    resourceIndicators: { enabled: false },
  },
})
provider.on('server_error', (_context, error) => console.error(error))
for (const server of servers) server.on('request', provider.callback())

const description = JSON.stringify({
  issuer,
  token_endpoint: `${issuer}/token`,
  introspection_endpoint: `${issuer}/token/introspection`,
  introspection_authorization: basic(basicClient),
  ca_file: join(folder, 'ca.pem'),
  client_id: basicClient.client_id,
  client_secret: basicClient.client_secret,
  post_client_id: postClient.client_id,
  post_client_secret: postClient.client_secret,
  scope: SCOPE,
})
if (process.argv[2]) {
  writeFileSync(process.argv[2], description, { mode: 0o600 })
  chmodSync(process.argv[2], 0o600)
}
console.log(description)
process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0))
