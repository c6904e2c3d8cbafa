import type { Dispatcher } from 'undici';
import type { Client } from './index.js';

/**
 * Authorizes requests: `dispatcher.compose(interceptor(client))`, undici 7 and later.
 *
 * A 401 with `invalid_token` or no error gives up that token, and is tried once more if the body can be sent again. A
 * token that is bound to a key (`dpop`) goes with its proof, and once more with the nonce that a resource asks for. No
 * request is made without a token: if there is none, the request fails with the client's error. After a redirect to
 * another origin, the request goes on without the token.
 */
export function interceptor(client: Client): Dispatcher.DispatcherComposeInterceptor;
