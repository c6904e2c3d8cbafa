// The rows of the matrix (../matrix): for each way in, how the client is registered here and with which options it comes.
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { subjectOf } from './certificates.mjs'

export const SCOPE = 'api:read'
export const RESOURCE = 'https://api.example.com/orders'
export const JWT_RESOURCE = 'https://api.example.com/signed'
export const DETAILS = [{ type: 'payment', actions: ['initiate'], instructedAmount: { currency: 'EUR', amount: '1.50' } }]

const KEYS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  ES384: ['ec', { namedCurve: 'P-384' }],
  EdDSA: ['ed25519', {}],
}

export function register(name, method, more = {}) {
  return {
    // Both hold what Basic authentication has to encode (RFC 6749 2.3.1): colon, percent, plus, space and more.
    client_id: `${name}:a+b%20c d/${randomBytes(4).toString('hex')}`,
    ...(method.startsWith('client_secret') && { client_secret: `p:q%2B+ &=r/?${randomBytes(24).toString('base64')}` }),
    token_endpoint_auth_method: method,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: 'ES256',
    scope: SCOPE,
    ...more,
  }
}

function secretRow(method, more, { name = method, options = {}, expect = {} } = {}) {
  const client = register(name.replaceAll(' ', '-'), method, more)
  return { name, client, options: { client_secret: client.client_secret, token_endpoint_auth_method: method, ...options }, expect }
}

function keyRow(alg, more, { name = `private_key_jwt ${alg}`, options = {}, expect = {}, jwk = false } = {}) {
  const { privateKey, publicKey } = generateKeyPairSync(...KEYS[alg])
  const kid = randomBytes(6).toString('hex')
  const client = register(name.replaceAll(' ', '-'), 'private_key_jwt', {
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg }] },
    token_endpoint_auth_signing_alg: alg,
    ...more,
  })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const inline = jwk ? { private_key: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid, alg }) } : { private_key: pem, private_key_id: kid }
  return { name, client, options: { ...inline, token_endpoint_auth_signing_alg: alg, ...options }, expect }
}

function certificateRow(method, { cert, key }, more) {
  const client = register(method, method, { tls_client_certificate_bound_access_tokens: true, ...more })
  return {
    name: method,
    client,
    options: { token_endpoint_auth_method: method, tls_client_certificate: cert, tls_client_key: key },
    expect: { certificate: { cert, key } },
  }
}

export function makeRows({ client, selfSigned }) {
  const bound = { tls_client_certificate_bound_access_tokens: true }
  const certificate = { tls_client_certificate: client.cert, tls_client_key: client.key }
  const dpop = { dpop_bound_access_tokens: true }
  const rows = [
    secretRow('client_secret_basic'),
    secretRow('client_secret_post'),
    secretRow('client_secret_jwt'),
    ...Object.keys(KEYS).map((alg) => keyRow(alg)),
    keyRow('ES256', {}, { name: 'private_key_jwt JWK', jwk: true }),
    certificateRow('tls_client_auth', client, { tls_client_auth_subject_dn: subjectOf(client.cert) }),
    certificateRow('self_signed_tls_client_auth', selfSigned, { jwks: { keys: [certificateJwk(selfSigned.cert)] } }),
    secretRow('client_secret_basic', bound, { name: 'basic, bound to a certificate', options: certificate, expect: { certificate: client } }),
    ...['ES256', 'ES384', 'EdDSA'].map((alg) => secretRow('client_secret_basic', dpop, { name: `DPoP ${alg}`, options: { dpop: alg }, expect: { dpop: true } })),
    keyRow('PS256', dpop, { name: 'private_key_jwt with DPoP', options: { dpop: true }, expect: { dpop: true } }),
    secretRow('client_secret_basic', {}, { name: 'resource', options: { resource: [RESOURCE] }, expect: { audience: RESOURCE } }),
    secretRow('client_secret_basic', {}, { name: 'resource, a JWT', options: { resource: [JWT_RESOURCE] }, expect: { audience: JWT_RESOURCE, jwt: true } }),
    secretRow('client_secret_basic', { authorization_details_types: ['payment'] }, {
      name: 'authorization_details',
      options: { authorization_details: DETAILS, resource: [RESOURCE] },
      expect: { authorization_details: DETAILS, audience: RESOURCE },
    }),
  ]
  return [...rows, ...refusals(rows)]
}

/** What must fail: each takes a row that works and spoils one thing. */
function refusals(rows) {
  const row = (name) => rows.find((row) => row.name === name)
  const spoiled = (name, from, options, error = 'invalid_client') => ({ name, options: { ...row(from).options, ...options }, client: { client_id: row(from).client.client_id }, expect: { error } })
  const other = row('private_key_jwt RS256').options
  return [
    spoiled('refused: a wrong secret', 'client_secret_basic', { client_secret: 'not the secret that is registered' }),
    spoiled('refused: a key that is not registered', 'private_key_jwt PS256', { private_key: other.private_key }),
    spoiled('refused: another certificate', 'tls_client_auth', {
      tls_client_certificate: row('self_signed_tls_client_auth').options.tls_client_certificate,
      tls_client_key: row('self_signed_tls_client_auth').options.tls_client_key,
    }),
    spoiled('refused: a resource that is not known', 'resource', { resource: ['https://unknown.example.com/'] }, 'invalid_target'),
  ]
}

function certificateJwk(cert) {
  const { raw, publicKey } = new X509Certificate(cert)
  return { ...publicKey.export({ format: 'jwk' }), x5c: [raw.toString('base64')] }
}
