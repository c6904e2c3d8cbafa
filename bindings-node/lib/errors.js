'use strict';

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

module.exports = { ...classes, failed, caught };
