'use strict';

const { Visit, canResend } = require('./resource.js');

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

/** The method as fetch sends it (Fetch, 2.2.1). */
const sentAs = (method) => (/^(delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method);

/** The global fetch with a token of this client. */
async function fetchWith(client, input, init) {
  const headers = new Headers(init?.headers ?? (isRequest(input) ? input.headers : undefined));
  const signal = init?.signal ?? (isRequest(input) ? input.signal : undefined);
  const body = init?.body ?? (isRequest(input) ? input.body : undefined);
  const method = sentAs(init?.method ?? (isRequest(input) ? input.method : 'GET'));
  const url = isRequest(input) ? input.url : new URL(input).href;
  const visit = new Visit(client);

  let authorization = await authorize(client, signal);
  for (;;) {
    for (const [name, value] of Object.entries(visit.headers(authorization, method, url))) headers.set(name, value);
    const response = await fetch(input, { ...init, headers });
    if (leftOrigin(response, input)) return response;
    const refused = visit.refused(response.url, response.status, Object.fromEntries(response.headers));
    if (!refused || !canResend(body)) return response;
    authorization = await authorize(client, signal);
    if (!visit.helps(authorization)) return response;
    await response.body?.cancel();
  }
}

module.exports = { fetchWith };
