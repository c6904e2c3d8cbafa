// Starts `oidc-provider` on https, strictly for the client-credentials grant, and describes it in one line of JSON
// on stdout (and in the file that is named as the first argument). Ends when its standard input is closed.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Provider, { errors } from 'oidc-provider'
import { makeCertificates, subjectOf } from './certificates.mjs'
import { resource } from './resource.mjs'
import { DETAILS, JWT_RESOURCE, makeRows, RESOURCE, SCOPE } from './rows.mjs'

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

function basic({ client_id, client_secret }) {
  const form = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  return `Basic ${Buffer.from(`${form(client_id)}:${form(client_secret)}`).toString('base64')}`
}

const folder = mkdtempSync(join(tmpdir(), 'tokenwell-oidc-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(0))

const certificates = makeCertificates(folder)
const { servers, port } = await listenOnLoopback({ ...certificates.server, ca: certificates.ca, requestCert: true, rejectUnauthorized: false })
const issuer = `https://localhost:${port}`
const rows = makeRows(certificates)
const registered = rows.filter((row) => !row.expect.error).map((row) => row.client)
const peer = (context) => context.socket.getPeerX509Certificate()
const signing = { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), kid: 'signing', alg: 'ES256', use: 'sig' }
const { d: _, ...verifying } = signing

const provider = new Provider(issuer, {
  clients: registered,
  clientAuthMethods: [...new Set(registered.map((client) => client.token_endpoint_auth_method))],
  enabledJWA: {
    clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
    dPoPSigningAlgValues: ['ES256', 'ES384', 'EdDSA'],
  },
  jwks: { keys: [signing] },
  scopes: [SCOPE],
  responseTypes: ['none'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
    introspection: { enabled: true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: (context) => peer(context)?.toString(),
      certificateAuthorized: (context) => context.socket.authorized,
      certificateSubjectMatches: (context, property, expected) =>
        property === 'tls_client_auth_subject_dn' && subjectOf(peer(context).toString()) === expected,
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_context, indicator) {
        if (indicator !== RESOURCE && indicator !== JWT_RESOURCE) throw new errors.InvalidTarget()
        const format = indicator === JWT_RESOURCE ? { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } } : {}
        return { scope: SCOPE, audience: indicator, ...format }
      },
    },
    revocation: { enabled: true },
    richAuthorizationRequests: {
      enabled: true,
      types: { [DETAILS[0].type]: { validate() {} } },
      authorizationDetailsForAccessToken: (context) => JSON.parse(context.oidc.params.authorization_details ?? '[]'),
      authorizationDetailsForIntrospection: (_context, token) => token.rar,
    },
  },
})
provider.on('server_error', (_context, error) => console.error(error))
const answers = provider.callback()
const resourceServer = resource(provider, { keys: [verifying] }, issuer)
for (const server of servers) server.on('request', (...of) => (of[0].url === '/resource' ? resourceServer(...of) : answers(...of)))

const caFile = certificates.caFile
const [basicClient, postClient] = registered
const { version } = JSON.parse(readFileSync(new URL('node_modules/oidc-provider/package.json', import.meta.url), 'utf8'))
const description = JSON.stringify({
  issuer,
  token_endpoint: `${issuer}/token`,
  introspection_endpoint: `${issuer}/token/introspection`,
  introspection_authorization: basic(basicClient),
  ca_file: caFile,
  client_id: basicClient.client_id,
  client_secret: basicClient.client_secret,
  post_client_id: postClient.client_id,
  post_client_secret: postClient.client_secret,
  scope: SCOPE,
  matrix: {
    server: `oidc-provider ${version}`,
    resource: `${issuer}/resource`,
    rows: rows.map(({ name, client, options, expect }) => ({
      name,
      options: { issuer, tls_ca_file: caFile, client_id: client.client_id, scope: SCOPE, ...options },
      expect: { ...expect, client_id: client.client_id },
    })),
  },
})
if (process.argv[2]) {
  writeFileSync(process.argv[2], description, { mode: 0o600 })
  chmodSync(process.argv[2], 0o600)
}
console.log(description)
process.stdin.resume().on('end', () => process.exit(0)).on('error', () => process.exit(0))
