'use strict';

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

module.exports = { AccessToken, authorizationOf, FROM_CORE };
