<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\Assert;

/** The Redis of a case: real servers, driven by core/conformance/redis.py. */
final class Redis
{
    /** @var resource */
    private $script;
    /** @var array<int, resource> */
    private array $pipes = [];
    /** @var array<string, string> */
    public readonly array $vars;

    /** @param string $kind `server`, `cluster` or `sentinel` */
    public function __construct(string $kind)
    {
        $command = ['python3', __DIR__ . '/../../../core/conformance/redis.py', $kind];
        $script = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], \STDERR], $this->pipes);
        Assert::assertIsResource($script);
        $this->script = $script;
        $this->vars = $this->answer();
    }

    /** @return array<string, string> */
    private function answer(): array
    {
        return (array) Json::decode((string) fgets($this->pipes[1]));
    }

    /** @param array<string, mixed> $step */
    public function step(array $step): void
    {
        fwrite($this->pipes[0], json_encode($step, \JSON_THROW_ON_ERROR) . "\n");
        Assert::assertSame([], $this->answer());
    }

    public function stop(): void
    {
        array_map(fclose(...), $this->pipes);
        proc_close($this->script);
    }
}
