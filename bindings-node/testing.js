'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { existsSync } = require('node:fs');
const { delimiter, join } = require('node:path');
const { createInterface } = require('node:readline');

const { advanceClock, jumpWallClock, panicInNextFlight } = require('./lib/native.js');
const { camelKeys } = require('./lib/names.js');

/** An authorization server of its own inside the program: with its own client, log, script and clock. */
class Realm {
  #control;

  constructor(control, vars) {
    this.#control = control;
    Object.assign(this, vars);
  }

  /** One request to the control interface; `undefined` as the body: a GET. */
  async #ask(what, body, method = body === undefined ? 'GET' : 'POST') {
    const answer = await fetch(this.#control + what, { method, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the development server answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  get options() {
    const { tokenEndpoint, clientId, clientSecret } = this;
    return { tokenEndpoint, clientId, clientSecret };
  }

  async log() {
    return camelKeys(await this.#ask('/requests'));
  }

  async requests() {
    return (await this.log()).requests;
  }

  async script(answers) {
    await this.#ask('/script', answers);
  }

  async advance(seconds) {
    await this.#ask('/clock', { advance: seconds });
    advanceClock(seconds);
  }

  async close() {
    await this.#ask('', undefined, 'DELETE');
  }
}

class AuthorizationServer extends Realm {
  #child;

  constructor(child, { control, ...vars }) {
    super(`${control}/realms/root`, { control, ...vars });
    this.#child = child;
  }

  static async start({ program = process.env.TOKENWELL_DEV_SERVER || onPath('tokenwell-dev-server') } = {}) {
    const [file, ...serve] = program ? [program] : [process.execPath, join(__dirname, 'bin', 'tokenwell.js'), 'serve'];
    const child = spawn(file, [...serve, '--port', '0'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = await firstLine(child, program ?? 'tokenwell serve');
    // A server that was not closed ends with this process, and does not keep it alive.
    for (const handle of [child, child.stdin, child.stdout]) handle.unref();
    return new this(child, camelKeys(JSON.parse(line)));
  }

  async realm(server = {}) {
    const answer = await fetch(`${this.control}/realms`, { method: 'POST', body: JSON.stringify(server) });
    const made = await answer.json();
    if (!answer.ok) throw new Error(`the development server made no realm: ${JSON.stringify(made)}`);
    return new Realm(`${this.control}/realms/${made.realm}`, camelKeys(made.vars));
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.ref();
    this.#child.kill();
    await exit;
  }
}

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

async function firstLine(child, program) {
  const failure = new Promise((_, reject) => {
    const hint = 'TOKENWELL_DEV_SERVER names another program';
    const fail = (why) => reject(new Error(`${program} did not start: ${why} (${hint})`));
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => fail(`exit code ${code}`));
  });
  failure.catch(() => {});
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), failure]);
  return line;
}

if (Symbol.asyncDispose) {
  Object.defineProperty(Realm.prototype, Symbol.asyncDispose, {
    value() {
      return this.close();
    },
  });
}

module.exports = { AuthorizationServer, advanceClock, jumpWallClock, panicInNextFlight };
