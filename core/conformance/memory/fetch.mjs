// Holds tokens for a program that looks into this one's memory (../../../.ci/memory.py): the options are the first line of standard
// input; each further line moves the library's clock by so many seconds and asks for a token, whose value is never read (what else
// there is of it and of errors goes to standard error), or is `close`.
import { createInterface } from 'node:readline'
import { Client, TokenwellError } from '../../../bindings-node/index.mjs'
import { advanceClock } from '../../../bindings-node/testing.js'

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())

async function call(client) {
  try {
    console.error(client, await client.accessToken(), client.stats())
    return 'served'
  } catch (error) {
    if (!(error instanceof TokenwellError)) throw error
    console.error(error)
    return `${error.name} ${error.code}`
  }
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
console.log('ready')
const options = Object.entries(JSON.parse((await lines.next()).value))
let client = new Client(Object.fromEntries(options.map(([name, value]) => [camel(name), value])))
console.log('made')
for await (const line of lines) {
  if (line === 'close') {
    client.close()
    client = undefined
    gc()
    console.log('closed')
    continue
  }
  advanceClock(Number(line))
  const outcome = await call(client)
  gc() // a token lives until its object is collected
  console.log(outcome)
}
