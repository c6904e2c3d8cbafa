// Expectations of a scenario against what happened (core/conformance/README.md).
import assert from 'node:assert/strict';

/** The token in what a call gave: an AccessToken, a token or the value of a header. */
export const tokenOf = (got) => (typeof got === 'string' ? got.replace(/^.* /, '') : got.value);

export function compareToken(got, expect, { last, issued }) {
  for (const [name, expected] of Object.entries(expect)) {
    const token = tokenOf(got);
    if (name === 'token') compareIdentity(token, expected, last, issued);
    else if (name === 'length') assert.equal(token.length, expected, name);
    else if (name === 'value') assert.equal(typeof got === 'string' ? got : got.value, expected, name);
    else if (name === 'token_type') assert.equal(got.tokenType, expected, name);
    else if (name === 'source') assert.equal(got.source, expected, name);
    else if (name === 'scope') assert.equal(got.scope ?? null, expected, name);
    else if (name === 'expires_in') {
      assert.ok(got.expiresIn <= expected && got.expiresIn >= expected - 2, `expires_in is ${got.expiresIn}, not ${expected}`);
      const left = (got.expiresAt - Date.now()) / 1000;
      assert.ok(Number.isFinite(left), `expiresAt is ${got.expiresAt}`);
    } else if (name === 'extra') {
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(got.extra[key] ?? null, value, `extra ${key}`);
    } else assert.fail(`unknown expectation of a token: ${name}`);
  }
}

function compareIdentity(token, expected, last, issued) {
  if (expected === 'same') return assert.ok(token === last, 'the token is another than the last');
  if (expected !== 'issued' && expected !== 'new') return assert.equal(token, expected);
  assert.ok(issued.includes(token), 'the token is not one that the realm issued');
  if (expected === 'new') assert.ok(last !== undefined && token !== last, 'the token is not a new one');
}

const FIELDS = {
  kind: (error) => error.name,
  code: (error) => error.code,
  message: (error) => error.message,
  retryable: (error) => error.retryable,
  http_status: (error) => error.httpStatus ?? null,
  error_description: (error) => error.errorDescription ?? null,
};
const TEXTS = {
  message_contains: (error) => error.message,
  hint_contains: (error) => error.hint ?? '',
  description_contains: (error) => error.errorDescription ?? '',
};

export function compareError(error, expect, { TokenwellError, ...classes }) {
  assert.ok(error instanceof TokenwellError, String(error?.stack));
  assert.ok(error.constructor === { TokenwellError, ...classes }[error.name], `the class of ${error.name}`);
  for (const [name, expected] of Object.entries(expect)) {
    if (name in FIELDS) assert.deepEqual(FIELDS[name](error), expected, name);
    else if (name in TEXTS) {
      for (const part of [expected].flat()) assert.ok(TEXTS[name](error).includes(part), `${name} ${part}: ${error}`);
    } else if (name === 'retry_after') {
      if (expected === null) assert.equal(error.retryAfter, undefined, name);
      else assert.ok(Math.abs(error.retryAfter - expected) <= 1, `retry_after is ${error.retryAfter}, not ${expected}`);
    } else assert.fail(`unknown expectation of an error: ${name}`);
  }
}

export function compareLog({ requests, total, canary }, expect) {
  for (const [name, expected] of Object.entries(expect)) {
    if (name === 'count') assert.equal(total, expected, 'the number of requests');
    else if (name === 'at_most') assert.ok(total <= expected, `${total} requests, not at most ${expected}`);
    else if (name === 'canary') assert.equal(canary, expected, "the canary's count");
    else if (name === 'first') compareRequest(requests[0], expected);
    else if (name === 'last') compareRequest(requests.at(-1), expected);
    else assert.fail(`unknown expectation of the log: ${name}`);
  }
}

function compareRequest(request, expect) {
  assert.ok(request, 'there was no request');
  for (const [name, expected] of Object.entries(expect)) {
    if (name !== 'headers' && name !== 'form') assert.deepEqual(request[name] ?? null, expected, name);
    // Of these, what is not named may be anything; null stands for absent.
    else for (const [key, value] of Object.entries(expected)) assert.deepEqual(request[name]?.[key] ?? null, value, `${name} ${key}`);
  }
}
