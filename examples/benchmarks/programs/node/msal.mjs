// @azure/msal-node at a server that is not Entra: its mode for OIDC; the server's facts are given, so that it discovers nothing.
import { ConfidentialClientApplication, ProtocolMode } from '@azure/msal-node'
import { clientId, clientSecret, play, scope, tokenEndpoint } from './contestant.mjs'
import { versionOf } from './peer.js'

function acquiring(skipCache) {
  const { origin, host } = new URL(tokenEndpoint)
  const facts = { issuer: origin, token_endpoint: tokenEndpoint, authorization_endpoint: `${origin}/authorize`, jwks_uri: `${origin}/jwks` }
  const application = new ConfidentialClientApplication({
    auth: { clientId, clientSecret, authority: origin, knownAuthorities: [host], authorityMetadata: JSON.stringify(facts) },
    system: { protocolMode: ProtocolMode.OIDC },
  })
  return async () => (await application.acquireTokenByClientCredential({ scopes: [scope], skipCache })).accessToken
}

await play({
  name: '@azure/msal-node',
  version: versionOf('@azure/msal-node'),
  keeping: () => acquiring(false),
  fetching: () => acquiring(true),
})
