<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\Assert;
use Tokenwell\AccessToken;
use Tokenwell\Client;
use Tokenwell\Internal\Library;
use Tokenwell\Testing\AuthorizationServer;
use Tokenwell\TokenwellError;

/** Plays one case of a scenario; `Expect` compares. */
final class Runner
{
    private const CASE = ['name', 'server', 'options', 'env', 'from_env', 'files', 'expect_new', 'steps', 'never_shown', 'not', 'redis'];

    private readonly string $realm;
    /** @var array<string, mixed> */
    private array $vars;
    private readonly Expect $expect;
    private string $folder = '';
    private readonly ?Redis $redis;
    /** Seconds that the case has moved the library's clocks, and its wall clock alone. */
    private float $advanced = 0;
    private float $jumped = 0;
    private Client $client;
    private string $last = '';

    /** @param array<string, mixed> $case */
    public function __construct(private readonly AuthorizationServer $server, private readonly array $case)
    {
        Assert::assertSame([], array_diff(array_keys($case), self::CASE), 'unknown members of the case');
        $made = $this->post('realms', $case['server'] ?? new \stdClass());
        $this->realm = "realms/{$made['realm']}";
        $this->redis = isset($case['redis']) ? new Redis($case['redis']) : null;
        $this->vars = [...$made['vars'], ...($this->redis->vars ?? [])];
        $this->expect = new Expect(fn (): array => $this->log(), [
            $this->vars['client_secret'],
            ...$this->expanded($case['never_shown'] ?? []),
        ]);
        $this->makeFiles((array) ($case['files'] ?? []));
    }

    /** @param array<string, ?string> $files */
    private function makeFiles(array $files): void
    {
        if ($files !== []) {
            $this->folder = sys_get_temp_dir() . '/tokenwell-' . bin2hex(random_bytes(8));
            mkdir($this->folder, 0700);
        }
        foreach ($files as $name => $text) {
            $this->vars["file:$name"] = "$this->folder/$name";
            if ($text !== null) {
                $this->write(['name' => $name, 'text' => $this->expanded($text)]);
            }
        }
    }

    /** @param array{name: string, text: ?string} $file */
    private function write(array $file): void
    {
        $path = $this->vars["file:{$file['name']}"];
        if ($file['text'] === null) {
            unlink($path);
            return;
        }
        $this->expect->neverShowLines($file['text']);
        touch($path);
        chmod($path, 0600);
        file_put_contents($path, $file['text']);
    }

    /** Takes back what the case has moved and made. */
    private function restore(): void
    {
        Library::ffi()->tokenwell_testing_advance_clock(-$this->advanced);
        AuthorizationServer::jumpWallClock(-$this->jumped);
        if ($this->folder !== '') {
            self::remove($this->folder);
        }
    }

    private static function remove(string $path): void
    {
        if (is_dir($path)) {
            array_map(self::remove(...), glob("$path/*") ?: []);
            rmdir($path);
        } else {
            unlink($path);
        }
    }

    public function run(): void
    {
        $env = $this->expanded((array) ($this->case['env'] ?? []));
        $this->expect->neverShow($env['TOKENWELL_CLIENT_SECRET'] ?? null);
        $before = array_map(static fn (string $name) => getenv($name), array_combine(array_keys($env), array_keys($env)));
        array_walk($env, static fn (?string $value, string $name) => putenv($value === null ? $name : "$name=$value"));
        try {
            $this->play();
        } finally {
            array_walk($before, static fn ($value, string $name) => putenv($value === false ? $name : "$name=$value"));
            unset($this->client);
            $this->restore();
            $this->redis?->stop();
            $this->server->call('DELETE', $this->realm);
        }
    }

    private function play(): void
    {
        $expected = $this->case['expect_new'] ?? null;
        try {
            $this->client = $this->make($this->case['options'] ?? null, $this->case['from_env'] ?? false);
            $error = null;
        } catch (TokenwellError $error) {
            if ($expected === null) {
                throw $error;
            }
        }
        if ($expected !== null) {
            Assert::assertNotNull($error, 'no error came');
            $this->expect->error($this->expanded($expected), $error);
            $this->expect->requests(['count' => 0]);
            return;
        }
        $this->steps($this->expanded($this->case['steps']));
    }

    /** The options that `$given` stands for: null, the default; {"+": ...}, the default and these. */
    private function make(mixed $given, bool $fromEnv = false): Client
    {
        if ($fromEnv) {
            return Client::fromEnv();
        }
        $options = (array) ($given ?? ['+' => []]);
        if (\array_key_exists('+', $options)) {
            $more = $this->expanded((array) $options['+']);
            $default = array_intersect_key($this->vars, ['token_endpoint' => 0, 'client_id' => 0, 'client_secret' => 0]);
            $options = array_filter([...$default, ...$more], static fn ($value): bool => $value !== null);
        } else {
            $options = $this->expanded($options);
        }
        foreach (['client_secret', 'client_assertion', 'subject_token', 'actor_token'] as $name) {
            $this->expect->neverShow($options[$name] ?? null);
        }
        $this->expect->neverShowLines($options['tls_client_key'] ?? null);
        $this->expect->neverShowLines($options['private_key'] ?? null);
        $this->expect->neverShowLines($options['dpop_key'] ?? null);
        return new Client(...self::camelCase($options));
    }

    /** @param list<array<string, mixed>> $steps */
    private function steps(array $steps): void
    {
        foreach ($steps as $number => $step) {
            $this->expect->nextStep('step ' . ($number + 1));
            $this->step($step);
        }
    }

    /** @param array<string, mixed> $step */
    private function step(array $step): void
    {
        if (isset($step['call'])) {
            Assert::assertSame([], array_diff(array_keys($step), ['call', 'with', 'expect', 'within']), 'unknown members of the step');
            $this->call($step);
            return;
        }
        if (isset($step['fork'])) {
            Assert::assertSame([], array_diff(array_keys($step), ['fork', 'times']), 'unknown members of the step');
            for ($left = $step['times'] ?? 1; $left > 0; $left--) {
                $this->fork($step['fork']);
            }
            return;
        }
        Assert::assertCount(1, $step, 'a step of several members');
        $value = reset($step);
        match (key($step)) {
            'invalidate' => $this->client->invalidate($value === 'last' ? $this->last : $value),
            'revoke', 'introspect' => $this->question((string) key($step), (array) $value),
            'resource' => $this->resource(...$value),
            'advance' => $this->advance($value),
            'jump' => $this->jump($value),
            'write' => $this->write($value),
            'chmod' => chmod($this->vars["file:{$value['name']}"], octdec($value['mode'])),
            'run' => Assert::assertSame(0, proc_close(proc_open($value, [], $pipes)), 'the program fails'),
            'arrived' => $this->until(fn (): bool => $this->log()['total'] >= $value),
            'settle' => $this->until($this->idleTwice()),
            'new_client' => $this->client = $this->make((array) $value === [] ? $this->case['options'] ?? null : $value),
            'warned_client' => $this->warnedClient((array) $value['options'], $value['warning']),
            'close' => $this->client->close(),
            'redis' => $this->redis?->step($value),
            'panic' => Library::ffi()->tokenwell_testing_panic_in_next_flight(),
            'script' => $this->post("$this->realm/script", $value),
            'requests' => $this->expect->requests($value),
            'stats' => $this->expect->members('stats', $value, $this->client->stats()),
            default => Assert::fail('unknown step: ' . key($step)),
        };
    }

    /** @param array<string, mixed> $options */
    private function warnedClient(array $options, ?string $expected): void
    {
        $warnings = [];
        set_error_handler(static function (int $_, string $text) use (&$warnings): bool {
            $warnings[] = $text;
            return true;
        }, E_USER_WARNING);
        try {
            $this->client = $this->make($options);
        } finally {
            restore_error_handler();
        }
        Assert::assertCount($expected === null ? 0 : 1, $warnings);
        Assert::assertStringContainsString($expected ?? '', implode($warnings));
    }

    /** @param array<string, mixed> $step */
    private function call(array $step): void
    {
        $expected = (array) ($step['expect'] ?? []);
        $started = hrtime(true);
        $error = $result = null;
        try {
            $result = match ($step['call']) {
                'token' => $this->client->token(...self::camelCase($step['with'] ?? [])),
                'access_token' => $this->client->accessToken(...self::camelCase($step['with'] ?? [])),
                'authorization' => $this->client->authorization(...self::camelCase($step['with'] ?? [])),
            };
        } catch (TokenwellError $error) {
            if (!isset($expected['error'])) {
                throw $error;
            }
        }
        if (isset($step['within'])) {
            Assert::assertLessThanOrEqual($step['within'], (hrtime(true) - $started) / 1e9, 'seconds');
        }
        $this->expect->shownNowhere($this->client);
        if (isset($expected['error'])) {
            Assert::assertNotNull($error, 'no error came');
            $this->expect->error($expected['error'], $error);
            return;
        }
        $token = $result instanceof AccessToken ? $result->value : preg_replace('/^.* /', '', $result);
        $this->expect->token($expected, $result, $token, $this->last);
        $this->last = $token;
    }

    /** @param array<string, mixed> $expected */
    private function question(string $method, array $expected): void
    {
        $error = null;
        $answer = [];
        try {
            $answer = $this->client->$method() ?? [];
        } catch (TokenwellError $error) {
            if (!isset($expected['error'])) {
                throw $error;
            }
        }
        if (isset($expected['error'])) {
            Assert::assertNotNull($error, 'no error came');
            $this->expect->error($expected['error'], $error);
            return;
        }
        $this->expect->members($method, $expected, $answer);
    }

    private function resource(string $method, string $url, int $status, string $challenge = ''): void
    {
        $authorization = $this->client->authorization();
        $headers = ["Authorization: $authorization"];
        if (str_starts_with($authorization, 'DPoP ')) {
            $headers[] = 'DPoP: ' . $this->client->dpopProof($method, $url, substr($authorization, 5));
        }
        $how = ['method' => $method, 'header' => $headers, 'ignore_errors' => true, 'follow_location' => 0, 'timeout' => 5];
        file_get_contents($url, false, stream_context_create(['http' => $how]));
        $answer = [];
        foreach (\array_slice($http_response_header, 1) as $line) {
            [$name, $value] = explode(':', $line, 2);
            $answer[strtolower($name)] = trim($value);
        }
        if (isset($answer['dpop-nonce'])) {
            $this->client->dpopNonce($url, $answer['dpop-nonce']);
        }
        $said = $answer['www-authenticate'] ?? '';
        Assert::assertSame($status, (int) explode(' ', $http_response_header[0])[1], $said);
        Assert::assertStringContainsString($challenge, $said);
    }

    private function advance(float $seconds): void
    {
        Library::ffi()->tokenwell_testing_advance_clock($seconds);
        $this->post("$this->realm/clock", ['advance' => $seconds]);
        $this->advanced += $seconds;
    }

    private function jump(float $seconds): void
    {
        AuthorizationServer::jumpWallClock($seconds);
        $this->jumped += $seconds;
    }

    /** @param \Closure(): bool $condition */
    private function until(\Closure $condition): void
    {
        $end = hrtime(true) + 5_000_000_000;
        while (!$condition()) {
            Assert::assertLessThan($end, hrtime(true), 'not within 5 s');
            usleep(10_000);
        }
    }

    /** Nothing under way, seen twice: an answer that the realm has sent may still be on its way into the client. */
    private function idleTwice(): \Closure
    {
        $seen = 0;
        return function () use (&$seen): bool {
            $idle = $this->log()['in_flight'] === 0 && $this->client->stats()['in_flight'] === 0;
            return ($seen = $idle ? $seen + 1 : 0) === 2;
        };
    }

    /** @param list<array<string, mixed>> $steps */
    private function fork(array $steps): void
    {
        $child = pcntl_fork();
        if ($child === 0) {
            try {
                $this->steps($steps);
                exit(0);
            } catch (\Throwable $failure) {
                fwrite(STDERR, "in the child: {$failure->getMessage()}\n");
                exit(1);
            }
        }
        $end = hrtime(true) + 10_000_000_000;
        while (pcntl_waitpid($child, $status, WNOHANG) === 0) {
            if (hrtime(true) > $end) {
                posix_kill($child, SIGKILL);
                pcntl_waitpid($child, $status);
                Assert::fail('the child did not end within 10 s');
            }
            usleep(5_000);
        }
        Assert::assertTrue(pcntl_wifexited($status), 'the child was killed');
        Assert::assertSame(0, pcntl_wexitstatus($status), 'exit code of the child');
    }

    /** @return array<string, mixed> */
    private function log(): array
    {
        return $this->server->call('GET', "$this->realm/requests");
    }

    /**
     * @param array<array-key, mixed>|object $body
     * @return array<string, mixed>
     */
    private function post(string $path, array|object $body): array
    {
        return $this->server->call('POST', $path, $body);
    }

    /** `$value` with ${name} replaced; a string that is one ${name} alone becomes the variable, whatever its type. */
    private function expanded(mixed $value): mixed
    {
        if (\is_array($value)) {
            return array_map($this->expanded(...), $value);
        }
        if (!\is_string($value)) {
            return $value;
        }
        if (preg_match('/^\$\{([\w:]+)\}$/D', $value, $match)) {
            return $this->vars[$match[1]];
        }
        return preg_replace_callback('/\$\{([\w:]+)\}/', fn (array $match): string => $this->vars[$match[1]], $value);
    }

    /**
     * @param array<string, mixed>|object $options
     * @return array<string, mixed>
     */
    private static function camelCase(array|object $options): array
    {
        $named = [];
        foreach ((array) $options as $name => $value) {
            $camel = preg_replace_callback('/_([a-z])/', static fn (array $match): string => strtoupper($match[1]), $name);
            $named[$camel] = $value instanceof \stdClass ? (array) $value : $value;
        }
        return $named;
    }
}
