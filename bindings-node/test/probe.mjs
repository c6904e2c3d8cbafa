// The probe of the matrix in Node.js: see README.md.
import { createInterface } from 'node:readline'
import { Client, TokenwellError } from 'tokenwell'

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
const options = (given) => Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name), value]))

let client
async function obey({ new: given, call, method, url, token }) {
  if (given) {
    client = new Client(options(given))
    return {}
  }
  return { result: (call === 'dpop_proof' ? await client.dpopProof(method, url, token) : await client[call]()) ?? null }
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await obey(JSON.parse(line)).catch((error) => {
    if (!(error instanceof TokenwellError)) throw error
    return { error: error.code, message: error.message }
  })
  console.log(JSON.stringify(answer))
}
