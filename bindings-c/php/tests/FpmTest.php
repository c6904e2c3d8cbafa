<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\TestCase;
use Tokenwell\Testing\AuthorizationServer;

/** A real php-fpm with Debian's default, ffi.enable=preload: two workers, each asked several times. */
final class FpmTest extends TestCase
{
    private const PAGE = <<<'PHP'
        <?php
        try {
            // As Composer does at the start of each request; the classes are preloaded.
            require __DIR__ . '/src/functions.php';
            if (isset($_SERVER['ADVANCE'])) {
                Tokenwell\Internal\Library::ffi()->tokenwell_testing_advance_clock((float) $_SERVER['ADVANCE']);
            }
            // As a framework does: a new client for each request.
            $client = new Tokenwell\Client(...json_decode($_SERVER['QUERY'], true));
            $token = $client->accessToken();
            $answer = ['token' => $token->value, 'source' => $token->source, 'guide' => function_exists('Tokenwell\getTokenByClientIdAndClientSecret')];
        } catch (Throwable $error) {
            $answer = ['error' => $error::class, 'code' => $error->getCode(), 'message' => $error->getMessage(), 'hint' => $error->hint ?? null];
        }
        if (isset($_SERVER['HOLD'])) {
            usleep((int) $_SERVER['HOLD']);
        }
        echo json_encode(['pid' => getmypid(), 'at' => hrtime(true), 'ffi' => ini_get('ffi.enable')] + $answer);
        ob_get_level() && ob_end_flush();
        flush();
        match ($_SERVER['END'] ?? '') {
            '' => null,
            'exit' => exit(3),
            'fatal error' => str_repeat('a', 1 << 40),
            'exception' => throw new RuntimeException('mine'),
        };
        PHP;

    /** What vendors' pages show. */
    private const SNIPPET = <<<'PHP'
        <?php
        $options = json_decode($_SERVER['QUERY'], true);
        $form = ['grant_type' => 'client_credentials', 'client_id' => $options['clientId'], 'client_secret' => $options['clientSecret']];
        $http = ['method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'content' => http_build_query($form)];
        $answer = file_get_contents($options['tokenEndpoint'], false, stream_context_create(['http' => $http]));
        echo json_encode(['token' => json_decode($answer, true)['access_token']]);
        PHP;

    private static AuthorizationServer $server;
    private string $folder;
    /** @var resource|null */
    private $master;

    public static function setUpBeforeClass(): void
    {
        self::$server = new AuthorizationServer();
    }

    public static function tearDownAfterClass(): void
    {
        self::$server->stop();
    }

    /** Everything is copied to where the workers' user may read it. */
    protected function setUp(): void
    {
        $this->folder = sys_get_temp_dir() . '/tokenwell-fpm-' . bin2hex(random_bytes(6));
        $package = \dirname(__DIR__);
        $library = getenv('TOKENWELL_LIBRARY') ?: "$package/lib/libtokenwell.so.0";
        mkdir($this->folder);
        foreach (['src', 'include', 'autoload.php', 'preload.php'] as $part) {
            self::execute(['cp', '-r', "$package/$part", $this->folder]);
        }
        self::execute(['cp', $library, "$this->folder/libtokenwell.so.0"]);
        $header = (string) file_get_contents("$package/include/tokenwell.h");
        file_put_contents("$this->folder/ffi.h", str_replace('"libtokenwell.so.0"', "\"$this->folder/libtokenwell.so.0\"", $header));
        file_put_contents("$this->folder/page.php", self::PAGE);
        self::execute(['chmod', '-R', 'a+rX', $this->folder]);
    }

    protected function tearDown(): void
    {
        if (\is_resource($this->master)) {
            proc_terminate($this->master);
            proc_close($this->master);
        }
        self::execute(['rm', '-rf', $this->folder]);
    }

    /** @param list<string> $command */
    private static function execute(array $command): void
    {
        exec(implode(' ', array_map('escapeshellarg', $command)) . ' 2>&1', $output, $code);
        self::assertSame(0, $code, implode("\n", $output));
    }

    /**
     * @param list<string> $settings of php.ini
     * @param list<string> $pool lines of the pool
     */
    private function start(array $settings, int $children = 2, array $pool = []): void
    {
        $user = posix_geteuid() === 0 ? "user = www-data\ngroup = www-data\nlisten.owner = root" : '';
        $pool = implode("\n", $pool);
        file_put_contents("$this->folder/fpm.conf", <<<INI
            [global]
            error_log = $this->folder/fpm.log
            daemonize = no
            [www]
            listen = $this->folder/fpm.sock
            pm = static
            pm.max_children = $children
            catch_workers_output = yes
            $user
            $pool
            INI);
        $fpm = glob('/usr/sbin/php-fpm8*')[0] ?? '/usr/sbin/php-fpm';
        $command = [$fpm, '--fpm-config', "$this->folder/fpm.conf"];
        foreach ($settings as $setting) {
            array_push($command, '-d', $setting);
        }
        $this->master = proc_open($command, [['file', '/dev/null', 'r'], ['file', "$this->folder/out", 'w'], ['file', "$this->folder/out", 'a']], $pipes);
        for ($end = microtime(true) + 10; !@stream_socket_client("unix://$this->folder/fpm.sock"); usleep(20_000)) {
            $said = @file_get_contents("$this->folder/fpm.log") . @file_get_contents("$this->folder/out");
            self::assertTrue(proc_get_status($this->master)['running'] && microtime(true) < $end, "php-fpm did not start: $said");
        }
    }

    /** @param list<string> $pool lines of the pool */
    private function startPreloaded(int $children = 2, array $pool = []): void
    {
        $user = posix_geteuid() === 0 ? ['opcache.preload_user=www-data'] : [];
        $this->start(["ffi.preload=$this->folder/ffi.h", "opcache.preload=$this->folder/preload.php", ...$user], $children, $pool);
    }

    /**
     * A request begun; `$options` are those of the client, `$hold` the microseconds that it keeps its worker.
     *
     * @param array<string, mixed> $options
     * @param array<string, string> $more variables for the page
     * @return array{resource, resource} the program that asks, and its output
     */
    private function begin(array $options, int $hold = 0, array $more = []): array
    {
        $environment = $more + [
            'PATH' => (string) getenv('PATH'),
            'SCRIPT_FILENAME' => "$this->folder/page.php",
            'REQUEST_METHOD' => 'GET',
            'QUERY' => json_encode($options, JSON_THROW_ON_ERROR),
            'HOLD' => (string) $hold,
        ];
        $process = proc_open(['cgi-fcgi', '-bind', '-connect', "$this->folder/fpm.sock"], [1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes, env_vars: $environment);
        self::assertIsResource($process);
        return [$process, $pipes[1]];
    }

    /**
     * @param array{resource, resource} $request
     * @return array<string, mixed>
     */
    private function end(array $request): array
    {
        $answer = (string) stream_get_contents($request[1]);
        $body = json_decode(substr($answer, (int) strpos($answer, '{')), true);
        self::assertIsArray($body, $answer . file_get_contents("$this->folder/fpm.log"));
        return $body;
    }

    /**
     * What each worker answered, first to last: who was begun first need not be served first on a busy machine.
     *
     * @param array<int, array<int, string|null>> $sources by the worker, and by when it answered
     * @return array<int, list<string|null>>
     */
    private static function inTheirOrder(array $sources): array
    {
        return array_map(static function (array $of): array {
            ksort($of);
            return array_values($of);
        }, $sources);
    }

    /** @return array<string, mixed> */
    private function options(string $scope): array
    {
        return [
            'clientId' => self::$server->clientId,
            'clientSecret' => self::$server->clientSecret,
            'tokenEndpoint' => self::$server->tokenEndpoint,
            'scope' => $scope,
        ];
    }

    public function testF26RequestsOfOneWorkerShareAToken(): void
    {
        $before = \count(self::$server->requests());
        $this->startPreloaded();
        $sources = $tokens = [];
        for ($round = 0; $round < 6; $round++) {
            // Two at once, each long enough that one worker cannot serve both.
            foreach ([$this->begin($this->options('fpm'), 50_000), $this->begin($this->options('fpm'), 50_000)] as $request) {
                $answer = $this->end($request);
                self::assertArrayNotHasKey('error', $answer, (string) json_encode($answer));
                self::assertSame(['preload', true], [$answer['ffi'], $answer['guide']]);
                $sources[$answer['pid']][$answer['at']] = $answer['source'];
                $tokens[$answer['pid']][$answer['token']] = true;
            }
        }
        self::assertCount(2, $sources, 'both workers were asked');
        foreach (self::inTheirOrder($sources) as $pid => $of) {
            self::assertSame(['network', ...array_fill(0, \count($of) - 1, 'memory')], $of);
            self::assertCount(1, $tokens[$pid]);
        }
        self::assertSame($before + 2, \count(self::$server->requests()), 'one token request for each worker');
    }

    public function testF34TwoHundredRequestsOfFourWorkersAreOneTokenRequest(): void
    {
        $before = \count(self::$server->requests());
        $this->startPreloaded(4);
        // The workers' user makes the store below it.
        mkdir("$this->folder/cache");
        chmod("$this->folder/cache", 0777);
        $options = ['cache' => ['file' => "$this->folder/cache/store"]] + $this->options('fpm-store');
        $sources = $tokens = [];
        for ($round = 0; $round < 25; $round++) {
            foreach (array_map(fn (): array => $this->begin($options, 10_000), range(1, 8)) as $request) {
                $answer = $this->end($request);
                $tokens[] = $answer['token'] ?? json_encode($answer);
                $sources[$answer['pid']][$answer['at']] = $answer['source'] ?? null;
            }
        }
        $sources = self::inTheirOrder($sources);
        self::assertCount(4, $sources);
        self::assertCount(1, array_unique($tokens));
        self::assertSame($before + 1, \count(self::$server->requests()));
        $first = array_map(static fn (array $of): ?string => $of[0], array_values($sources));
        sort($first);
        self::assertSame(['file', 'file', 'file', 'network'], $first);
        foreach ($sources as $of) {
            self::assertSame(['memory'], array_values(array_unique(\array_slice($of, 1))));
        }
    }

    public function testF34ForComparisonTheCopiedSnippetAsksForEachRequest(): void
    {
        file_put_contents("$this->folder/snippet.php", self::SNIPPET);
        chmod("$this->folder/snippet.php", 0644);
        $before = \count(self::$server->requests());
        $this->start([], 4);
        $tokens = [];
        for ($round = 0; $round < 25; $round++) {
            $page = ['SCRIPT_FILENAME' => "$this->folder/snippet.php"];
            foreach (array_map(fn (): array => $this->begin($this->options(''), 0, $page), range(1, 8)) as $request) {
                $tokens[] = $this->end($request)['token'];
            }
        }
        self::assertCount(200, array_unique($tokens));
        self::assertSame($before + 200, \count(self::$server->requests()));
    }

    public function testAnErrorOfOneRequestLeavesTheNextAlone(): void
    {
        $this->startPreloaded();
        foreach (['wrong' => 'invalid_client', self::$server->clientSecret => null] as $secret => $code) {
            $answer = $this->end($this->begin(['clientSecret' => $secret] + $this->options('fpm-error')));
            self::assertSame($code, $answer['code'] ?? null, (string) json_encode($answer));
        }
        $answer = $this->end($this->begin(['clientIdd' => 'a']));
        self::assertSame(['Tokenwell\ConfigError', 'option_unknown'], [$answer['error'], $answer['code']]);
    }

    public function testF26WithoutPreloadWhereFfiIsAllowedAWorkerKeepsItsToken(): void
    {
        file_put_contents("$this->folder/page.php", str_replace('try {', 'require __DIR__ . "/autoload.php"; try {', self::PAGE));
        mkdir("$this->folder/lib");
        rename("$this->folder/libtokenwell.so.0", "$this->folder/lib/libtokenwell.so.0");
        self::execute(['chmod', '-R', 'a+rX', $this->folder]);
        $this->start(['ffi.enable=true'], 1);
        foreach (['network', 'memory', 'memory'] as $source) {
            $answer = $this->end($this->begin($this->options('fpm-allowed')));
            self::assertSame(['1', $source], [$answer['ffi'], $answer['source'] ?? null], (string) json_encode($answer));
        }
    }

    public function testWithoutPreloadTheErrorSaysWhatToSet(): void
    {
        file_put_contents("$this->folder/page.php", str_replace('try {', 'require __DIR__ . "/autoload.php"; try {', self::PAGE));
        $this->start([]);
        $answer = $this->end($this->begin($this->options('fpm-without')));
        self::assertSame(['Tokenwell\ConfigError', 'library_unusable'], [$answer['error'] ?? '', $answer['code'] ?? ''], (string) json_encode($answer));
        self::assertStringContainsString('ffi.preload', $answer['hint']);
        self::assertStringContainsString('opcache.preload', $answer['hint']);
    }

    public function testF27ARequestThatEndsDuringARefreshLeavesItsWorkerWell(): void
    {
        $this->startPreloaded(1, ['php_admin_flag[display_errors] = off']);
        $pids = [];
        foreach (['exit', 'fatal error', 'exception'] as $end) {
            self::$server->script([['issue' => new \stdClass()], ['fault' => 'hang']]);
            $sources = [];
            foreach ([['END' => $end], ['END' => $end, 'ADVANCE' => '3000'], []] as $more) {
                $started = microtime(true);
                $answer = $this->end($this->begin($this->options("fpm-$end"), more: $more));
                self::assertLessThan(2, microtime(true) - $started, $end);
                $sources[] = $answer['source'] ?? json_encode($answer);
                $pids[$answer['pid']] = true;
            }
            self::assertSame(['network', 'memory', 'memory'], $sources, $end);
        }
        self::assertCount(1, $pids, 'the worker lives on');
    }

    public function testF27AWorkerThatIsEndedDuringAFetchIsReplaced(): void
    {
        $this->startPreloaded(1, ['request_terminate_timeout = 1s']);
        self::$server->script([['fault' => 'hang']]);
        $request = $this->begin($this->options('fpm-ended'));
        self::assertStringNotContainsString('token', (string) stream_get_contents($request[1]));
        $answer = $this->end($this->begin($this->options('fpm-ended')));
        self::assertSame('network', $answer['source'] ?? null, (string) json_encode($answer));
    }
}
