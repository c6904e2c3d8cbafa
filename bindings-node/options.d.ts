// Generated from core/schema/config.schema.json by scripts/options.mjs.

/**
 * Options of a client; either `issuer` or `tokenEndpoint` is needed. Times are in seconds. An unknown option is a
 * `ConfigError` that names the nearest known one.
 */
export interface ClientOptions {
  /** The token of the one who acts for the subject (RFC 8693 section 2.1), read again for each fetch. */
  actorToken?: Source;
  /** What `actorToken` is. Default: urn:ietf:params:oauth:token-type:access_token. */
  actorTokenType?: string;
  /** `aud` of the assertion. Default: the issuer. */
  assertionAudience?: string;
  /** `sub` of the grant that is signed for jwt-bearer (RFC 7523 section 3). Default: the client. */
  assertionSubject?: string;
  /** `typ` of the assertion's header. Default: client-authentication+jwt. */
  assertionTypeHeader?: string;
  /** Audience of the token (RFC 8693 section 2.1), as many servers take it: a string or a list. */
  audience?: OneOrMany;
  /** Authorization details (RFC 9396): a list of objects, each with its type. */
  authorizationDetails?: readonly Readonly<Record<string, unknown>>[];
  /** Encoding of id and secret in HTTP Basic: form (RFC 6749 section 2.3.1) or raw. Default: form. */
  basicEncoding?: BasicEncoding;
  /** Where tokens are kept: "memory", "none", or for other processes too "file", {"file": DIR}, {"redis": URL}. Default: memory. */
  cache?: Cache;
  /** Secret of 16 bytes or more that seals what is kept in a shared store. Default: derived from the client's credential. */
  cacheKey?: Source;
  /** A ready assertion from a source, read again for each fetch (RFC 7523 section 2.2; workload identity federation). */
  clientAssertion?: Source;
  /** Client identifier (RFC 6749 section 2.2). */
  clientId: string;
  /** Client secret (RFC 6749 section 2.3.1). */
  clientSecret?: Source;
  /** Seconds that a connection may take. Default: 5. */
  connectTimeout?: number;
  /** Seconds that a token without expires_in is taken to live. Default: 300. */
  defaultLifetime?: number;
  /** Proof of possession (RFC 9449): true, or the algorithm of the proofs: ES256, ES384, EdDSA; RS256, PS256 with `dpopKey`. Default: false. */
  dpop?: Dpop;
  /** Private key of the proofs: PEM or JWK, read once, when the client is made. Default: a new key for each client. */
  dpopKey?: Source;
  /** Additional parameters of the token request. None of those that the library sets. */
  extraParameters?: Readonly<Record<string, string>>;
  /** What the token is asked for with: client_credentials, urn:ietf:params:oauth:grant-type:jwt-bearer (RFC 7523 section 2.1), urn:ietf:params:oauth:grant-type:token-exchange (RFC 8693), or another name. Default: client_credentials. */
  grantType?: string;
  /** URL of the introspection endpoint (RFC 7662). Default: what the issuer's metadata names. */
  introspectionEndpoint?: string;
  /** Issuer identifier (RFC 8414 section 2), https: the token endpoint is read from its metadata. This or `tokenEndpoint`. */
  issuer?: string | URL;
  /** Seconds before expiry from which a token is no longer handed out without asking. Default: the smaller of 10 and a tenth of the lifetime. */
  leeway?: number;
  /** Private key for private_key_jwt: PEM (PKCS#1, PKCS#8, SEC1) or JWK. A certificate of it in the PEM is named in x5t#S256. */
  privateKey?: Source;
  /** `kid` of the assertion's header. Default: that of the JWK, if it has one. */
  privateKeyId?: string;
  /** Name of a provider profile, which sets what is odd about that provider: entra, auth0, okta, keycloak, zoom, ... */
  provider?: string;
  /** URL of an HTTP proxy. Default: the proxy variables of the environment. */
  proxy?: string | URL;
  /** Fraction of the lifetime after which a token is refreshed in the background. Default: 0.75. */
  refreshAt?: number;
  /** Whether a file with a secret that every user of the machine can read is an error. Default: false, it is warned of. */
  requirePrivateFiles?: boolean;
  /** Whether an answer with less than the scope that was asked for is an error (RFC 6749 section 3.3). Default: false, it is shown. */
  requireScope?: boolean;
  /** Resource indicators (RFC 8707): absolute URIs without fragment. */
  resource?: OneOrMany;
  /** URL of the revocation endpoint (RFC 7009). Default: what the issuer's metadata names. */
  revocationEndpoint?: string;
  /** Scope (RFC 6749 section 3.3): a string with spaces, or a list. */
  scope?: OneOrMany;
  /** The token to exchange (RFC 8693 section 2.1), read again for each fetch. */
  subjectToken?: Source;
  /** What `subjectToken` is. Default: urn:ietf:params:oauth:token-type:access_token. */
  subjectTokenType?: string;
  /** Seconds that a call may take in all, repeats included. Default: 10. */
  timeout?: number;
  /** PEM file of the certificate authorities to trust instead of the operating system's. */
  tlsCaFile?: string;
  /** Client certificate, PEM, its chain behind it: for tls_client_auth, and to bind tokens to it (RFC 8705). https only. */
  tlsClientCertificate?: Source;
  /** Private key of `tlsClientCertificate`, PEM. */
  tlsClientKey?: Source;
  /** URL of the token endpoint (RFC 6749 section 3.2). https, or http on a loopback host. */
  tokenEndpoint?: string | URL;
  /** Client authentication method (RFC 7591 section 2). Default: client_secret_basic with a secret, private_key_jwt with a key, tls_client_auth with a certificate alone. */
  tokenEndpointAuthMethod?: AuthMethod;
  /** Algorithm of the assertion (RFC 7591 section 2): RS256, PS256, ES256, ES384, EdDSA; HS256 with a secret. Default: the key's own. */
  tokenEndpointAuthSigningAlg?: string;
}

/** How the client proves who it is at the token endpoint (RFC 7591 section 2, `tokenEndpointAuthMethod`). */
export type AuthMethod = 'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt' | 'private_key_jwt' | 'tls_client_auth' | 'self_signed_tls_client_auth' | 'none';

/** What happens to id and secret before they are joined for HTTP Basic. */
export type BasicEncoding = 'form' | 'raw';

/** Where tokens are kept. */
export type Cache = CachePlace | CacheStore;

/** Where tokens are kept, in a word. */
export type CachePlace = 'memory' | 'none' | 'file';

/** A store that processes share, and its place. */
export type CacheStore = { file: string; group?: boolean } | { redis: string };

/** Whether tokens are bound to a key, and by which algorithm it signs. */
export type Dpop = boolean | string;

/** `{"command": [ARGV...]}` */
export type FromCommand = { command: readonly string[] };

/** `{"env": NAME}` */
export type FromEnv = { env: string };

/** `{"file": PATH}` */
export type FromFile = { file: string };

/** `{"keyring": {"service": S, "account": A}}` */
export type FromKeyring = { keyring: KeyringEntry };

/** An entry, by the two names that key rings know it by. */
export type KeyringEntry = { account: string; service: string };

/** One string, or a list of strings. */
export type OneOrMany = string | readonly string[];

/** A secret, or where it is read from. */
export type Source = string | FromEnv | FromFile | FromCommand | FromKeyring;
