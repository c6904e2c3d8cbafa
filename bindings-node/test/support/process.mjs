// Programs and workers with a client.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const cwd = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program with a client of these options; gives its output and the milliseconds from `MARK` to its end. */
export async function run(options, body) {
  const program = `import { Client } from 'tokenwell'; const client = new Client(${JSON.stringify(options)}); ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, errors, marked] = ['', '', NaN];
  child.stderr.on('data', (text) => (errors += text));
  child.stdout.on('data', (text) => {
    out += text;
    if (out.includes('MARK')) marked ||= performance.now();
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, out: out.replace(/MARK\n/, ''), errors, took: performance.now() - marked };
}

/** A worker that answers each message with what `body` makes of it. */
export function startWorker(options, body) {
  const program = `
    const { parentPort } = require('node:worker_threads');
    const { Client } = require('tokenwell');
    const client = new Client(${JSON.stringify(options)});
    parentPort.on('message', async () => parentPort.postMessage(await (async () => { ${body} })()));`;
  return new Worker(program, { eval: true });
}
