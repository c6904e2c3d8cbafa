import type { ClientOptions } from './options.js';

export type { ClientOptions, Source as SecretSource } from './options.js';

/** Options of one call, instead of the client's. */
export interface TokenOptions {
  /** Scope: a string with spaces, or a list. */
  scope?: string | readonly string[];
  /** Audience: a string or a list. */
  audience?: string | readonly string[];
  /** Resource indicators (RFC 8707). */
  resource?: string | readonly string[];
  /** Seconds that the token must still live. Default: 0. */
  minValid?: number;
}

/** Counters of one client. */
export interface Stats {
  /** HTTP requests to the token endpoint, repeats included. */
  readonly tokenRequests: number;
  /** Flights started: each is one search for a token, of one to three requests. */
  readonly flights: number;
  /** Flights under way now. */
  readonly inFlight: number;
  /** Calls that joined a flight already under way. */
  readonly joined: number;
  /** Flights that failed. */
  readonly failures: number;
  /** Calls answered with the error of the last flight, without a request. */
  readonly refused: number;
  /** Tokens handed out because they were still valid after their refresh had failed. */
  readonly stale: number;
  /** Tokens given up because a resource server refused them. */
  readonly invalidations: number;
  /** Tokens taken from the shared store. */
  readonly storeHits: number;
  /** Searches for which the shared store had no token of use. */
  readonly storeMisses: number;
  /** Failures of the shared store, and entries in it that were not to be trusted. */
  readonly storeErrors: number;
  /** Readings of a secret's file that every user of the machine can read: a warning. */
  readonly exposedFiles: number;
}

/**
 * Fetches, keeps and refreshes the access tokens of one OAuth 2.0 client (RFC 6749, 4.4).
 *
 * All methods that give a token fail with a {@link TransportError}, {@link ServerError} or {@link ResponseError}, and only
 * when no valid token is left. Those with `Sync` block the thread while they fetch.
 */
export class Client {
  /** Makes no request. @throws {ConfigError} for missing, unknown or wrong options. */
  constructor(options: ClientOptions);
  /** A client of the `TOKENWELL_*` variables of the process. @throws {ConfigError} as the constructor. */
  static fromEnv(): Client;

  /** The bearer string. */
  token(options?: TokenOptions): Promise<string>;
  /** The bearer string. */
  tokenSync(options?: TokenOptions): string;
  /** The token with its type, expiry, scope and source. */
  accessToken(options?: TokenOptions): Promise<AccessToken>;
  /** The token with its type, expiry, scope and source. */
  accessTokenSync(options?: TokenOptions): AccessToken;
  /** The value of an `Authorization` header: `Bearer ...` (RFC 6750, 2.1), or `DPoP ...` (RFC 9449, 7.1). */
  authorization(options?: TokenOptions): Promise<string>;
  /** The value of an `Authorization` header: `Bearer ...` (RFC 6750, 2.1), or `DPoP ...` (RFC 9449, 7.1). */
  authorizationSync(options?: TokenOptions): string;

  /**
   * The global `fetch` with a token of this client in the `Authorization` header. A 401 with `invalid_token` or no error
   * gives up that token, and is tried once more if the body can be sent again. A token that is bound to a key (`dpop`) goes
   * with its proof, and once more with the nonce that a resource asks for. No request is made without a token;
   * a redirect to another origin is followed without it.
   */
  fetch(input: Parameters<typeof fetch>[0], init?: Parameters<typeof fetch>[1]): ReturnType<typeof fetch>;

  /**
   * Ends the tokens that this client holds (RFC 7009): they are given up first, whatever the server answers. It needs
   * `revocationEndpoint`, or an `issuer` whose metadata names it.
   */
  revoke(): Promise<void>;
  /** Ends the tokens that this client holds (RFC 7009). */
  revokeSync(): void;
  /** What the server says of this client's token (RFC 7662): `active`, and more as it likes. */
  introspect(): Promise<{ active: boolean } & Record<string, unknown>>;
  /** What the server says of this client's token (RFC 7662). */
  introspectSync(): { active: boolean } & Record<string, unknown>;

  /** Gives up exactly this token, because a resource server refused it. */
  invalidate(token: string | AccessToken): void;
  /**
   * A proof for the `DPoP` header of one request of your own (RFC 9449), made with the key that `token` is bound to. Each
   * request needs a new one, a repeated one too. @throws {ConfigError} if the client was made without `dpop`.
   */
  dpopProof(method: string, url: string | URL, token: string | AccessToken): string;
  /**
   * Keeps the `DPoP-Nonce` header of a resource's answer for the next proofs to the origin of `url`. After a 401 with the error
   * `use_dpop_nonce` the request can be sent once more, with a new proof.
   */
  dpopNonce(url: string | URL, nonce: string): void;
  /** What this client has done so far. */
  stats(): Stats;
  /** Later calls fail with the code `client_closed`. */
  close(): void;
}

// `using client = new Client(...)` where the language has it.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}
export interface Client {
  [Symbol.dispose](): void;
}

/** An issued token. What is printed or serialized of it shows no value. */
export class AccessToken {
  private constructor();
  /** The bearer string. */
  readonly value: string;
  /** `Bearer` (RFC 6750) or `DPoP` (RFC 9449). */
  readonly tokenType: string;
  /** When it expires, by this machine's clock. */
  readonly expiresAt: Date;
  /** Whole seconds left now; 0 when it has expired. */
  readonly expiresIn: number;
  /** The scope that the server named; undefined if it named none. */
  readonly scope: string | undefined;
  /** Where this answer came from. */
  readonly source: 'network' | 'memory' | 'file' | 'redis';
  /** The other members of the server's answer. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Everything but the value and `extra`. */
  toJSON(): Pick<AccessToken, 'tokenType' | 'expiresAt' | 'expiresIn' | 'scope' | 'source'>;
}

/** The base of all errors of this library; itself, a fault of the library (`internal_error`). */
export class TokenwellError extends Error {
  constructor(message: string, details?: Partial<Omit<TokenwellError, 'name' | 'message' | 'stack' | 'cause'>>);
  /** A stable string: an OAuth error code such as `invalid_client`, or one of this library such as `timeout`. */
  readonly code: string;
  /** Whether the same call may succeed later with nothing changed. */
  readonly retryable: boolean;
  /** Seconds until another try makes sense, where that is known. */
  readonly retryAfter?: number;
  /** The status of the HTTP answer, if there was one. */
  readonly httpStatus?: number;
  /** The server's own words (RFC 6749, 5.2), cleaned: for people, not for programs. */
  readonly errorDescription?: string;
  /** What to do next, where that is known. */
  readonly hint?: string;
}
/** An option is missing, unknown, wrong or in conflict with another; nothing was sent. */
export class ConfigError extends TokenwellError {}
/** A source of a secret failed. */
export class SecretError extends TokenwellError {}
/** No answer came: `dns`, `connect`, `closed`, `timeout`, `proxy`, or one of `tls_*`. */
export class TransportError extends TokenwellError {}
/** The server's OAuth error answer (RFC 6749, 5.2). */
export class ServerError extends TokenwellError {}
/** The answer is not a token answer (RFC 6749, 5.1). */
export class ResponseError extends TokenwellError {}
/** A shared store failed; never the outcome of a call for a token. */
export class CacheError extends TokenwellError {}

/**
 * A bearer string for a client id, a client secret and the URL of a token endpoint. Each that is missing comes from
 * `TOKENWELL_CLIENT_ID`, `TOKENWELL_CLIENT_SECRET` or `TOKENWELL_TOKEN_ENDPOINT`. It is cached as by a {@link Client}.
 *
 * Rejects with a {@link TokenwellError}; never resolves to less than a token.
 */
export function getTokenByClientIdAndClientSecret(
  clientId?: string | null,
  clientSecret?: string | null,
  authenticationUrl?: string | null,
): Promise<string>;
