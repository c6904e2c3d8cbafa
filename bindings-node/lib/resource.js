'use strict';

// What the HTTP integrations share: the headers of a request, how a resource server says that it refused a token
// (RFC 6750 section 3) or wants a nonce (RFC 9449 section 9), and what can be sent twice.

/** The `error` of a WWW-Authenticate value: a string, or undefined if it names none. */
function challengeError(challenge) {
  for (const [, name, quoted, bare] of challenge.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    if (name.toLowerCase() === 'error') return quoted ?? bare;
  }
  return undefined;
}

/** The token in the value of an Authorization header. */
const tokenOf = (authorization) => authorization.slice(authorization.indexOf(' ') + 1);

/** Whether the token in this value goes with a proof (RFC 9449 section 7.1). */
const isBound = (authorization) => authorization.startsWith('DPoP ');

/** One request to a resource and its repeats: at most one with a newer token, and one with the nonce of the resource. */
class Visit {
  #client;
  #sent;
  #renewed = false;
  #noted = false;
  #sameTokenHelps = false;

  constructor(client) {
    this.#client = client;
  }

  /** What a request is sent with: the token, and where it is bound to a key a new proof. */
  headers(authorization, method, url) {
    this.#sent = authorization;
    const headers = { authorization };
    if (isBound(authorization)) headers.dpop = this.#client.dpopProof(method, url, tokenOf(authorization));
    return headers;
  }

  /** Whether a repeat may help. The nonce of the answer is kept, and a token that is not valid is given up. */
  refused(url, status, { 'www-authenticate': challenge, 'dpop-nonce': nonce }) {
    if (typeof nonce === 'string') this.#client.dpopNonce(url, nonce);
    if (status !== 401) return false;
    const error = challengeError([challenge ?? ''].flat().join(', '));
    this.#sameTokenHelps = error === 'use_dpop_nonce' && nonce != null && !this.#noted;
    if (this.#sameTokenHelps) return (this.#noted = true);
    if (error !== undefined && error !== 'invalid_token') return false;
    if (this.#renewed) return false;
    this.#client.invalidate(tokenOf(this.#sent));
    return (this.#renewed = true);
  }

  /** Whether this value, asked for after `refused`, is worth the repeat. */
  helps(authorization) {
    return this.#sameTokenHelps || authorization !== this.#sent;
  }
}

const RESENDABLE = ['ArrayBuffer', 'Blob', 'File', 'FormData', 'URLSearchParams'];

/** Whether a body is the same when it is sent again: a stream or an iterator is not. */
function canResend(body) {
  if (body == null || typeof body === 'string' || ArrayBuffer.isView(body)) return true;
  return RESENDABLE.includes(body[Symbol.toStringTag]) && typeof body.pipe !== 'function';
}

module.exports = { Visit, isBound, canResend };
