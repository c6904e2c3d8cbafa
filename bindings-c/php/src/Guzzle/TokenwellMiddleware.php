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
 * redirect to another origin is refused: the token would go there.
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
            $token = $this->client->token();
        } catch (TokenwellError $error) {
            return Create::rejectionFor($error);
        }
        return $this->send($request, $options, $token)->then(
            function (ResponseInterface $response) use ($request, $options, $token): ResponseInterface|PromiseInterface {
                if (!Retry::helps($request, $response)) {
                    return $response;
                }
                $this->client->invalidate($token);
                $new = $this->client->token();
                return $new === $token ? $response : $this->send($request, $options, $new);
            },
        );
    }

    /** @param array<string, mixed> $options */
    private function send(RequestInterface $request, array $options, #[\SensitiveParameter] string $token): PromiseInterface
    {
        $sent = ($this->next)(Retry::with($request, $token), $options);
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
