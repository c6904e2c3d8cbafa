// The command line of a contestant (../../README.md). A program says how it gets a token; what is not needed is not loaded.
export const {
  TOKEN_ENDPOINT: tokenEndpoint,
  CLIENT_ID: clientId,
  CLIENT_SECRET: clientSecret,
  CA_FILE: caFile,
  SCOPE: scope,
} = process.env

function cannot(why) {
  console.log(why)
  process.exit(3)
}

const monotonic = () => Number(process.hrtime.bigint())

/** Nanoseconds that `count` calls take, once `ready` is over; a function that gives no promise is not awaited. */
async function loop(call, count, ready) {
  const synchronous = !(call() instanceof Promise)
  const run = synchronous
    ? (times) => { for (let n = 0; n < times; n++) call() }
    : async (times) => { for (let n = 0; n < times; n++) await call() }
  await run(Math.floor(count / 10) + 1)
  ready?.()
  const began = monotonic()
  await run(count)
  return monotonic() - began
}

/** Nanoseconds until the last of so many threads has made its calls. */
async function inThreads(Worker, count, threads) {
  const start = new Int32Array(new SharedArrayBuffer(4))
  const workers = Array.from({ length: threads }, () => new Worker(process.argv[1], { argv: ['cached', String(count)], workerData: start }))
  let ready = 0
  let began
  await Promise.all(workers.map((worker) => new Promise((resolve, reject) => {
    worker.on('error', reject).on('exit', resolve)
    worker.on('message', () => {
      if (++ready < threads) return
      began = monotonic()
      Atomics.store(start, 0, 1)
      Atomics.notify(start, 0)
    })
  })))
  return monotonic() - began
}

async function cached(call, count, threads) {
  const { Worker, parentPort, workerData } = await import('node:worker_threads')
  await call()
  if (workerData) {
    await loop(call, count, () => {
      parentPort.postMessage('ready')
      Atomics.wait(workerData, 0, 0)
    })
    return
  }
  const ns = threads > 1 ? await inThreads(Worker, count, threads) : await loop(call, count)
  return { ns: ns / count, calls: count * threads }
}

async function shared(call, count, atOnce) {
  let left = count
  const work = async () => { while (left-- > 0) await call() }
  await Promise.all(Array.from({ length: atOnce }, work))
}

async function fetchMode(call, count, atOnce) {
  await shared(call, Math.floor(count / 10) + 1, atOnce)
  const worked = process.cpuUsage()
  const began = monotonic()
  await shared(call, count, atOnce)
  const wall = monotonic() - began
  const { user, system } = process.cpuUsage(worked)
  return { cpu_us: (user + system) / count, wall_us: wall / count / 1e3 }
}

/**
 * `keeping` makes a function that gives a token, kept or new; `fetching` one that fetches each time, over what can be kept of the
 * connection. Without one, the library has no such thing.
 */
export async function play({ name, version, keeping, fetching }) {
  const [mode, count = 1, atOnce = 1] = process.argv.slice(2).map((word, place) => (place ? Number(word) : word))
  const kept = () => (keeping ?? (() => cannot('keeps no token')))()
  const modes = {
    versions: () => ({ name, version }),
    once: async () => {
      await (keeping ?? fetching)()()
      return 'ok'
    },
    cached: () => cached(kept(), count, atOnce),
    fetch: () => fetchMode((fetching ?? (() => cannot('always keeps the token')))(), count, atOnce),
    cold: async () => {
      const call = kept()
      const began = monotonic()
      await Promise.all(Array.from({ length: count }, () => call()))
      return { wall_ms: (monotonic() - began) / 1e6, callers: 'promises' }
    },
  }
  const answer = await modes[mode]()
  if (answer) console.log(typeof answer === 'string' ? answer : JSON.stringify(answer))
}
