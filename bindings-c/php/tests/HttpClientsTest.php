<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use GuzzleHttp\Client as Guzzle;
use GuzzleHttp\Exception\RequestException;
use GuzzleHttp\Handler\MockHandler;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use GuzzleHttp\Psr7\NoSeekStream;
use GuzzleHttp\Psr7\Request;
use GuzzleHttp\Psr7\Response;
use GuzzleHttp\Psr7\Utils;
use PHPUnit\Framework\TestCase;
use Psr\Http\Client\ClientInterface;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;
use Tokenwell\Client;
use Tokenwell\Guzzle\TokenwellMiddleware;
use Tokenwell\Psr18\TokenNotObtained;
use Tokenwell\Psr18\TokenwellClient;
use Tokenwell\ServerError;
use Tokenwell\Testing\AuthorizationServer;

/** The token in the HTTP client that the user already has. The resources are answers in memory. */
final class HttpClientsTest extends TestCase
{
    private static AuthorizationServer $server;
    private static int $clients = 0;
    /** @var list<array{request: RequestInterface}> */
    private array $sent = [];

    public static function setUpBeforeClass(): void
    {
        self::$server = new AuthorizationServer();
    }

    public static function tearDownAfterClass(): void
    {
        self::$server->stop();
    }

    private function client(?string $secret = null): Client
    {
        // A scope of its own: no test gets a token of another, and at most one token in 5 s is renewed for each scope.
        return new Client(
            clientId: self::$server->clientId,
            clientSecret: $secret ?? self::$server->clientSecret,
            tokenEndpoint: self::$server->tokenEndpoint,
            scope: 'test-' . ++self::$clients,
        );
    }

    /** @param list<Response> $answers */
    private function psr18(Client $client, array $answers): ClientInterface
    {
        $inner = new class ($answers, $this->sent) implements ClientInterface {
            /**
             * @param list<Response> $answers
             * @param list<array{request: RequestInterface}> $sent
             */
            public function __construct(private array $answers, private array &$sent)
            {
            }

            public function sendRequest(RequestInterface $request): ResponseInterface
            {
                $this->sent[] = ['request' => $request, 'body' => $request->getBody()->getContents()];
                return array_shift($this->answers);
            }
        };
        return new TokenwellClient($client, $inner);
    }

    /** @param list<Response> $answers */
    private function guzzle(Client $client, array $answers): Guzzle
    {
        $stack = HandlerStack::create(new MockHandler($answers));
        $stack->push(TokenwellMiddleware::for($client));
        $stack->push(Middleware::history($this->sent));
        return new Guzzle(['handler' => $stack, 'http_errors' => false]);
    }

    /** @return list<string> */
    private function headers(): array
    {
        return array_map(static fn (array $one): string => $one['request']->getHeaderLine('Authorization'), $this->sent);
    }

    /** @return iterable<string, array{list<Response>, int, int}> answers, requests that must be sent, final status */
    public function challenges(): iterable
    {
        $ok = new Response(200);
        yield 'a good answer' => [[$ok], 1, 200];
        yield '401 without a challenge' => [[new Response(401), $ok], 2, 200];
        yield '401 without an error' => [[new Response(401, ['WWW-Authenticate' => 'Bearer realm="x"']), $ok], 2, 200];
        yield '401 invalid_token' => [[new Response(401, ['WWW-Authenticate' => 'Bearer error="invalid_token"']), $ok], 2, 200];
        yield '401 twice' => [[new Response(401), new Response(401), $ok], 2, 401];
        yield '401 insufficient_scope' => [[new Response(401, ['WWW-Authenticate' => 'Bearer error="insufficient_scope"'])], 1, 401];
        yield '403 invalid_token' => [[new Response(403, ['WWW-Authenticate' => 'Bearer error="invalid_token"'])], 1, 403];
    }

    /**
     * @dataProvider challenges
     * @param list<Response> $answers
     */
    public function testPsr18(array $answers, int $requests, int $status): void
    {
        $client = $this->client();
        $response = $this->psr18($client, $answers)->sendRequest(new Request('POST', 'https://api.example.com/', body: 'the body'));
        $this->check($client, $response, $requests, $status);
        self::assertSame(array_fill(0, $requests, 'the body'), array_column($this->sent, 'body'));
    }

    /**
     * @dataProvider challenges
     * @param list<Response> $answers
     */
    public function testGuzzle(array $answers, int $requests, int $status): void
    {
        $client = $this->client();
        $response = $this->guzzle($client, $answers)->post('https://api.example.com/', ['body' => 'the body']);
        $this->check($client, $response, $requests, $status);
    }

    private function check(Client $client, ResponseInterface $response, int $requests, int $status): void
    {
        self::assertSame($status, $response->getStatusCode());
        $headers = $this->headers();
        self::assertCount($requests, $headers);
        self::assertCount($requests, array_unique($headers), 'the second attempt has another token');
        self::assertSame($client->authorization(), end($headers));
    }

    public function testABodyThatCannotBeReadAgainIsSentOnce(): void
    {
        $request = new Request('POST', 'https://api.example.com/', body: new NoSeekStream(Utils::streamFor('the body')));
        $response = $this->psr18($this->client(), [new Response(401)])->sendRequest($request);
        self::assertSame(401, $response->getStatusCode());
        self::assertCount(1, $this->sent);
    }

    public function testWithoutATokenNothingIsSentByPsr18(): void
    {
        try {
            $this->psr18($this->client('wrong'), [new Response(200)])->sendRequest(new Request('GET', 'https://api.example.com/'));
            self::fail('no exception');
        } catch (TokenNotObtained $error) {
            self::assertInstanceOf(ServerError::class, $error->getPrevious());
            self::assertSame([], $this->sent);
        }
    }

    public function testWithoutATokenNothingIsSentByGuzzle(): void
    {
        try {
            $this->guzzle($this->client('wrong'), [new Response(200)])->get('https://api.example.com/');
            self::fail('no exception');
        } catch (ServerError $error) {
            self::assertSame('invalid_client', $error->getCode());
            self::assertSame([], $this->sent);
        }
    }

    /** @return iterable<string, array{string, bool}> */
    public function redirects(): iterable
    {
        yield 'a path' => ['/elsewhere', true];
        yield 'the same origin' => ['https://api.example.com:443/elsewhere', true];
        yield 'another host' => ['https://evil.example.com/', false];
        yield 'another port' => ['https://api.example.com:8443/', false];
        yield 'another scheme' => ['http://api.example.com/', false];
        yield 'no scheme' => ['//evil.example.com/', false];
    }

    /** @dataProvider redirects */
    public function testGuzzleFollowsARedirectInTheSameOriginAlone(string $location, bool $allowed): void
    {
        $guzzle = $this->guzzle($this->client(), [new Response(302, ['Location' => $location]), new Response(200)]);
        try {
            $status = $guzzle->get('https://api.example.com/')->getStatusCode();
        } catch (RequestException $error) {
            self::assertStringContainsString('another origin', $error->getMessage());
            $status = null;
        }
        self::assertSame($allowed ? 200 : null, $status);
        self::assertCount($allowed ? 2 : 1, $this->sent);
    }

    /** @return iterable<string, array{list<Response>, int, int, int}> answers, requests that must be sent, tokens, final status */
    public function challengesOfProofs(): iterable
    {
        $ok = new Response(200);
        $nonce = new Response(401, ['WWW-Authenticate' => 'DPoP error="use_dpop_nonce", algs="ES256"', 'DPoP-Nonce' => 'n-1']);
        $invalid = new Response(401, ['WWW-Authenticate' => 'DPoP error="invalid_token"']);
        yield 'a good answer' => [[$ok], 1, 1, 200];
        yield 'a nonce is wanted' => [[$nonce, $ok], 2, 1, 200];
        yield 'a nonce is wanted, twice' => [[$nonce, $nonce, $ok], 2, 1, 401];
        yield 'a nonce is wanted, but not named' => [[$nonce->withoutHeader('DPoP-Nonce'), $ok], 1, 1, 401];
        yield 'the token is refused' => [[$invalid, $ok], 2, 2, 200];
        yield 'a nonce, and then another token' => [[$nonce, $invalid, $ok], 3, 2, 200];
        yield 'the proof is refused' => [[new Response(401, ['WWW-Authenticate' => 'DPoP error="invalid_dpop_proof"']), $ok], 1, 1, 401];
    }

    /**
     * @dataProvider challengesOfProofs
     * @param list<Response> $answers
     */
    public function testS29BoundTokens(array $answers, int $requests, int $tokens, int $status): void
    {
        foreach (['psr18', 'guzzle'] as $door) {
            $this->sent = [];
            $made = self::$server->call('POST', 'realms', ['dpop' => 'required']);
            $client = new Client($made['vars']['client_id'], $made['vars']['client_secret'], $made['vars']['token_endpoint'], dpop: true);
            $request = new Request('POST', 'https://api.example.com/a?b=c', body: 'the body');
            $sender = $this->$door($client, $answers);
            $response = $door === 'psr18' ? $sender->sendRequest($request) : $sender->send($request);
            self::assertSame($status, $response->getStatusCode());
            $headers = $this->headers();
            self::assertSame([$requests, $tokens], [\count($headers), \count(array_unique($headers))]);
            $proofs = array_map(static fn (array $one): string => $one['request']->getHeaderLine('DPoP'), $this->sent);
            self::assertCount($requests, array_unique($proofs));
            foreach ($proofs as $number => $proof) {
                $claims = json_decode(base64_decode(strtr(explode('.', $proof)[1], '-_', '+/'), true), true);
                self::assertSame(['POST', 'https://api.example.com/a'], [$claims['htm'], $claims['htu']]);
                self::assertSame($number === 0 || $answers[0]->getHeaderLine('DPoP-Nonce') === '' ? null : 'n-1', $claims['nonce'] ?? null);
            }
            self::$server->call('DELETE', "realms/{$made['realm']}");
        }
    }
}
