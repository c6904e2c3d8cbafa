// openid-client, over fetch; the server's facts are given, so that it discovers nothing.
import { ClientSecretBasic, Configuration, clientCredentialsGrant } from 'openid-client'
import { clientId, clientSecret, play, scope, tokenEndpoint } from './contestant.mjs'
import { versionOf } from './peer.js'

await play({
  name: 'openid-client',
  version: versionOf('openid-client'),
  fetching: () => {
    const server = { issuer: new URL(tokenEndpoint).origin, token_endpoint: tokenEndpoint }
    const config = new Configuration(server, clientId, undefined, ClientSecretBasic(clientSecret))
    return async () => (await clientCredentialsGrant(config, { scope })).access_token
  },
})
