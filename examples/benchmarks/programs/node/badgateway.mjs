// @badgateway/oauth2-client, over fetch; its OAuth2Fetch keeps the token.
import { OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client'
import { clientId, clientSecret, play, scope, tokenEndpoint } from './contestant.mjs'
import { versionOf } from './peer.js'

const client = () => new OAuth2Client({ server: new URL(tokenEndpoint).origin, tokenEndpoint, clientId, clientSecret })

await play({
  name: '@badgateway/oauth2-client',
  version: versionOf('@badgateway/oauth2-client'),
  keeping: () => {
    const its = client()
    const kept = new OAuth2Fetch({ client: its, getNewToken: () => its.clientCredentials({ scope: [scope] }), scheduleRefresh: false })
    return () => kept.getAccessToken()
  },
  fetching: () => {
    const its = client()
    return async () => (await its.clientCredentials({ scope: [scope] })).accessToken
  },
})
