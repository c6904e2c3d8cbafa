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

/** What this process has worked so far, nanoseconds. */
const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/**
 * Makes `count` calls, once `ready` is over; a function that gives no promise is not awaited. When they began and ended, and what
 * the process had worked then.
 */
async function loop(call, count, ready) {
  const synchronous = !(call() instanceof Promise)
  const run = synchronous
    ? (times) => { for (let n = 0; n < times; n++) call() }
    : async (times) => { for (let n = 0; n < times; n++) await call() }
  await run(Math.floor(count / 10) + 1)
  ready?.()
  const [worked, began] = [cpu(), monotonic()]
  await run(count)
  return [began, monotonic(), worked, cpu()]
}

/** The same of so many threads: from when the first begins until the last ends. */
async function inThreads(Worker, count, threads) {
  const places = new Int32Array(new SharedArrayBuffer(16))
  const workers = Array.from({ length: threads }, () => new Worker(process.argv[1], { argv: ['cached', count, threads], workerData: places }))
  const times = await Promise.all(workers.map((worker) => new Promise((resolve, reject) => worker.on('error', reject).on('message', resolve))))
  return [0, 1, 2, 3].map((place) => Math[place % 2 ? 'max' : 'min'](...times.map((one) => one[place])))
}

/** Waits until so many threads are here; `place` is the first of two numbers that they share for it. */
function together(places, place, threads) {
  if (Atomics.add(places, place, 1) + 1 === threads) {
    Atomics.store(places, place + 1, 1)
    Atomics.notify(places, place + 1)
  }
  Atomics.wait(places, place + 1, 0)
}

async function cached(call, count, threads) {
  const { Worker, parentPort, workerData } = await import('node:worker_threads')
  await call()
  if (workerData) {
    parentPort.postMessage(await loop(call, count, () => together(workerData, 0, threads)))
    together(workerData, 2, threads) // to end one costs more than its calls
    return
  }
  const [began, ended, before, after] = threads > 1 ? await inThreads(Worker, count, threads) : await loop(call, count)
  return { ns: (ended - began) / count, cpu_ns: (after - before) / count / threads, calls: count * threads }
}

async function shared(call, count, atOnce) {
  let left = count
  const work = async () => { while (left-- > 0) await call() }
  await Promise.all(Array.from({ length: atOnce }, work))
}

async function fetchMode(call, count, atOnce) {
  await shared(call, Math.floor(count / 10) + 1, atOnce)
  const [worked, began] = [cpu(), monotonic()]
  await shared(call, count, atOnce)
  return { cpu_us: (cpu() - worked) / count / 1e3, wall_us: (monotonic() - began) / count / 1e3 }
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
      const callers = Array.from({ length: count }, () => {
        const token = call()
        return token instanceof Promise ? token : cannot('one call at a time')
      })
      const last = monotonic()
      await Promise.all(callers)
      return { wall_ms: (monotonic() - began) / 1e6, last_ms: (last - began) / 1e6, callers: 'promises' }
    },
  }
  const answer = await modes[mode]()
  if (answer) console.log(typeof answer === 'string' ? answer : JSON.stringify(answer))
}
