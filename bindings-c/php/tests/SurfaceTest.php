<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\TestCase;
use Tokenwell\AccessToken;
use Tokenwell\Client;
use Tokenwell\ConfigError;
use Tokenwell\Internal\Handle;
use Tokenwell\Internal\Library;
use Tokenwell\ServerError;
use Tokenwell\Testing\AuthorizationServer;
use Tokenwell\TokenwellError;

use function Tokenwell\getTokenByClientIdAndClientSecret;

/** The interface as a user of PHP sees it. */
final class SurfaceTest extends TestCase
{
    private static AuthorizationServer $server;

    public static function setUpBeforeClass(): void
    {
        self::$server = new AuthorizationServer();
    }

    public static function tearDownAfterClass(): void
    {
        self::$server->stop();
    }

    protected function tearDown(): void
    {
        foreach (['CLIENT_ID', 'CLIENT_SECRET', 'TOKEN_ENDPOINT', 'SCOPE'] as $name) {
            putenv("TOKENWELL_$name");
        }
    }

    private function client(mixed ...$more): Client
    {
        return new Client(...[
            'clientId' => self::$server->clientId,
            'clientSecret' => self::$server->clientSecret,
            'tokenEndpoint' => self::$server->tokenEndpoint,
            'scope' => $this->getName(false),
            ...$more,
        ]);
    }

    public function testATokenIsFetchedOnceAndKept(): void
    {
        $client = $this->client();
        $token = $client->token();
        self::assertNotSame('', $token);
        self::assertSame($token, $client->token());
        self::assertSame($token, $this->client()->token(), 'a client of equal options shares the token');
        self::assertSame("Bearer $token", $client->authorization());
        self::assertSame(1, $client->stats()['token_requests']);
    }

    /** @return iterable<string, array{string}> */
    public function ends(): iterable
    {
        yield 'invalidate' => ['invalidate'];
        yield 'revoke' => ['revoke'];
        yield 'close' => ['close'];
    }

    /** @dataProvider ends */
    public function testATokenThatIsGivenUpIsNotHeld(string $end): void
    {
        $client = $this->client(revocationEndpoint: self::$server->issuer . '/revoke');
        $token = $client->token();
        $parts = static fn (): int => \count(array_filter((array) $client));
        $before = $parts();
        $client->$end(...$end === 'invalidate' ? [$token] : []);
        self::assertSame($before - 1, $parts(), 'its handle is not there');
    }

    public function testAnAccessTokenHasItsFields(): void
    {
        $token = $this->client()->accessToken();
        self::assertInstanceOf(AccessToken::class, $token);
        self::assertSame(['Bearer', 'network'], [$token->tokenType, $token->source]);
        self::assertSame($this->getName(), $token->scope);
        self::assertEqualsWithDelta(3600, $token->expiresIn, 2);
        self::assertIsArray($token->extra);
        self::assertSame("Bearer $token->value", $token->authorization());
        self::assertTrue(isset($token->value, $token->expiresIn, $token->extra));
        self::assertFalse(isset($token->secret));
        self::assertSame('memory', $this->client()->accessToken()->source);
    }

    /** In a process of its own: other tests have moved the library's clock. */
    public function testTheTimeOfExpiry(): void
    {
        $code = 'require $argv[1]; $client = new Tokenwell\Client(...json_decode($argv[2], true));'
            . 'echo $client->accessToken()->expiresAt->getTimestamp();';
        $server = self::$server;
        $options = ['clientId' => $server->clientId, 'clientSecret' => $server->clientSecret, 'tokenEndpoint' => $server->tokenEndpoint];
        $command = [PHP_BINARY, '-r', $code, \dirname(__DIR__) . '/autoload.php', json_encode($options)];
        exec(implode(' ', array_map('escapeshellarg', $command)), $output, $exit);
        self::assertSame(0, $exit);
        self::assertEqualsWithDelta(time() + 3600, (int) $output[0], 3);
    }

    public function testAnAccessTokenOutlivesItsClient(): void
    {
        $client = $this->client();
        $token = $client->accessToken();
        $copy = clone $token;
        $value = $token->value;
        unset($client, $token);
        gc_collect_cycles();
        self::assertSame($value, $copy->value);
    }

    public function testAnAccessTokenIsReadOnly(): void
    {
        $token = $this->client()->accessToken();
        $this->expectException(\Error::class);
        $token->value = 'another';
    }

    public function testAnUnknownPropertyIsAnError(): void
    {
        $token = $this->client()->accessToken();
        $this->expectException(\Error::class);
        $token->values;
    }

    /** @return iterable<string, array{\Closure(Client): object}> */
    public function unserializable(): iterable
    {
        yield 'client' => [static fn (Client $client): object => $client];
        yield 'token' => [static fn (Client $client): object => $client->accessToken()];
    }

    /** @dataProvider unserializable */
    public function testS30NeitherClientNorTokenCanBeSerialized(\Closure $object): void
    {
        $this->expectException(\Throwable::class);
        $this->expectExceptionMessageMatches('/serializ/');
        serialize($object($this->client(scope: 'a')));
    }

    /** Who may write what is unserialized would choose the address that is freed. */
    public function testS30NeitherClientNorTokenCanBeUnserialized(): void
    {
        foreach ([[Client::class, 'client'], [Handle::class, 'token']] as [$class, $property]) {
            try {
                unserialize(sprintf('O:%d:"%s":1:{s:%d:"%s";i:8;}', \strlen($class), $class, \strlen($property), $property));
                self::fail("$class was unserialized");
            } catch (\LogicException $refused) {
                self::assertStringContainsString('cannot be unserialized', $refused->getMessage());
            }
        }
    }

    public function testAClientCannotBeCloned(): void
    {
        $client = $this->client();
        $this->expectException(\Error::class);
        clone $client;
    }

    public function testOptionsOfACall(): void
    {
        $client = $this->client();
        self::assertSame('a b', $client->accessToken(scope: ['a', 'b'])->scope);
        $client->token(audience: 'https://aud.example.com', resource: 'https://res.example.com/', minValid: 60);
        $form = self::$server->requests();
        $form = end($form)['form'];
        self::assertSame(['https://aud.example.com', 'https://res.example.com/'], [$form['audience'], $form['resource']]);
    }

    public function testInvalidate(): void
    {
        $client = $this->client();
        $first = $client->accessToken();
        $client->invalidate('another');
        self::assertSame($first->value, $client->token());
        $client->invalidate($first);
        self::assertNotSame($first->value, $client->token());
    }

    public function testClose(): void
    {
        $client = $this->client();
        $client->close();
        $client->close();
        try {
            $client->token();
            self::fail('no exception');
        } catch (ConfigError $error) {
            self::assertSame('client_closed', $error->code);
        }
    }

    public function testAClientThatIsMadeOnceMoreLeavesNothingAndOneThatIsNoMoreSaysSo(): void
    {
        $ffi = Library::ffi();
        $client = $this->client();
        $client->token();
        $address = new \ReflectionProperty(Client::class, 'client');
        $first = $address->getValue($client);
        $client->__construct(clientId: 'other', clientSecret: 'other', tokenEndpoint: self::$server->tokenEndpoint);
        self::assertNull($ffi->tokenwell_client_stats($first), 'freed');
        self::assertSame(0, $client->stats()['token_requests']);
        $client->__destruct();
        $this->expectException(ConfigError::class);
        $this->expectExceptionMessage('this client has been closed');
        $client->stats();
    }

    public function testTheGuidesFunction(): void
    {
        $server = self::$server;
        $token = getTokenByClientIdAndClientSecret($server->clientId, $server->clientSecret, $server->tokenEndpoint);
        self::assertSame($token, getTokenByClientIdAndClientSecret($server->clientId, $server->clientSecret, $server->tokenEndpoint));
        putenv("TOKENWELL_CLIENT_ID=$server->clientId");
        putenv("TOKENWELL_CLIENT_SECRET=$server->clientSecret");
        putenv("TOKENWELL_TOKEN_ENDPOINT=$server->tokenEndpoint");
        self::assertSame($token, getTokenByClientIdAndClientSecret());
        self::assertSame($token, getTokenByClientIdAndClientSecret(clientId: $server->clientId));
        self::assertSame($token, Client::fromEnv()->token());
        $this->expectException(ServerError::class);
        getTokenByClientIdAndClientSecret(clientSecret: 'wrong');
    }

    public function testTheGuidesFunctionWithoutACredential(): void
    {
        $this->expectException(ConfigError::class);
        $this->expectExceptionMessageMatches('/client_id/');
        getTokenByClientIdAndClientSecret();
    }

    public function testAnErrorHasItsFields(): void
    {
        try {
            $this->client(clientSecret: 'wrong')->token();
            self::fail('no exception');
        } catch (TokenwellError $error) {
            self::assertInstanceOf(ServerError::class, $error);
            self::assertInstanceOf(\RuntimeException::class, $error);
            self::assertSame(['invalid_client', 'invalid_client', 401], [$error->getCode(), $error->code, $error->httpStatus]);
            self::assertSame($error->getMessage(), $error->message);
            self::assertFalse($error->retryable);
            self::assertGreaterThan(0, $error->retryAfter);
            self::assertTrue(isset($error->code));
            self::assertFalse(isset($error->secret));
            self::assertStringContainsString((string) $error->hint, (string) $error);
        }
    }

    public function testAnUnknownOptionNamesTheNearest(): void
    {
        $this->expectException(ConfigError::class);
        $this->expectExceptionMessageMatches('/`client_id`/');
        new Client(clientIdd: 'a');
    }

    /** @return iterable<string, array{array<string, mixed>}> */
    public function unwritable(): iterable
    {
        yield 'not UTF-8' => [['clientId' => "\xff"]];
        yield 'infinite' => [['timeout' => INF]];
        yield 'a resource' => [['scope' => STDIN]];
        yield 'a name that is not UTF-8' => [["client\xff" => 'a']];
    }

    /**
     * @dataProvider unwritable
     * @param array<string, mixed> $options
     */
    public function testWhatCannotBeJsonIsAConfigError(array $options): void
    {
        $this->expectException(ConfigError::class);
        $this->client(...$options);
    }

    public function testTheConstructorIsThatOfTheSchema(): void
    {
        exec(escapeshellarg(PHP_BINARY) . ' ' . escapeshellarg(\dirname(__DIR__) . '/tools/options.php') . ' --check', $output, $exit);
        self::assertSame(0, $exit, 'run php bindings-c/php/tools/options.php');
    }

    /** With arguments in stack traces, which a development machine has. */
    public function testS30NoSecretInAStackTrace(): void
    {
        $code = <<<'PHP'
            require $argv[1];
            function handler() { throw new LogicException('in the call'); }
            $secret = str_repeat('s3cr3t', 2);
            foreach (
                [
                    fn () => new Tokenwell\Client(clientId: 'a', clientSecret: $secret, tokenEndpoint: 'http://example.com/'),
                    fn () => new Tokenwell\Client(clientId: 'a', clientSecrets: $secret),
                    fn () => new Tokenwell\Client(clientId: "\xff", clientSecret: $secret, extraParameters: ['password' => $secret]),
                    fn () => Tokenwell\getTokenByClientIdAndClientSecret('a', $secret, 'http://example.com/'),
                    fn () => (new Tokenwell\Client(clientId: 'a', clientSecret: $secret, tokenEndpoint: 'http://127.0.0.1:1/'))->token(),
                    fn () => (new Tokenwell\Client(clientId: 'a', clientSecret: $secret, tokenEndpoint: 'http://127.0.0.1:1/'))->invalidate([$secret]),
                ] as $call
            ) {
                try {
                    $call();
                    echo "nothing was thrown\n";
                } catch (Throwable $error) {
                    echo $error, "\n", print_r($error->getTrace(), true);
                    var_dump($error);
                }
            }
            PHP;
        $command = [PHP_BINARY, '-d', 'zend.exception_ignore_args=0', '-d', 'zend.exception_string_param_max_len=1000', '-r', $code, __DIR__ . '/../autoload.php'];
        exec(implode(' ', array_map('escapeshellarg', $command)) . ' 2>&1', $lines, $exit);
        $output = implode("\n", $lines);
        self::assertSame(0, $exit, $output);
        self::assertSame(5, substr_count($output, 'object(Tokenwell\\'), $output);
        self::assertStringNotContainsString('nothing was thrown', $output);
        self::assertStringContainsString('SensitiveParameterValue', $output, 'the TypeError, which is PHP\'s own, has arguments');
        self::assertStringNotContainsString('s3cr3t', $output);
    }

    /** The handler runs between the answer of the library and the first line that reads it. */
    public function testATokenOfASignalsHandlerDuringACallIsFreed(): void
    {
        $server = new AuthorizationServer();
        $server->script([['delay' => 0.4], []]);
        $client = new Client(clientId: $server->clientId, clientSecret: $server->clientSecret, tokenEndpoint: $server->tokenEndpoint, cache: 'none');
        $last = new \ReflectionProperty(Client::class, 'last');
        $ofHandler = 0;
        $before = pcntl_async_signals(true);
        pcntl_signal(SIGUSR1, static function () use ($client, $last, &$ofHandler): void {
            $client->token();
            $ofHandler = $last->getValue($client);
        });
        exec('(sleep 0.1; kill -USR1 ' . getmypid() . ') > /dev/null 2>&1 &');
        $token = $client->token();
        pcntl_signal(SIGUSR1, SIG_DFL);
        pcntl_async_signals($before);
        self::assertNotSame(0, $ofHandler);
        self::assertSame($token, Library::ffi()->tokenwell_token_value($last->getValue($client)));
        self::assertNull(Library::ffi()->tokenwell_token_value($ofHandler));
        $server->stop();
    }

    public function testTheTestingServer(): void
    {
        $server = new AuthorizationServer();
        $client = new Client(clientId: $server->clientId, clientSecret: $server->clientSecret, tokenEndpoint: $server->httpsTokenEndpoint, tlsCaFile: $server->caFile);
        $first = $client->token();
        $server->advance(3601);
        self::assertNotSame($first, $client->token());
        self::assertCount(2, $server->requests());
        $server->script([['status' => 400, 'json' => ['error' => 'invalid_scope']]]);
        try {
            $client->token(scope: 'bad');
            self::fail('no exception');
        } catch (ServerError $error) {
            self::assertSame('invalid_scope', $error->code);
        }
        $server->stop();
        $server->stop();
    }

    public function testTheVersionIsThatOfTheWorkspace(): void
    {
        preg_match('/^version = "(.+)"$/m', (string) file_get_contents(__DIR__ . '/../../../Cargo.toml'), $version);
        self::assertSame($version[1], Library::ffi()->tokenwell_version());
    }
}
