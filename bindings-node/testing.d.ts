/** A request in the log of a {@link Realm}. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Lower-case name to value. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Name to value; a list where a name is repeated. */
  readonly form: Readonly<Record<string, string | string[]>>;
  readonly authorization: string | null;
  readonly status: number;
}

/** An authorization server of its own: with its own client, log, script of answers and clock. */
export class Realm {
  protected constructor();
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly introspectionEndpoint: string;
  readonly httpsIssuer: string;
  readonly httpsTokenEndpoint: string;
  /** PEM file of the certificate authority behind the https endpoints. */
  readonly caFile: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** `tokenEndpoint`, `clientId` and `clientSecret`, for `new Client`. */
  readonly options: { tokenEndpoint: string; clientId: string; clientSecret: string };

  /** The requests to this realm so far: the last 1000. */
  requests(): Promise<LoggedRequest[]>;
  /** The whole log. `inFlight`: token requests under way; `total`: all requests; `issued`: the tokens. */
  log(): Promise<{ inFlight: number; canary: number; total: number; issued: string[]; requests: LoggedRequest[] }>;
  /** Replaces the script: what the next token requests are answered with. */
  script(answers: readonly object[]): Promise<void>;
  /** Moves both clocks forward by so many seconds: this realm's and the library's. */
  advance(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** The development authorization server, on loopback, for tests. */
export class AuthorizationServer extends Realm {
  /**
   * Starts the program and waits until it serves. It ends with this process, or by `close`.
   *
   * `program`: its path. Default: `TOKENWELL_DEV_SERVER`, else `tokenwell-dev-server` on PATH, else this package's own
   * `tokenwell serve`.
   */
  static start(options?: { program?: string }): Promise<AuthorizationServer>;
  /** Makes another realm. `server`: its client, authentication methods and script. */
  realm(server?: object): Promise<Realm>;
}

declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}
export interface Realm {
  [Symbol.asyncDispose](): Promise<void>;
}

/** Moves the library's clock of this process forward by so many seconds, so that tokens age without waiting. */
export function advanceClock(seconds: number): void;

/** Moves this process's wall clock alone, as the library sees it, as when somebody sets the clock. */
export function jumpWallClock(seconds: number): void;

/** The next token request of this process panics inside the library; its callers get the code `internal_error`. */
export function panicInNextFlight(): void;
