'use strict';

const native = require('./native.js');
const { failed, caught } = require('./errors.js');
const { optionsJson, camelKeys } = require('./options.js');
const { AccessToken, authorizationOf, FROM_CORE } = require('./token.js');

/** Calls into the addon; what it throws is a panic that it caught. */
function call(body, argument) {
  try {
    return body(argument);
  } catch (error) {
    throw caught(error);
  }
}

const cached = call(native.watch);

/** Of clients that nothing refers to any more. */
const abandoned = new FinalizationRegistry(native.letGo);

/** What is awaited, by the ticket that the addon gave for it. */
const awaited = new Map();

const desk = call(native.openDesk, (ticket, answer) => {
  const settle = awaited.get(ticket);
  awaited.delete(ticket);
  settle(answer);
});

/** What the addon gave: an answer, or a ticket for one. */
const answered = (given) => (typeof given === 'number' ? new Promise((settle) => awaited.set(given, settle)) : given);

/** What the core made, unless it is a failure. */
function made(answer) {
  if (answer.kind === undefined) return answer;
  throw failed(answer);
}

const accessToken = (token) => new AccessToken({ [FROM_CORE]: token });
const textOf = (token) => (token instanceof AccessToken ? token.value : token);
const argument = (value) => (value instanceof URL ? value.href : value ?? undefined);
const callJson = (options) => (options == null ? undefined : optionsJson(options));

class Client {
  #number;
  #value;
  #token;

  constructor(options = {}) {
    const make = options?.[FROM_CORE] ?? (() => native.clientFromJson(optionsJson(options)));
    this.#number = made(call(make));
    abandoned.register(this, this.#number);
    const warning = call(native.warning, this.#number);
    if (warning) process.emitWarning(warning, { type: 'TokenwellWarning', code: 'TOKENWELL_SECRET_FILE_EXPOSED' });
  }

  static fromEnv() {
    return new this({ [FROM_CORE]: native.clientFromEnv });
  }

  #keep(value) {
    this.#value = value;
    this.#token = undefined;
  }

  /** The token that is at hand without waiting; its string was made once. */
  #cached(options) {
    if (options != null) return undefined;
    const now = call(cached, this.#number);
    if (now !== true) this.#keep(now ?? undefined);
    return this.#value;
  }

  /** The same with all that is known of it. */
  #cachedToken(options) {
    if (this.#cached(options) === undefined) return undefined;
    return (this.#token ??= accessToken(call(() => native.known(this.#number))));
  }

  #obtainSync(isWhole, options) {
    return made(call(() => native.obtainSync(this.#number, isWhole, callJson(options))));
  }

  async #obtain(isWhole, options) {
    try {
      return made(await answered(native.obtain(this.#number, isWhole, callJson(options), desk)));
    } catch (error) {
      throw caught(error);
    }
  }

  accessTokenSync(options) {
    return this.#cachedToken(options) ?? accessToken(this.#obtainSync(true, options));
  }

  async accessToken(options) {
    return this.#cachedToken(options) ?? accessToken(await this.#obtain(true, options));
  }

  tokenSync(options) {
    return this.#cached(options) ?? this.#obtainSync(false, options);
  }

  async token(options) {
    // Awaited, or an error's stack may end before the caller.
    return this.#cached(options) ?? (await this.#obtain(false, options));
  }

  authorizationSync(options) {
    return authorizationOf(this.accessTokenSync(options));
  }

  async authorization(options) {
    return authorizationOf(this.#cachedToken(options) ?? accessToken(await this.#obtain(true, options)));
  }

  #told(answer) {
    return typeof answer === 'string' ? JSON.parse(answer) ?? undefined : made(answer);
  }

  async #ask(question) {
    try {
      return this.#told(await answered(native.ask(this.#number, question, desk)));
    } catch (error) {
      throw caught(error);
    }
  }

  revoke() {
    this.#keep(undefined);
    return this.#ask('revoke');
  }

  revokeSync() {
    this.#keep(undefined);
    return this.#told(call(() => native.askSync(this.#number, 'revoke')));
  }

  introspect() {
    return this.#ask('introspect');
  }

  introspectSync() {
    return this.#told(call(() => native.askSync(this.#number, 'introspect')));
  }

  invalidate(token) {
    const value = textOf(token);
    if (typeof value !== 'string') throw new TypeError('invalidate takes a token: a string or an AccessToken');
    this.#keep(undefined);
    call(() => native.invalidate(this.#number, value));
  }

  dpopProof(method, url, token) {
    const request = [method, argument(url), textOf(token)];
    const isText = request.every((part) => typeof part === 'string');
    if (!isText) throw new TypeError('dpopProof takes a method, a URL and a token: a string or an AccessToken');
    return made(call(() => native.dpopProof(this.#number, ...request)));
  }

  dpopNonce(url, nonce) {
    const answer = [argument(url), nonce];
    if (!answer.every((part) => typeof part === 'string')) throw new TypeError('dpopNonce takes a URL and a string');
    call(() => native.dpopNonce(this.#number, ...answer));
  }

  stats() {
    return camelKeys(JSON.parse(call(() => native.stats(this.#number))));
  }

  close() {
    this.#keep(undefined);
    call(() => native.close(this.#number));
  }

  fetch(url, init) {
    return require('./fetch.js').fetchWith(this, url, init);
  }
}

if (Symbol.dispose) {
  Object.defineProperty(Client.prototype, Symbol.dispose, { value: Client.prototype.close, configurable: true, writable: true });
}

/** The guide's function; each argument that is missing comes from its environment variable. */
async function getTokenByClientIdAndClientSecret(...given) {
  const [clientId, clientSecret, tokenEndpoint] = given.map(argument);
  const isText = [clientId, clientSecret, tokenEndpoint].every((value) => value === undefined || typeof value === 'string');
  // Of options, the core can say what is wrong with them.
  const client = isText
    ? new Client({ [FROM_CORE]: () => native.clientFromGuide(clientId, clientSecret, tokenEndpoint) })
    : new Client({ clientId, clientSecret, tokenEndpoint });
  return client.token();
}

module.exports = { Client, getTokenByClientIdAndClientSecret };
