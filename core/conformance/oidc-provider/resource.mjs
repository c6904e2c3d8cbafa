// A resource of the provider: says what it knows of the token that a request came with, after checking that the sender may
// use it (RFC 6750, 8705, 9449). It checks with `jose` and node alone.
import { createHash, X509Certificate } from 'node:crypto'
import { calculateJwkThumbprint, createLocalJWKSet, EmbeddedJWK, jwtVerify } from 'jose'

const hash = (data) => createHash('sha256').update(data).digest('base64url')
const seen = new Set()

async function checkProof(request, url, token, thumbprint) {
  const { payload, protectedHeader } = await jwtVerify(request.headers.dpop, EmbeddedJWK, { typ: 'dpop+jwt', maxTokenAge: 60, clockTolerance: 5 })
  const wrong = {
    'htm is not the method': payload.htm !== request.method,
    'htu is not the URL': payload.htu !== url,
    'ath is not the hash of the token': payload.ath !== hash(token),
    'jti was used before': seen.has(payload.jti),
    'the token belongs to another key': (await calculateJwkThumbprint(protectedHeader.jwk)) !== thumbprint,
  }
  seen.add(payload.jti)
  const found = Object.keys(wrong).filter((name) => wrong[name])
  if (found.length) throw new Error(found.join(', '))
}

/** What the provider knows of a token: its own record, or the content of a JWT that it signed. */
async function lookUp(provider, token, keys, issuer) {
  if (token.split('.').length === 3) {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), { issuer, typ: 'at+jwt' })
    return payload
  }
  const found = await provider.ClientCredentials.find(token)
  if (!found) return undefined
  const { clientId: client_id, scope, aud, rar: authorization_details, jkt, 'x5t#S256': x5t } = found
  return { client_id, scope, aud, authorization_details, cnf: jkt ? { jkt } : x5t ? { 'x5t#S256': x5t } : undefined }
}

export function resource(provider, keys, issuer) {
  const url = `${issuer}/resource`
  return async (request, response) => {
    const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    try {
      const [scheme, token] = (request.headers.authorization ?? '').split(' ')
      const known = token && (await lookUp(provider, token, keys, issuer))
      if (!known) return answer(401, { error: 'invalid_token' })
      if (scheme !== (known.cnf?.jkt ? 'DPoP' : 'Bearer')) throw new Error(`the scheme ${scheme} is not that of the token`)
      if (known.cnf?.jkt) await checkProof(request, url, token, known.cnf.jkt)
      if (known.cnf?.['x5t#S256']) {
        const { raw } = request.socket.getPeerCertificate()
        if (!raw || hash(new X509Certificate(raw).raw) !== known.cnf['x5t#S256']) throw new Error('the token belongs to another certificate')
      }
      answer(200, known)
    } catch (error) {
      answer(401, { error: 'invalid_token', error_description: error.message })
    }
  }
}
