<?php

declare(strict_types=1);

namespace Tokenwell\Internal;

use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\UriInterface;

/**
 * What the HTTP clients have in common.
 *
 * @internal
 */
final class Retry
{
    /**
     * Whether a new token may help: 401 with `invalid_token` or no error (RFC 6750 section 3.1), and the body, which the
     * first attempt has read, can be sent again.
     */
    public static function helps(RequestInterface $request, ResponseInterface $response): bool
    {
        if ($response->getStatusCode() !== 401) {
            return false;
        }
        $error = [];
        preg_match('/\berror\s*=\s*"?([^",\s]*)/i', $response->getHeaderLine('WWW-Authenticate'), $error);
        $body = $request->getBody();
        return \in_array($error[1] ?? 'invalid_token', ['', 'invalid_token'], true) && ($body->isSeekable() || $body->getSize() === 0);
    }

    /** The request with the token, its body at the start. */
    public static function with(RequestInterface $request, #[\SensitiveParameter] string $token): RequestInterface
    {
        if ($request->getBody()->isSeekable()) {
            $request->getBody()->rewind();
        }
        return $request->withHeader('Authorization', "Bearer $token");
    }

    public static function sameOrigin(UriInterface $one, UriInterface $other): bool
    {
        $port = static fn (UriInterface $uri): int => $uri->getPort() ?? ($uri->getScheme() === 'https' ? 443 : 80);
        return [$one->getScheme(), strtolower($one->getHost()), $port($one)]
            === [$other->getScheme(), strtolower($other->getHost()), $port($other)];
    }
}
