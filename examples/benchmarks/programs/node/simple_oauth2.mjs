// simple-oauth2: gives a token object, which the caller keeps or not.
import { ClientCredentials } from 'simple-oauth2'
import { clientId, clientSecret, play, scope, tokenEndpoint } from './contestant.mjs'
import { versionOf } from './peer.js'

await play({
  name: 'simple-oauth2',
  version: versionOf('simple-oauth2'),
  fetching: () => {
    const { origin, pathname } = new URL(tokenEndpoint)
    const client = new ClientCredentials({ client: { id: clientId, secret: clientSecret }, auth: { tokenHost: origin, tokenPath: pathname } })
    return async () => (await client.getToken({ scope })).token.access_token
  },
})
