'use strict';

// All that a program needs from its start on is in this one file: Node.js finds, reads and wraps each file of its own, for half a
// million instructions. What is seldom needed is in lib/, and loaded when it is.
const native = require('./lib/native.js');

// TokenwellError            a fault of this library
// +-- ConfigError           an option is missing, unknown, wrong or in conflict; nothing was sent
// +-- SecretError           a source of a secret failed
// +-- TransportError        no answer: dns, connect, tls, proxy, timeout, closed
// +-- ServerError           the server's OAuth error answer
// +-- ResponseError         an answer that is not a token answer
// +-- CacheError            a shared store failed; a counter, never the outcome of a token call
class TokenwellError extends Error {
  constructor(message, { code = 'internal_error', retryable = false, ...details } = {}) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    for (const name of ['retryAfter', 'httpStatus', 'errorDescription', 'hint']) {
      if (details[name] != null) this[name] = details[name];
    }
  }
}

class ConfigError extends TokenwellError {}
class SecretError extends TokenwellError {}
class TransportError extends TokenwellError {}
class ServerError extends TokenwellError {}
class ResponseError extends TokenwellError {}
class CacheError extends TokenwellError {}

const classes = { TokenwellError, ConfigError, SecretError, TransportError, ServerError, ResponseError, CacheError };
for (const [name, Class] of Object.entries(classes)) {
  Object.defineProperty(Class.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** The error of a failure that the core reported. */
function failed({ kind, message, ...details }) {
  return new (classes[kind] ?? TokenwellError)(message, details);
}

/** The error of what the addon threw: a panic that was caught at the border. */
function caught(error) {
  if (error instanceof TokenwellError) return error;
  return new TokenwellError('the call failed inside the library', {
    hint: 'this is a fault of the library; please report it',
  });
}

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const invalid = (message) => new ConfigError(message, { code: 'option_invalid' });

/** The options under the names of the schema, which are taken too: one of them in both is one too many. */
function snakeKeys(options) {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const named = Object.fromEntries(given.map(([name, value]) => [snake(name), value]));
  if (Object.keys(named).length === given.length) return named;
  throw new ConfigError('the options name something twice, of which a reader takes one: leave the other out', { code: 'option_conflict' });
}

// JSON would drop these, or make something else of them.
function plain(name, value) {
  const kind = typeof value;
  const isPlain = kind === 'number' ? Number.isFinite(value) : !['function', 'symbol', 'bigint'].includes(kind);
  if (isPlain) return value;
  throw invalid(`${name ? `\`${name}\`` : 'the options'} must not be ${kind === 'number' ? value : `a ${kind}`}`);
}

/**
 * The options as JSON in the names of the one schema. Only the names at the top are options: those in a map are the
 * caller's own. What is undefined is not given.
 */
function optionsJson(options) {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  try {
    return JSON.stringify(isObject ? snakeKeys(options) : options ?? null, plain);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw invalid('the options must be plain data: strings, numbers, booleans, lists and maps');
  }
}

/** The name under which a constructor takes what the core made: nobody outside has it. */
const FROM_CORE = Symbol('made by the core');

let authorizationOf;

class AccessToken {
  #token;
  #value;
  #authorization;
  #expiresAt;
  #extra;

  constructor({ [FROM_CORE]: token } = {}) {
    if (token === undefined) throw new TypeError('an AccessToken comes from a Client');
    this.#token = token;
    Object.freeze(this);
  }

  get value() {
    return this.#value ??= this.#token.value;
  }

  get tokenType() {
    return this.#token.tokenType;
  }

  get expiresAt() {
    return new Date(this.#expiresAt ??= this.#token.expiresAt);
  }

  get expiresIn() {
    return this.#token.expiresIn;
  }

  get scope() {
    return this.#token.scope ?? undefined;
  }

  get source() {
    return this.#token.source;
  }

  get extra() {
    return this.#extra ??= Object.freeze(JSON.parse(this.#token.extra));
  }

  toJSON() {
    const { tokenType, expiresAt, expiresIn, scope, source } = this;
    return { tokenType, expiresAt, expiresIn, scope, source };
  }

  get [Symbol.toStringTag]() {
    return 'AccessToken';
  }

  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    return `AccessToken ${inspect(this.toJSON(), options)}`;
  }

  static {
    authorizationOf = (token) => (token.#authorization ??= token.#token.authorization);
  }
}

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

/** The answer of a call of the addon, which gives it at once or to `settle`. */
const answered = (ask) => new Promise((settle) => {
  const answer = ask(settle);
  if (answer !== null) settle(answer);
});

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
      return made(await answered((settle) => native.obtain(this.#number, isWhole, callJson(options), settle)));
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
      return this.#told(await answered((settle) => native.ask(this.#number, question, settle)));
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
    return require('./lib/names.js').camelKeys(JSON.parse(call(() => native.stats(this.#number))));
  }

  close() {
    this.#keep(undefined);
    call(() => native.close(this.#number));
  }

  fetch(url, init) {
    return require('./lib/fetch.js').fetchWith(this, url, init);
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

module.exports = { Client, AccessToken, getTokenByClientIdAndClientSecret, ...classes };
