<?php

declare(strict_types=1);

namespace Tokenwell;

use Tokenwell\Internal\Handle;
use Tokenwell\Internal\Library;
use Tokenwell\Internal\Options;

/**
 * Gets tokens for one set of options and keeps them, for this process and all its requests. Clients of equal options
 * share their tokens, so that one client for each request costs nothing.
 *
 * The options of a call, for `token()`, `accessToken()` and `authorization()`: `scope` (string or list), `audience`
 * (string or list), `resource` (URI or list, RFC 8707) and `minValid`, the seconds of life that the token must still have.
 */
final class Client
{
    private readonly Handle $handle;

    /**
     * Checks the options. Sends nothing.
     *
     * @param string|null $clientId client identifier (RFC 6749 section 2.2)
     * @param string|null $clientSecret client secret (RFC 6749 section 2.3.1)
     * @param string|null $tokenEndpoint URL of the token endpoint (RFC 6749 section 3.2): https, or http on a loopback host
     * @param string|null $tokenEndpointAuthMethod `client_secret_basic` (default), `client_secret_post` or `none`
     * @param string|null $basicEncoding `form` (default, RFC 6749 section 2.3.1) or `raw`
     * @param string|null $tlsCaFile PEM file of the certificate authorities to trust instead of the system's
     * @param string|null $proxy URL of an HTTP proxy; default: the proxy variables of the environment
     * @param float|int|null $connectTimeout seconds, default 5
     * @param float|int|null $timeout seconds for a call in all, default 10
     * @param string|list<string>|null $scope (RFC 6749 section 3.3)
     * @param string|list<string>|null $audience
     * @param string|list<string>|null $resource absolute URIs (RFC 8707)
     * @param array<string, string>|null $extraParameters more parameters of the token request
     * @param float|null $refreshAt fraction of the lifetime after which a token is renewed in the background, default 0.75
     * @param float|int|null $leeway seconds before expiry from which a token is not handed out any more
     * @param float|int|null $defaultLifetime seconds that a token without expires_in is taken to live, default 300
     * @param string|null $cache `memory` (default) or `none`
     * @param mixed ...$more options of newer libraries; one that is unknown is a ConfigError that names the nearest
     * @throws ConfigError
     */
    public function __construct(
        mixed $clientId = null,
        #[\SensitiveParameter] mixed $clientSecret = null,
        mixed $tokenEndpoint = null,
        mixed $tokenEndpointAuthMethod = null,
        mixed $basicEncoding = null,
        mixed $tlsCaFile = null,
        #[\SensitiveParameter] mixed $proxy = null,
        mixed $connectTimeout = null,
        mixed $timeout = null,
        mixed $scope = null,
        mixed $audience = null,
        mixed $resource = null,
        #[\SensitiveParameter] mixed $extraParameters = null,
        mixed $refreshAt = null,
        mixed $leeway = null,
        mixed $defaultLifetime = null,
        mixed $cache = null,
        #[\SensitiveParameter] mixed ...$more,
    ) {
        $options = get_defined_vars();
        unset($options['more']);
        $json = Options::json($options + $more);
        $this->handle = Library::make('client', 'tokenwell_client_new', $json, \strlen($json));
    }

    /**
     * Takes each option from the environment: `TOKENWELL_` and its name in capitals, e.g. `TOKENWELL_CLIENT_ID`.
     *
     * @throws ConfigError
     */
    public static function fromEnv(): self
    {
        return self::of(Library::make('client', 'tokenwell_client_from_env'));
    }

    /**
     * The client behind {@see getTokenByClientIdAndClientSecret()}.
     *
     * @internal
     * @throws ConfigError
     */
    public static function fromGuide(?string $clientId, #[\SensitiveParameter] ?string $clientSecret, ?string $authenticationUrl): self
    {
        $arguments = [];
        foreach ([$clientId, $clientSecret, $authenticationUrl] as $argument) {
            array_push($arguments, $argument, \strlen($argument ?? ''));
        }
        return self::of(Library::make('client', 'tokenwell_client_from_guide', ...$arguments));
    }

    private static function of(Handle $handle): self
    {
        $client = (new \ReflectionClass(self::class))->newInstanceWithoutConstructor();
        $client->handle = $handle;
        return $client;
    }

    /**
     * The bearer token: the kept one while it is good, else a new one. Waits for at most the client's `timeout`.
     *
     * @param string|list<string>|null $scope
     * @param string|list<string>|null $audience
     * @param string|list<string>|null $resource
     * @param float|int|null $minValid seconds
     * @throws TokenwellError
     */
    public function token(mixed $scope = null, mixed $audience = null, mixed $resource = null, mixed $minValid = null): string
    {
        $token = $this->obtain(get_defined_vars());
        return Library::ffi()->tokenwell_token_value($token->pointer);
    }

    /**
     * The token and what came with it; arguments as for {@see token()}.
     *
     * @param string|list<string>|null $scope
     * @param string|list<string>|null $audience
     * @param string|list<string>|null $resource
     * @param float|int|null $minValid seconds
     * @throws TokenwellError
     */
    public function accessToken(
        mixed $scope = null,
        mixed $audience = null,
        mixed $resource = null,
        mixed $minValid = null,
    ): AccessToken {
        return new AccessToken($this->obtain(get_defined_vars()));
    }

    /**
     * The value of an `Authorization` header, `Bearer ...` (RFC 6750 section 2.1); arguments as for {@see token()}.
     *
     * @param string|list<string>|null $scope
     * @param string|list<string>|null $audience
     * @param string|list<string>|null $resource
     * @param float|int|null $minValid seconds
     * @throws TokenwellError
     */
    public function authorization(
        mixed $scope = null,
        mixed $audience = null,
        mixed $resource = null,
        mixed $minValid = null,
    ): string {
        $token = $this->obtain(get_defined_vars());
        return Library::ffi()->tokenwell_token_authorization($token->pointer);
    }

    /** Says that a resource refused this token: the next call gets a new one. Nothing happens if it is no longer the kept one. */
    public function invalidate(#[\SensitiveParameter] string|AccessToken $token): void
    {
        $value = $token instanceof AccessToken ? $token->value : $token;
        Library::ffi()->tokenwell_client_invalidate($this->handle->pointer, $value, \strlen($value));
    }

    /** @return array<string, int> the client's counters, with the names of the other languages */
    public function stats(): array
    {
        $ffi = Library::ffi();
        $text = $ffi->tokenwell_client_stats($this->handle->pointer);
        try {
            return json_decode(\FFI::string($text), true, flags: JSON_THROW_ON_ERROR);
        } finally {
            $ffi->tokenwell_string_free($text);
        }
    }

    /** Ends the client: later token calls throw a ConfigError with the code `client_closed`. A second call does nothing. */
    public function close(): void
    {
        Library::ffi()->tokenwell_client_close($this->handle->pointer);
    }

    /** @return array<string, mixed> */
    public function __debugInfo(): array
    {
        return [];
    }

    /** @param array<string, mixed> $options of this call */
    private function obtain(array $options): Handle
    {
        $options = array_filter($options, static fn (mixed $value): bool => $value !== null);
        if ($options === []) {
            return Library::make('token', 'tokenwell_client_token', $this->handle->pointer);
        }
        $json = Options::json($options);
        return Library::make('token', 'tokenwell_client_token_with', $this->handle->pointer, $json, \strlen($json));
    }
}
