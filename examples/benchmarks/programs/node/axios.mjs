// What guides show: axios. Node.js itself keeps the connection.
import axios from 'axios'
import { clientId, clientSecret, play, scope, tokenEndpoint } from './contestant.mjs'

async function fetchToken() {
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope })
  const answer = await axios.post(tokenEndpoint, form, { auth: { username: clientId, password: clientSecret } })
  return answer.data.access_token
}

await play({ name: 'axios', version: axios.VERSION, fetching: () => fetchToken })
