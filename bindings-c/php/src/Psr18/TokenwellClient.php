<?php

declare(strict_types=1);

namespace Tokenwell\Psr18;

use Psr\Http\Client\ClientInterface;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Tokenwell\Client;
use Tokenwell\Internal\Retry;
use Tokenwell\TokenwellError;

/**
 * A PSR-18 client that sends each request with a token, and once more with a new one when the resource says that it is no
 * longer valid. The inner client must not follow redirects by itself, or the token goes where they lead.
 */
final class TokenwellClient implements ClientInterface
{
    public function __construct(private readonly Client $client, private readonly ClientInterface $inner)
    {
    }

    /** @throws TokenNotObtained there is no token; nothing was sent */
    public function sendRequest(RequestInterface $request): ResponseInterface
    {
        $token = $this->token($request);
        $response = $this->inner->sendRequest(Retry::with($request, $token));
        if (!Retry::helps($request, $response)) {
            return $response;
        }
        $this->client->invalidate($token);
        $new = $this->token($request);
        return $new === $token ? $response : $this->inner->sendRequest(Retry::with($request, $new));
    }

    private function token(RequestInterface $request): string
    {
        try {
            return $this->client->token();
        } catch (TokenwellError $error) {
            throw new TokenNotObtained($request, $error);
        }
    }
}
