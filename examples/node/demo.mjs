// Asks for a token twice and prints, for each call, a line of JSON: where it came from and how long it took.
import { Client } from 'tokenwell'

const client = Client.fromEnv()
for (let call = 0; call < 2; call += 1) {
  const started = performance.now()
  const token = await client.accessToken()
  const seconds = (performance.now() - started) / 1000
  console.log(JSON.stringify({ call: 'await client.accessToken()', token: token.value.slice(0, 6), seconds, source: token.source }))
}
client.close()
