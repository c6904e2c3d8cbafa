// Tokenwell in Node, with promises.
import { createRequire } from 'node:module'
import { Client } from 'tokenwell'
import { caFile, clientId, clientSecret, play, scope, tokenEndpoint } from './contestant.mjs'

const client = (cache) => new Client({ tokenEndpoint, clientId, clientSecret, tlsCaFile: caFile, scope, cache })
const token = (cache) => {
  const its = client(cache)
  return () => its.token()
}
await play({
  name: 'Tokenwell, await',
  version: createRequire(import.meta.url)('tokenwell/package.json').version,
  keeping: () => token('memory'),
  fetching: () => token('none'),
})
