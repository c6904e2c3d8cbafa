'use strict';

// What the HTTP integrations share: how a resource server says that it refused a token (RFC 6750 section 3), and what
// can be sent twice.

/** The `error` of a WWW-Authenticate value: a string, or undefined if it names none. */
function challengeError(challenge) {
  for (const [, name, quoted, bare] of challenge.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    if (name.toLowerCase() === 'error') return quoted ?? bare;
  }
  return undefined;
}

/** Whether an answer says that the token is at fault, so that another one may help. */
function refusesToken(status, challenge) {
  if (status !== 401) return false;
  const error = challengeError([challenge ?? ''].flat().join(', '));
  return error === undefined || error === 'invalid_token';
}

/** The token in the value of an Authorization header. */
const tokenOf = (authorization) => authorization.slice(authorization.indexOf(' ') + 1);

const RESENDABLE = ['ArrayBuffer', 'Blob', 'File', 'FormData', 'URLSearchParams'];

/** Whether a body is the same when it is sent again: a stream or an iterator is not. */
function canResend(body) {
  if (body == null || typeof body === 'string' || ArrayBuffer.isView(body)) return true;
  return RESENDABLE.includes(body[Symbol.toStringTag]) && typeof body.pipe !== 'function';
}

module.exports = { refusesToken, tokenOf, canResend };
