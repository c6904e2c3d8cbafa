// Runs the collection with newman. The credential comes from the environment and stays in this process: it is in no file and
// no argument list. Fails unless the token is gone at the end and the files in this folder hold no value.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import newman from 'newman'

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
const collection = read('tokenwell.postman_collection.json')
const environment = read('tokenwell.postman_environment.json')
const SECRETS = ['client_id', 'client_secret', 'access_token']
const FROM = {
  token_endpoint: 'TOKENWELL_TOKEN_ENDPOINT',
  introspection_endpoint: 'INTROSPECTION_ENDPOINT',
  client_id: 'TOKENWELL_CLIENT_ID',
  client_secret: 'TOKENWELL_CLIENT_SECRET',
}

const checks = {
  'the environment file holds names only': () => environment.values.forEach(({ key, value }) => assert.equal(value, '', key)),
  'credential and token are secret-typed': () => SECRETS.forEach((name) => {
    assert.equal(environment.values.find(({ key }) => key === name)?.type, 'secret', name)
  }),
  'the credential is used by the Basic Auth helper alone': () => {
    const { auth, ...rest } = collection.item[0].request
    assert.equal(auth.type, 'basic')
    assert.doesNotMatch(JSON.stringify(rest), /client_secret/)
  },
}

const envVar = Object.entries(FROM).map(([key, name]) => {
  if (!process.env[name]) {
    console.error(`Set ${name} first. README.md in this folder lists the four variables.`)
    process.exit(2)
  }
  return { key, value: process.env[name] }
})

newman.run({
  collection,
  environment,
  envVar,
  reporters: 'cli',
  color: 'off',
  timeoutRequest: 10_000,
  sslExtraCaCerts: process.env.TOKENWELL_TLS_CA_FILE,
}, (error, summary) => {
  if (error) throw error
  checks['no token is left in the environment'] = () => {
    assert.equal(summary.environment.get('access_token'), '')
  }
  const { assertions } = summary.run.stats
  let passed = assertions.total - assertions.failed
  let failed = Math.max(assertions.failed, summary.run.failures.length)
  for (const [name, check] of Object.entries(checks)) {
    try {
      check()
      passed += 1
    } catch (reason) {
      failed += 1
      console.error(`${name}: ${reason.message}`)
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed ? 1 : 0
})
