<?php

declare(strict_types=1);

namespace Tokenwell\Testing;

use Tokenwell\Internal\Library;

/**
 * A development authorization server for tests: a program of its own that listens on loopback alone and ends with this
 * object. The program is TOKENWELL_DEV_SERVER, else `tokenwell-dev-server` or `tokenwell` of the PATH.
 */
final class AuthorizationServer
{
    public readonly string $issuer;
    public readonly string $tokenEndpoint;
    public readonly string $introspectionEndpoint;
    public readonly string $clientId;
    public readonly string $clientSecret;
    /** URL of the interface that scripts answers, moves the clock and shows the log. */
    public readonly string $control;
    public readonly string $httpsTokenEndpoint;
    /** PEM file of the certificate authority behind {@see $httpsTokenEndpoint}. */
    public readonly string $caFile;

    /** @var resource|null */
    private $process;
    /** @var array<int, resource> */
    private array $pipes = [];
    private readonly int $owner;

    public function __construct()
    {
        $this->owner = (int) getmypid();
        $process = proc_open(self::command(), [['pipe', 'r'], ['pipe', 'w'], STDERR], $this->pipes);
        $line = isset($this->pipes[1]) ? fgets($this->pipes[1]) : false;
        if ($line === false || !\is_resource($process)) {
            throw new \RuntimeException('the development authorization server did not start: set TOKENWELL_DEV_SERVER to its path');
        }
        $this->process = $process;
        /** @var array<string, string> $about */
        $about = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
        $this->issuer = $about['issuer'];
        $this->tokenEndpoint = $about['token_endpoint'];
        $this->introspectionEndpoint = $about['introspection_endpoint'];
        $this->clientId = $about['client_id'];
        $this->clientSecret = $about['client_secret'];
        $this->control = $about['control'];
        $this->httpsTokenEndpoint = $about['https_token_endpoint'];
        $this->caFile = $about['ca_file'];
    }

    public function __destruct()
    {
        $this->stop();
    }

    /** Ends the server. A second call does nothing, and neither does one in a forked child. */
    public function stop(): void
    {
        if (\is_resource($this->process) && $this->owner === getmypid()) {
            array_map('fclose', $this->pipes);
            proc_terminate($this->process);
            proc_close($this->process);
        }
        $this->process = null;
    }

    /** Moves the server's clock and that of the library in this process. */
    public function advance(float $seconds): void
    {
        self::advanceClock($seconds);
        $this->call('POST', 'realms/root/clock', ['advance' => $seconds]);
    }

    /** Moves the library's clock in this process alone, so that tokens age without waiting. */
    public static function advanceClock(float $seconds): void
    {
        Library::ffi()->tokenwell_testing_advance_clock($seconds);
    }

    /** Moves this process's wall clock alone, as the library sees it, as when somebody sets the clock. */
    public static function jumpWallClock(float $seconds): void
    {
        Library::ffi()->tokenwell_testing_jump_wall_clock($seconds);
    }

    /**
     * The answers to the next token requests, e.g. `[['status' => 503], ['delay' => 2]]`.
     *
     * @param list<array<string, mixed>> $answers
     */
    public function script(array $answers): void
    {
        $this->call('POST', 'realms/root/script', $answers);
    }

    /** @return list<array<string, mixed>> the requests that have arrived */
    public function requests(): array
    {
        /** @var list<array<string, mixed>> */
        return $this->call('GET', 'realms/root/requests')['requests'];
    }

    /**
     * A call of the control interface.
     *
     * @param array<array-key, mixed>|object|null $body sent as JSON
     * @return array<string, mixed>
     */
    public function call(string $method, string $path, array|object|null $body = null): array
    {
        $http = ['method' => $method, 'header' => 'Content-Type: application/json', 'timeout' => 20];
        if ($body !== null) {
            $http['content'] = json_encode($body, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
        }
        $answer = @file_get_contents("$this->control/$path", context: stream_context_create(['http' => $http]));
        if ($answer === false) {
            throw new \RuntimeException("$method $path failed: " . (error_get_last()['message'] ?? ''));
        }
        /** @var array<string, mixed> */
        return json_decode($answer, true, flags: JSON_THROW_ON_ERROR | JSON_BIGINT_AS_STRING);
    }

    /** @return list<string> */
    private static function command(): array
    {
        $given = getenv('TOKENWELL_DEV_SERVER');
        if ($given !== false && $given !== '') {
            return [$given, '--port', '0'];
        }
        foreach (explode(PATH_SEPARATOR, (string) getenv('PATH')) as $folder) {
            if (is_executable("$folder/tokenwell-dev-server")) {
                return ["$folder/tokenwell-dev-server", '--port', '0'];
            }
            if (is_executable("$folder/tokenwell")) {
                return ["$folder/tokenwell", 'serve', '--port', '0'];
            }
        }
        throw new \RuntimeException('no development authorization server: set TOKENWELL_DEV_SERVER to its path');
    }
}
