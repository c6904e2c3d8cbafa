<?php

/** The command line of a contestant (../../README.md). A program says how it gets a token. */

declare(strict_types=1);

function from_env(string $name): ?string
{
    return getenv($name) ?: null;
}

function cannot(string $why): never
{
    echo $why, PHP_EOL;
    exit(3);
}

/** What this process has worked so far, microseconds. */
function cpu(): float
{
    $usage = getrusage();
    return ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) * 1e6 + $usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec'];
}

/** @return array<string, float> */
function loop(Closure $call, int $count): array
{
    for ($n = 0; $n <= intdiv($count, 10); $n++) {
        $call();
    }
    [$worked, $began] = [cpu(), hrtime(true)];
    for ($n = 0; $n < $count; $n++) {
        $call();
    }
    return ['ns' => (hrtime(true) - $began) / $count, 'cpu_ns' => (cpu() - $worked) * 1e3 / $count, 'calls' => $count];
}

/**
 * `keeping` makes a function that gives a token, kept or new; `fetching` one that fetches each time, over what can be kept of the
 * connection; `together` one that makes so many fetches with so many under way. Null: the library has no such thing.
 */
function play(string $name, string|Closure $version, ?Closure $keeping = null, ?Closure $fetching = null, ?Closure $together = null): void
{
    [$mode, $count, $atOnce] = [...array_slice($_SERVER['argv'], 1), '1', '1', '1'];
    [$count, $atOnce] = [(int) $count, (int) $atOnce];
    $answer = match ($mode) {
        'versions' => ['name' => $name, 'version' => is_string($version) ? $version : $version()],
        'once' => ($keeping ?? $fetching)()(),
        'cached' => match (true) {
            $keeping === null => cannot('keeps no token'),
            $atOnce > 1 => cannot('PHP has one thread'),
            default => loop($keeping(), $count),
        },
        'fetch' => match (true) {
            $atOnce === 1 && $fetching !== null => fetch($fetching(), $count),
            $atOnce > 1 && $together !== null => fetch_together($together(), $count, $atOnce),
            $atOnce > 1 => cannot('one call at a time'),
            default => cannot('always keeps the token'),
        },
        'cold' => cannot('PHP has one thread'),
    };
    echo is_string($answer) ? 'ok' : json_encode($answer, JSON_THROW_ON_ERROR), PHP_EOL;
}

/** @return array<string, float> */
function fetch(Closure $call, int $count): array
{
    return fetch_together(static function (int $count) use ($call): void {
        for ($n = 0; $n < $count; $n++) {
            $call();
        }
    }, $count, 1);
}

/** @return array<string, float> */
function fetch_together(Closure $run, int $count, int $atOnce): array
{
    $run(intdiv($count, 10) + 1, $atOnce);
    [$worked, $began] = [cpu(), hrtime(true)];
    $run($count, $atOnce);
    return ['cpu_us' => (cpu() - $worked) / $count, 'wall_us' => (hrtime(true) - $began) / $count / 1e3];
}
