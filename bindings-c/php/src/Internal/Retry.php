<?php

declare(strict_types=1);

namespace Tokenwell\Internal;

use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\UriInterface;
use Tokenwell\Client;

/**
 * One request to a resource and its repeats, for all HTTP clients: at most one with a newer token, and one with the nonce
 * of the resource (RFC 9449 section 9).
 *
 * @internal
 */
final class Retry
{
    private string $sent = '';
    private bool $renewed = false;
    private bool $noted = false;
    private bool $sameTokenHelps = false;

    public function __construct(private readonly Client $client)
    {
    }

    /** The request with the token of this `Authorization` header, with a new proof where it is bound to a key, its body at the start. */
    public function with(RequestInterface $request, #[\SensitiveParameter] string $authorization): RequestInterface
    {
        $this->sent = $authorization;
        if ($request->getBody()->isSeekable()) {
            $request->getBody()->rewind();
        }
        $request = $request->withHeader('Authorization', $authorization);
        if (!str_starts_with($authorization, 'DPoP ')) {
            return $request;
        }
        $proof = $this->client->dpopProof($request->getMethod(), (string) $request->getUri(), self::token($authorization));
        return $request->withHeader('DPoP', $proof);
    }

    /**
     * Whether a repeat may help: 401 with `invalid_token` or no error (RFC 6750 section 3.1), whose token is given up, or with
     * `use_dpop_nonce`; and the body, which the first attempt has read, can be sent again. The nonce is kept.
     */
    public function mayHelp(RequestInterface $request, ResponseInterface $response): bool
    {
        $nonce = $response->getHeaderLine('DPoP-Nonce');
        if ($nonce !== '') {
            $this->client->dpopNonce((string) $request->getUri(), $nonce);
        }
        $body = $request->getBody();
        if ($response->getStatusCode() !== 401 || !$body->isSeekable() && $body->getSize() !== 0) {
            return false;
        }
        $found = [];
        preg_match('/\berror\s*=\s*"?([^",\s]*)/i', $response->getHeaderLine('WWW-Authenticate'), $found);
        $error = $found[1] ?? '';
        $this->sameTokenHelps = $error === 'use_dpop_nonce' && $nonce !== '' && !$this->noted;
        if ($this->sameTokenHelps) {
            return $this->noted = true;
        }
        if ($this->renewed || !\in_array($error, ['', 'invalid_token'], true)) {
            return false;
        }
        $this->client->invalidate(self::token($this->sent));
        return $this->renewed = true;
    }

    /** Whether this header, asked for after `mayHelp()`, is worth the repeat. */
    public function helps(#[\SensitiveParameter] string $authorization): bool
    {
        return $this->sameTokenHelps || $authorization !== $this->sent;
    }

    private static function token(#[\SensitiveParameter] string $authorization): string
    {
        return substr($authorization, (int) strpos($authorization, ' ') + 1);
    }

    public static function sameOrigin(UriInterface $one, UriInterface $other): bool
    {
        $port = static fn (UriInterface $uri): int => $uri->getPort() ?? ($uri->getScheme() === 'https' ? 443 : 80);
        return [$one->getScheme(), strtolower($one->getHost()), $port($one)]
            === [$other->getScheme(), strtolower($other->getHost()), $port($other)];
    }
}
