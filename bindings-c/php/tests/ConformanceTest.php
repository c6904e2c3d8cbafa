<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\TestCase;
use Tokenwell\Testing\AuthorizationServer;

/** Plays core/conformance/scenarios; a test's name is the id and the name of its case: `--filter 'F12 a decimal string'`. */
final class ConformanceTest extends TestCase
{
    private static ?AuthorizationServer $server = null;

    public static function tearDownAfterClass(): void
    {
        self::$server?->stop();
        self::$server = null;
    }

    /** @return iterable<string, array{array<string, mixed>}> */
    public function cases(): iterable
    {
        $wanted = explode(' ', (string) getenv('SCENARIOS'));
        foreach (glob(__DIR__ . '/../../../core/conformance/scenarios/*.json') ?: [] as $path) {
            if (array_filter($wanted, static fn (string $beginning): bool => str_starts_with(basename($path), $beginning)) === []) {
                continue;
            }
            $file = Json::decode((string) file_get_contents($path));
            foreach ($file['cases'] as $case) {
                yield "{$file['id']} {$case['name']}" => [$case];
            }
        }
    }

    /**
     * @dataProvider cases
     * @param array<string, mixed> $case
     */
    public function testCase(array $case): void
    {
        if (isset($case['not']['php'])) {
            self::markTestSkipped($case['not']['php']);
        }
        self::$server ??= new AuthorizationServer();
        $runner = new Runner(self::$server, $case);
        $runner->run();
    }
}
