'use strict';

const { refusesToken, tokenOf, canResend } = require('./resource.js');

const isRequest = (input) => input instanceof Request;

/** Whether a redirect led to another origin: fetch took the Authorization header off on the way (Fetch, 4.4). */
function leftOrigin(response, input) {
  if (!response.redirected) return false;
  return new URL(response.url).origin !== new URL(isRequest(input) ? input.url : input).origin;
}

/** The value of the header; the wait for it ends with the caller's own signal. */
async function authorize(client, signal) {
  if (!signal) return client.authorization();
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    client.authorization().then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** The global fetch with a token of this client. */
async function fetchWith(client, input, init) {
  const headers = new Headers(init?.headers ?? (isRequest(input) ? input.headers : undefined));
  const signal = init?.signal ?? (isRequest(input) ? input.signal : undefined);
  const body = init?.body ?? (isRequest(input) ? input.body : undefined);

  const send = (authorization) => {
    headers.set('authorization', authorization);
    return fetch(input, { ...init, headers });
  };

  const authorization = await authorize(client, signal);
  const response = await send(authorization);
  if (!refusesToken(response.status, response.headers.get('www-authenticate')) || leftOrigin(response, input)) {
    return response;
  }
  client.invalidate(tokenOf(authorization));
  if (!canResend(body)) return response;
  await response.body?.cancel();
  return send(await authorize(client, signal));
}

module.exports = { fetchWith };
