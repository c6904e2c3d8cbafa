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
 * longer valid. A token that is bound to a key (`dpop`) goes with its proof, and once more with the nonce of the resource. The inner client must not follow redirects by itself, or the token goes where they lead.
 */
final class TokenwellClient implements ClientInterface
{
    public function __construct(private readonly Client $client, private readonly ClientInterface $inner)
    {
    }

    /** @throws TokenNotObtained there is no token; nothing was sent */
    public function sendRequest(RequestInterface $request): ResponseInterface
    {
        $retry = new Retry($this->client);
        $authorization = $this->authorization($request);
        do {
            $response = $this->inner->sendRequest($retry->with($request, $authorization));
            $again = $retry->mayHelp($request, $response) && $retry->helps($authorization = $this->authorization($request));
        } while ($again);
        return $response;
    }

    private function authorization(RequestInterface $request): string
    {
        try {
            return $this->client->authorization();
        } catch (TokenwellError $error) {
            throw new TokenNotObtained($request, $error);
        }
    }
}
