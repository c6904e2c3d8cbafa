// The Redis of a case: real servers, driven by core/conformance/redis.py.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../core/conformance/redis.py', import.meta.url));

export class Redis {
  /** `server`, `cluster` or `sentinel`. */
  static async start(kind) {
    const redis = new Redis();
    redis.child = spawn('python3', [script, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
    redis.lines = createInterface({ input: redis.child.stdout })[Symbol.asyncIterator]();
    redis.variables = await redis.answer();
    return redis;
  }

  async answer() {
    const { value, done } = await this.lines.next();
    assert.ok(!done, 'redis.py ended');
    return JSON.parse(value);
  }

  async step(step) {
    this.child.stdin.write(`${JSON.stringify(step)}\n`);
    assert.equal((await this.answer()).error, undefined);
  }

  async close() {
    const ended = once(this.child, 'close');
    this.child.stdin.end();
    await ended;
  }
}
