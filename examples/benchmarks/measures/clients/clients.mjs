// Memory of many clients in Node: makes so many, with a scope and a token each, then as many again, and says what those took.
import { Client } from 'tokenwell'

const { TOKEN_ENDPOINT: tokenEndpoint, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, CA_FILE: tlsCaFile } = process.env
const kept = []

function make(count) {
  for (let end = kept.length + count; kept.length < end;) {
    const client = new Client({ tokenEndpoint, clientId, clientSecret, tlsCaFile, scope: `scope-${kept.length}` })
    client.tokenSync()
    kept.push(client)
  }
}

function resident() {
  globalThis.gc()
  return process.memoryUsage.rss()
}

const [warm, count] = process.argv.slice(2).map(Number)
make(warm)
const before = resident()
make(count)
console.log(JSON.stringify({ bytes: (resident() - before) / count }))
