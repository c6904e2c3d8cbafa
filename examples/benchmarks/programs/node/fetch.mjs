// What guides show without a package: fetch. Node.js itself keeps the connection.
import { clientId, clientSecret, play, scope, tokenEndpoint } from './contestant.mjs'

async function fetchToken() {
  const answer = await fetch(tokenEndpoint, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  })
  return (await answer.json()).access_token
}

await play({ name: 'fetch of Node.js', version: process.versions.node, fetching: () => fetchToken })
