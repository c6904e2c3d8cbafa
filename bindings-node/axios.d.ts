import type { Client } from './index.js';

/** What an axios instance, version 1 or later, has that is needed here. */
export interface Attachable {
  create(config?: any): any;
  interceptors: { request: { use(onFulfilled: (config: any) => any): number } };
}

/**
 * Authorizes all requests of an axios instance and gives the instance back.
 *
 * A 401 with `invalid_token` or no error gives up that token, and is tried once more if the body can be sent again. A
 * token that is bound to a key (`dpop`) goes with its proof, and once more with the nonce that a resource asks for. No
 * request is made without a token: if there is none, the request fails with the client's error. After a redirect to
 * another origin, the request goes on without the token.
 */
export function attach<Instance extends Attachable>(instance: Instance, client: Client): Instance;
