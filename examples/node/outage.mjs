// Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
// clock by so many seconds, and is answered with a line of JSON before: the calls served and failed so far. Ends with the input.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'tokenwell'
import { advanceClock } from 'tokenwell/testing'

const client = Client.fromEnv()
const counts = { served: 0, failed: 0 }

async function call() {
  for (;;) {
    await client.token().then(() => counts.served++, () => counts.failed++)
    await sleep(100)
  }
}

for (let caller = 0; caller < Number(process.env.CALLERS ?? 200); caller++) call()
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(counts))
  advanceClock(Number(line))
}
process.exit()
