// Plays the scenarios of core/conformance, each in two modes: promise and sync. The cases run one after another: the
// library's clock belongs to the process.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import * as tokenwell from 'tokenwell';
import { advanceClock, jumpWallClock, panicInNextFlight } from 'tokenwell/testing';
import { compareError, compareLog, compareToken, tokenOf } from './support/compare.mjs';
import { Redis } from './support/redis.mjs';
import { startServer } from './support/server.mjs';

const { Client } = tokenwell;
const server = await startServer();

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const lines = (text) => (typeof text === 'string' ? text.split(/\r?\n/) : []);
const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const camelKeys = (options) => (isMap(options) ? mapKeys(options, camel) : options);
const mapKeys = (map, change) => Object.fromEntries(Object.entries(map).map(([key, value]) => [change(key), value]));

const STANDARD = { token_endpoint: '${token_endpoint}', client_id: '${client_id}', client_secret: '${client_secret}' };
const METHODS = { token: 'token', access_token: 'accessToken', authorization: 'authorization' };

/** One case on its way. */
class Play {
  constructor(data, mode, realm) {
    Object.assign(this, { data, mode, realm, last: undefined, hidden: [], advanced: 0, jumped: 0, files: {} });
    if (data.files) this.makeFiles();
    this.hide(data.never_shown ?? [], 0);
    this.hide([data.env?.TOKENWELL_CLIENT_SECRET, realm.clientSecret], 3);
  }

  makeFiles() {
    this.folder = mkdtempSync(join(tmpdir(), 'tokenwell-'));
    for (const name of Object.keys(this.data.files)) this.files[`file:${name}`] = join(this.folder, name);
    for (const [name, text] of Object.entries(this.data.files)) if (text !== null) this.step_write({ name, text: this.fill(text) });
  }

  /** Takes back what the case has moved and made. */
  end() {
    advanceClock(-this.advanced);
    jumpWallClock(-this.jumped);
    if (this.folder) rmSync(this.folder, { recursive: true });
    return this.redis?.close();
  }

  async startRedis() {
    this.redis = await Redis.start(this.data.redis);
    Object.assign(this.files, this.redis.variables);
  }

  variable(name) {
    return this.files[name] ?? this.realm[camel(name)];
  }

  /** Replaces `${name}` in every string; a string that is one `${name}` alone becomes the variable's value. */
  fill(value) {
    if (Array.isArray(value)) return value.map((item) => this.fill(item));
    if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.fill(item)]));
    if (typeof value !== 'string') return value;
    const whole = value.match(/^\$\{([\w:]+)\}$/);
    if (whole) return this.variable(whole[1]) ?? value;
    return value.replace(/\$\{([\w:]+)\}/g, (text, name) => this.variable(name) ?? text);
  }

  hide(texts, longerThan) {
    this.hidden.push(...this.fill(texts).filter((text) => typeof text === 'string' && text.length > longerThan));
  }

  make(options = { '+': {} }) {
    if (options?.['+']) {
      options = Object.fromEntries(Object.entries({ ...STANDARD, ...options['+'] }).filter(([, value]) => value !== null));
    }
    const filled = this.fill(options);
    const texts = (...names) => names.map((name) => filled?.[name]);
    this.hide(texts('client_secret', 'client_assertion', 'subject_token', 'actor_token'), 3);
    this.hide(texts('private_key', 'dpop_key', 'tls_client_key').flatMap(lines), 3);
    return new Client(camelKeys(filled));
  }

  async whole() {
    const making = () => (this.data.from_env ? Client.fromEnv() : this.make(this.data.options));
    if (!this.data.expect_new) {
      this.client = making();
      return this.steps(this.data.steps);
    }
    assert.throws(making, (error) => {
      compareError(error, this.fill(this.data.expect_new), tokenwell);
      this.leaks(error, []);
      return true;
    });
    compareLog(await this.realm.log(), { count: 0 });
  }

  async steps(steps) {
    for (const [index, step] of this.fill(steps).entries()) {
      const kind = Object.keys(step).find((name) => !['with', 'expect', 'within'].includes(name));
      const named = step.concurrent ? 'concurrent' : kind;
      try {
        await this[`step_${named}`](step[named], step);
      } catch (error) {
        error.message = `step ${index + 1}, ${JSON.stringify(step)}: ${error.message}`;
        throw error;
      }
    }
  }

  step_call(_, step) {
    return this.step_concurrent(1, step);
  }

  async step_concurrent(callers, { call, with: options, expect, within = Infinity }) {
    const method = METHODS[call];
    const args = options === undefined ? [] : [camelKeys(options)];
    const ask = async (name) => this.client[name](...args);
    const started = performance.now();
    // The sync call blocks the only thread; the other callers are promises under way.
    const others = Array.from({ length: callers - 1 }, () => ask(method));
    const results = await Promise.allSettled([...others, ask(this.mode === 'sync' ? `${method}Sync` : method)]);
    const took = (performance.now() - started) / 1000;
    assert.ok(took <= within, `it took ${took} s`);

    const { issued } = await this.realm.log();
    for (const { status, value, reason } of results) {
      this.leaks(status === 'rejected' ? reason : value, issued);
      if (expect?.error) {
        assert.equal(status, 'rejected', 'a token came, an error was expected');
        compareError(reason, expect.error, tokenwell);
      } else {
        if (status === 'rejected') throw reason;
        compareToken(value, expect ?? {}, { last: this.last, issued });
      }
    }
    const got = results.find(({ status }) => status === 'fulfilled');
    if (got) this.last = tokenOf(got.value);
  }

  /** A promise cannot be cancelled: nobody waits for it. */
  step_cancel(calls) {
    for (let i = 0; i < calls; i++) this.client.token().catch(() => {});
  }

  step_invalidate(token) {
    this.client.invalidate(token === 'last' ? this.last : token);
  }

  step_revoke(expected) {
    return this.question('revoke', expected);
  }

  step_introspect(expected) {
    return this.question('introspect', expected);
  }

  async question(method, { error: expected, ...members }) {
    const ask = async () => (this.mode === 'sync' ? this.client[`${method}Sync`]() : this.client[method]());
    const [{ value, reason }] = await Promise.allSettled([ask()]);
    if (expected) {
      compareError(reason, expected, tokenwell);
      this.leaks(reason, (await this.realm.log()).issued);
    } else {
      if (reason) throw reason;
      for (const [name, member] of Object.entries(members)) assert.deepEqual(value[name] ?? null, member, name);
    }
  }

  async step_resource({ method, url, status, challenge = '' }) {
    const authorization = this.mode === 'sync' ? this.client.authorizationSync() : await this.client.authorization();
    const headers = { authorization };
    if (authorization.startsWith('DPoP ')) headers.dpop = this.client.dpopProof(method, url, tokenOf(authorization));
    const response = await fetch(url, { method, headers });
    await response.arrayBuffer();
    const nonce = response.headers.get('dpop-nonce');
    if (nonce !== null) this.client.dpopNonce(url, nonce);
    const said = response.headers.get('www-authenticate') ?? '';
    assert.equal(response.status, status, said);
    assert.ok(said.includes(challenge), `${challenge} is not in ${said}`);
  }

  async step_advance(seconds) {
    await this.realm.advance(seconds);
    this.advanced += seconds;
  }

  step_jump(seconds) {
    jumpWallClock(seconds);
    this.jumped += seconds;
  }

  step_write({ name, text }) {
    const path = this.files[`file:${name}`];
    if (text === null) return unlinkSync(path);
    this.hide(lines(text), 3);
    writeFileSync(path, text, { mode: 0o600 });
  }

  step_chmod({ name, mode }) {
    chmodSync(this.files[`file:${name}`], mode);
  }

  step_run([program, ...args]) {
    execFileSync(program, args);
  }

  step_arrived(requests) {
    return until(async () => (await this.realm.log()).total >= requests);
  }

  step_settle() {
    return until(async () => (await this.realm.log()).inFlight === 0 && this.client.stats().inFlight === 0);
  }

  step_new_client(options) {
    this.client = this.make(Object.keys(options).length === 0 ? this.data.options : options);
  }

  async step_warned_client({ options, warning }) {
    const given = [];
    const note = ({ message }) => given.push(message);
    process.on('warning', note);
    this.client = this.make(options);
    await new Promise(setImmediate);
    process.off('warning', note);
    assert.equal(given.length, warning === null ? 0 : 1);
    assert.ok(given.join().includes(warning ?? ''), given.join());
  }

  step_redis(step) {
    return this.redis.step(step);
  }

  step_close() {
    this.client.close();
  }

  step_panic() {
    panicInNextFlight();
  }

  async step_script(answers) {
    await this.realm.script(answers);
  }

  async step_requests(expect) {
    compareLog(await this.realm.log(), expect);
  }

  step_stats(expect) {
    const stats = this.client.stats();
    for (const [name, value] of Object.entries(expect)) assert.equal(stats[camel(name)], value, name);
  }

  /** No text for people shows the secret or a token. */
  leaks(result, issued) {
    const things = [this.client, typeof result === 'string' ? undefined : result];
    const forms = (thing) => [thing, thing?.stack, JSON.stringify(thing), inspect(thing, { depth: 9, showHidden: true }), cloned(thing)];
    const text = things.flatMap(forms).join();
    const hidden = [...this.hidden, ...issued, this.last].filter((token) => token?.length > 3);
    for (const secret of hidden) assert.ok(!text.includes(secret), `${secret} is shown in ${text}`);
  }
}

/** What another thread would get of it, and all of its own members. */
function cloned(thing) {
  const members = Object.fromEntries(Object.entries(thing ?? {}));
  return `${serialize(structuredClone(members)).toString('latin1')} ${thing instanceof Error ? serialize(thing).toString('latin1') : ''}`;
}

async function until(condition) {
  const end = performance.now() + 5000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, 'not within 5 s');
    await sleep(5);
  }
}

async function withVariables(variables, body) {
  const before = Object.keys(variables).map((name) => [name, process.env[name]]);
  Object.assign(process.env, variables);
  try {
    return await body();
  } finally {
    for (const [name, value] of before) value === undefined ? delete process.env[name] : (process.env[name] = value);
  }
}

const folder = new URL('../../core/conformance/scenarios/', import.meta.url);
const wanted = (process.env.SCENARIOS ?? '').split(' ');
for (const file of readdirSync(folder).filter((name) => wanted.some((beginning) => name.startsWith(beginning))).sort()) {
  const scenario = JSON.parse(readFileSync(new URL(file, folder)));
  for (const data of scenario.cases) {
    for (const mode of ['promise', 'sync']) {
      test(`${scenario.id} ${data.name} [${mode}]`, { skip: data.not?.node ?? false }, async () => {
        const realm = await server.realm(data.server);
        const play = new Play(data, mode, realm);
        try {
          if (data.redis) await play.startRedis();
          await withVariables(play.fill(data.env ?? {}), () => play.whole());
        } finally {
          await play.end();
          await realm.close();
        }
      });
    }
  }
}
