'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');

const { Visit, canResend } = require('./lib/resource.js');

/** So much of a refused answer is read before its connection is given up, in bytes. */
const MOST_DRAINED = 64 * 1024;

/** While a redirect is handed on: the origin that the request was meant for, or that it has been left. */
const redirected = new AsyncLocalStorage();
const LEFT = 'another origin';

const originOf = (opts) => String(opts.origin ?? '');

/** The headers, in any form that undici takes, as its flat list; with `ours` as the only ones of their names. */
function withHeaders(headers, ours) {
  const isFlat = Array.isArray(headers) && !Array.isArray(headers[0]);
  const entries = headers?.[Symbol.iterator] ? headers : Object.entries(headers ?? {});
  const flat = isFlat ? headers : [...entries].flat(1);
  const kept = Object.entries(ours).flat();
  for (let i = 0; i < flat.length; i += 2) {
    if (!(String(flat[i]).toLowerCase() in ours)) kept.push(flat[i], flat[i + 1]);
  }
  return kept;
}

/** Passes an answer on, except one that refuses the token while `retry` is there to be called instead. */
class Handler {
  #handler;
  #origin;
  #refused;
  #retry;
  #drained;
  #history;
  #isRedirect = false;

  constructor(handler, origin, refused, retry) {
    this.#handler = handler;
    this.#origin = origin;
    this.#refused = refused;
    this.#retry = retry;
  }

  onRequestStart(controller, context) {
    this.#history = context?.history ?? [];
    this.#handler.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(controller, status, headers, socket) {
    this.#handler.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(controller, status, headers, message) {
    if (!this.#hasLeft() && this.#refused(status, headers) && this.#retry) {
      this.#drained = 0;
      return;
    }
    this.#isRedirect = status >= 300 && status < 400 && headers.location !== undefined;
    this.#handler.onResponseStart?.(controller, status, headers, message);
  }

  /** Whether a redirect interceptor further in has followed a redirect to another origin, without the token. */
  #hasLeft() {
    return this.#history.some((url) => url.origin !== this.#history[0].origin);
  }

  onResponseData(controller, chunk) {
    if (this.#drained === undefined) return this.#handler.onResponseData?.(controller, chunk);
    this.#drained += chunk.length;
    if (this.#drained > MOST_DRAINED) controller.abort(new Error('a refused answer is too long to be read'));
  }

  onResponseEnd(controller, trailers) {
    if (this.#drained !== undefined) return this.#retry();
    const handOn = () => this.#handler.onResponseEnd?.(controller, trailers);
    return this.#isRedirect ? redirected.run(this.#origin, handOn) : handOn();
  }

  onResponseError(controller, error) {
    if (this.#drained !== undefined) return this.#retry();
    this.#handler.onResponseError?.(controller, error);
  }
}

function interceptor(client) {
  return (dispatch) => (opts, handler) => {
    const origin = redirected.getStore() ?? originOf(opts);
    // A redirect to another origin goes on without the token, as browsers and fetch do it.
    if (origin !== originOf(opts)) return dispatch(opts, new Handler(handler, LEFT, () => false));

    const visit = new Visit(client);
    const url = `${origin}${opts.path}`;
    const refused = (status, headers) => visit.refused(url, status, headers);
    const send = async () => {
      try {
        const headers = withHeaders(opts.headers, visit.headers(await client.authorization(), opts.method ?? 'GET', url));
        dispatch({ ...opts, headers }, new Handler(handler, origin, refused, canResend(opts.body) ? send : undefined));
      } catch (error) {
        handler.onResponseError?.(null, error);
      }
    };
    send();
    return true;
  };
}

module.exports = { interceptor };
