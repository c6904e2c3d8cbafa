// Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
// clock by so many seconds, and is answered with a line of JSON before: the calls served so far, those that failed, and how many
// of these were early: a token was valid. Ends with the input.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'tokenwell'
import { advanceClock } from 'tokenwell/testing'

const client = Client.fromEnv()
const counts = { served: 0, failed: 0, early: 0 }
// Seconds that the library's clock has been moved, and when the last token ends on it.
let ahead = 0
let end = 0
const clock = () => performance.now() / 1000 + ahead

async function call() {
  for (;;) {
    const began = clock()
    try {
      const token = await client.accessToken()
      counts.served++
      end = Math.max(end, began + token.expiresIn)
    } catch {
      counts.failed++
      if (clock() < end) counts.early++
    }
    await sleep(100)
  }
}

for (let caller = 0; caller < Number(process.env.CALLERS ?? 200); caller++) call()
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(counts))
  ahead += Number(line)
  advanceClock(Number(line))
}
process.exit()
