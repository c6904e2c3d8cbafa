<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\TestCase;
use Tokenwell\Testing\AuthorizationServer;

/** F27: programs of the command line that end while a fetch or a refresh is under way. */
final class ExitTest extends TestCase
{
    private const FIRST = 'require $argv[1]; $client = new Tokenwell\Client(...json_decode($argv[2], true));';
    /** PHP has one thread: what goes on while the program does is a refresh in the background. */
    private const REFRESH = '$client->token(); Tokenwell\Internal\Library::ffi()->tokenwell_testing_advance_clock(3000); $client->token();'
        . 'while ($client->stats()["flights"] < 2) { usleep(1000); }';
    private const MARK = 'fwrite(STDOUT, "MARK\n");';

    private static AuthorizationServer $server;

    public static function setUpBeforeClass(): void
    {
        self::$server = new AuthorizationServer();
    }

    public static function tearDownAfterClass(): void
    {
        self::$server->stop();
    }

    /**
     * A program begun, up to its line MARK.
     *
     * @param list<array<string, mixed>> $script
     * @return array{resource, array<int, resource>}
     */
    private function begin(string $program, array $script): array
    {
        $program = self::FIRST . $program;
        $vars = self::$server->call('POST', 'realms', ['script' => $script])['vars'];
        $options = ['tokenEndpoint' => $vars['token_endpoint'], 'clientId' => $vars['client_id'], 'clientSecret' => $vars['client_secret']];
        $settings = ['-d', 'display_errors=1', '-d', 'log_errors=0', '-d', 'memory_limit=64M'];
        $command = [PHP_BINARY, ...$settings, '-r', $program, \dirname(__DIR__) . '/autoload.php', json_encode($options)];
        $process = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
        self::assertIsResource($process);
        if (fgets($pipes[1]) !== "MARK\n") {
            self::fail((string) stream_get_contents($pipes[2]));
        }
        return [$process, $pipes];
    }

    /**
     * The program's end: its code (128 and more: a signal), seconds, output and errors.
     *
     * @param array{resource, array<int, resource>} $program
     * @return array{int, float, string, string}
     */
    private function end(array $program): array
    {
        [$process, $pipes] = $program;
        $started = microtime(true);
        $output = (string) stream_get_contents($pipes[1]);
        $errors = (string) stream_get_contents($pipes[2]);
        while (($status = proc_get_status($process))['running']) {
            self::assertLessThan(10, microtime(true) - $started, 'the program goes on');
            usleep(500);
        }
        $took = microtime(true) - $started;
        return [$status['signaled'] ? 128 + $status['termsig'] : $status['exitcode'], $took, $output, $errors];
    }

    /** @return iterable<string, array{string, int, string}> the end, its code, and what is said */
    public function ends(): iterable
    {
        yield 'exit' => ['exit(3);', 3, ''];
        yield 'exit in a function' => ['(static fn (): never => exit(3))();', 3, ''];
        yield 'the last line' => ['', 0, ''];
        yield 'a fatal error' => ['str_repeat("a", 1 << 30);', 255, 'Allowed memory size'];
        yield 'an exception' => ['throw new RuntimeException("mine");', 255, 'mine'];
        yield 'a client that is let go' => ['unset($client); gc_collect_cycles(); exit(3);', 3, ''];
    }

    /** @dataProvider ends */
    public function testF27TheEndDuringARefreshTakesNoLongerThanPhpsOwn(string $end, int $code, string $said): void
    {
        $bare = $ours = INF;
        // The best of up to ten, since other programs run on this machine; 100 ms and no more are the library's.
        for ($round = 0; $round < 10 && !($ours < $bare + 0.1); $round++) {
            $bare = min($bare, $this->end($this->begin(self::MARK . $end, []))[1]);
            $hang = [['issue' => new \stdClass()], ['fault' => 'hang']];
            [$is, $took, $output, $errors] = $this->end($this->begin(self::REFRESH . self::MARK . $end, $hang));
            self::assertSame($code, $is, $errors);
            self::assertSame('', $errors);
            $said === '' ? self::assertSame('', $output) : self::assertStringContainsString($said, $output);
            $ours = min($ours, $took);
        }
        self::assertLessThan($bare + 0.1, $ours);
    }

    /** @dataProvider ends */
    public function testF27AnAnswerThatComesDuringTheEnd(string $end, int $code): void
    {
        foreach ([0, 0.001, 0.002, 0.004, 0.008, 0.016] as $delay) {
            $script = [['issue' => new \stdClass()], ['issue' => new \stdClass(), 'delay' => $delay]];
            [$is, , , $errors] = $this->end($this->begin(self::REFRESH . self::MARK . $end, $script));
            self::assertSame($code, $is, $errors);
        }
    }

    public function testF27AShutdownFunctionGetsATokenAfterAFatalError(): void
    {
        $program = 'register_shutdown_function(fn () => print($client->accessToken()->source));' . self::MARK . 'str_repeat("a", 1 << 30);';
        [$code, , $output, $errors] = $this->end($this->begin($program, []));
        self::assertSame(255, $code, $errors);
        self::assertStringEndsWith('network', $output);
    }

    public function testF27ASignalEndsACallThatWaits(): void
    {
        $program = $this->begin(self::MARK . '$client->token();', [['fault' => 'hang']]);
        proc_terminate($program[0]);
        [$code, $took, $output, $errors] = $this->end($program);
        self::assertSame(128 + 15, $code, $output . $errors);
        self::assertLessThan(1, $took);
    }
}
