<?php

declare(strict_types=1);

namespace Tokenwell\Guzzle;

use GuzzleHttp\Exception\RequestException;
use GuzzleHttp\Promise\Create;
use GuzzleHttp\Promise\PromiseInterface;
use GuzzleHttp\Psr7\UriResolver;
use GuzzleHttp\Psr7\Utils;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Tokenwell\Client;
use Tokenwell\Internal\Retry;
use Tokenwell\TokenwellError;

/**
 * Sends each request with a token, and once more with a new one when the resource says that it is no longer valid. A
 * token that is bound to a key (`dpop`) goes with its proof, and once more with the nonce of the resource. A redirect to another origin is refused: the token would go there.
 *
 *     $stack = HandlerStack::create();
 *     $stack->push(TokenwellMiddleware::for($client));
 */
final class TokenwellMiddleware
{
    /** @param callable(RequestInterface, array<string, mixed>): PromiseInterface $next */
    private function __construct(private readonly Client $client, private $next)
    {
    }

    /** The middleware, for `HandlerStack::push()`. */
    public static function for(Client $client): callable
    {
        return
            /** @param callable(RequestInterface, array<string, mixed>): PromiseInterface $next */
            static fn (callable $next): callable => new self($client, $next);
    }

    /** @param array<string, mixed> $options of the transfer */
    public function __invoke(RequestInterface $request, array $options): PromiseInterface
    {
        try {
            return $this->attempt($request, $options, new Retry($this->client), $this->client->authorization());
        } catch (TokenwellError $error) {
            return Create::rejectionFor($error);
        }
    }

    /** @param array<string, mixed> $options */
    private function attempt(RequestInterface $request, array $options, Retry $retry, #[\SensitiveParameter] string $authorization): PromiseInterface
    {
        return $this->send($retry->with($request, $authorization), $options)->then(
            function (ResponseInterface $response) use ($request, $options, $retry): ResponseInterface|PromiseInterface {
                if (!$retry->mayHelp($request, $response)) {
                    return $response;
                }
                $new = $this->client->authorization();
                return $retry->helps($new) ? $this->attempt($request, $options, $retry, $new) : $response;
            },
        );
    }

    /** @param array<string, mixed> $options */
    private function send(RequestInterface $request, array $options): PromiseInterface
    {
        $sent = ($this->next)($request, $options);
        return $sent->then(static function (ResponseInterface $response) use ($request, $options): ResponseInterface {
            $location = $response->getHeaderLine('Location');
            $follows = !empty($options['allow_redirects']) && intdiv($response->getStatusCode(), 100) === 3 && $location !== '';
            $to = $follows ? UriResolver::resolve($request->getUri(), Utils::uriFor($location)) : $request->getUri();
            if (!Retry::sameOrigin($request->getUri(), $to)) {
                throw new RequestException("a redirect to {$to->getHost()}, another origin, is refused: the token would go there", $request, $response);
            }
            return $response;
        });
    }
}
