<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\Assert;
use Tokenwell\AccessToken;
use Tokenwell\TokenwellError;

/** The comparisons of a scenario. */
final class Expect
{
    private string $where = '';
    /** @var list<string>|null what the realm has issued, asked once in a step */
    private ?array $issued = null;

    /**
     * @param \Closure(): array<string, mixed> $log the realm's log
     * @param list<string> $never texts that nothing made for people may show
     */
    public function __construct(private readonly \Closure $log, private array $never)
    {
    }

    public function nextStep(string $where): void
    {
        $this->where = $where;
        $this->issued = null;
    }

    public function neverShow(mixed $secret): void
    {
        if (\is_string($secret)) {
            $this->never[] = $secret;
        }
    }

    /** Of a key and of a file each line counts. */
    public function neverShowLines(mixed $text): void
    {
        array_map($this->neverShow(...), \is_string($text) ? preg_split('/\R/', $text) : []);
    }

    /** @param array<string, mixed> $expected */
    public function error(array $expected, TokenwellError $error): void
    {
        $this->shownNowhere($error);
        foreach ($expected as $name => $value) {
            $at = "$this->where: $name of " . $error::class . ": {$error->getMessage()}";
            match ($name) {
                'kind' => Assert::assertSame("Tokenwell\\$value", $error::class, $at),
                'code' => Assert::assertSame([$value, $value], [$error->getCode(), $error->code], $at),
                'message' => Assert::assertSame([$value, $value], [$error->getMessage(), $error->message], $at),
                'message_contains' => $this->contains($value, $error->getMessage(), $at),
                'hint_contains' => $this->contains($value, (string) $error->hint, $at),
                'description_contains' => $this->contains($value, (string) $error->errorDescription, $at),
                'error_description' => Assert::assertSame($value, $error->errorDescription, $at),
                'retryable' => Assert::assertSame($value, $error->retryable, $at),
                'http_status' => Assert::assertSame($value, $error->httpStatus, $at),
                'retry_after' => $value === null ? Assert::assertNull($error->retryAfter, $at)
                    : Assert::assertEqualsWithDelta($value, $error->retryAfter, 1, $at),
                default => Assert::fail("unknown expectation of an error: $name"),
            };
        }
    }

    /**
     * @param array<string, mixed> $expected
     * @param string|AccessToken $result what the call gave
     * @param string $token the token in it
     * @param string $last the token of the last call
     */
    public function token(array $expected, string|AccessToken $result, string $token, string $last): void
    {
        $given = \is_string($result) ? $result : $token;
        if ($result instanceof AccessToken) {
            $this->shownNowhere($result);
        }
        foreach ($expected as $name => $value) {
            $at = "$this->where: $name";
            if (\is_string($result) && !\in_array($name, ['token', 'value', 'length'], true)) {
                continue;
            }
            match ($name) {
                'token' => $this->value($value, $token, $last, $at),
                'value' => Assert::assertSame($value, $given, $at),
                'length' => Assert::assertSame($value, \strlen($token), $at),
                'token_type' => Assert::assertSame($value, $result->tokenType, $at),
                'scope' => Assert::assertSame($value, $result->scope, $at),
                'source' => Assert::assertSame($value, $result->source, $at),
                'expires_in' => $this->lifetime($value, $result, $at),
                'extra' => $this->members('extra', $value, $result->extra),
                default => Assert::fail("unknown expectation of a token: $name"),
            };
        }
        Assert::assertNotSame('', $token);
    }

    /** @param array<string, mixed> $expected */
    public function requests(array $expected): void
    {
        $log = ($this->log)();
        $requests = $log['requests'];
        foreach ($expected as $name => $value) {
            match ($name) {
                'count' => Assert::assertCount($value, $requests, "$this->where: requests"),
                'at_most' => Assert::assertLessThanOrEqual($value, \count($requests), "$this->where: requests"),
                'canary' => Assert::assertSame($value, $log['canary'], "$this->where: canary"),
                'first' => $this->request($value, $requests[0] ?? []),
                'last' => $this->request($value, end($requests) ?: []),
                default => Assert::fail("unknown expectation of the log: $name"),
            };
        }
    }

    /**
     * The members of `$expected` are in `$actual`; those that are null are not.
     *
     * @param array<string, mixed>|object $expected
     * @param array<string, mixed> $actual
     */
    public function members(string $what, array|object $expected, array $actual): void
    {
        foreach ((array) $expected as $name => $value) {
            Assert::assertSame(Json::encode($value), Json::encode($actual[$name] ?? null), "$this->where: $what $name");
        }
    }

    /** No dump, export, JSON or text of `$object` shows what may not be shown, or an issued token. */
    public function shownNowhere(object $object): void
    {
        ob_start();
        var_dump($object);
        $texts = [
            (string) ob_get_clean(), print_r($object, true), var_export($object, true), json_encode($object),
            print_r((array) $object, true), $object instanceof \Stringable ? (string) $object : '',
        ];
        if ($object instanceof TokenwellError) {
            array_push($texts, serialize($object), $object->getMessage(), $object->code, "$object->hint $object->errorDescription");
        }
        $this->issued ??= ($this->log)()['issued'];
        foreach ([...$this->never, ...$this->issued] as $secret) {
            foreach (\strlen($secret) > 3 ? $texts : [] as $text) {
                Assert::assertStringNotContainsString($secret, (string) $text, "$this->where: " . $object::class . ' shows a secret');
            }
        }
    }

    private function value(string $expected, string $token, string $last, string $at): void
    {
        $this->issued ??= ($this->log)()['issued'];
        match ($expected) {
            'issued' => Assert::assertContains($token, $this->issued, $at),
            'same' => Assert::assertSame($last, $token, $at),
            'new' => Assert::assertTrue($token !== $last && \in_array($token, $this->issued, true), "$at: not a new token"),
            default => Assert::assertSame($expected, $token, $at),
        };
    }

    private function lifetime(int $expected, AccessToken $token, string $at): void
    {
        Assert::assertLessThanOrEqual($expected, $token->expiresIn, $at);
        Assert::assertGreaterThanOrEqual($expected - 2, $token->expiresIn, $at);
    }

    private function contains(mixed $expected, string $actual, string $at): void
    {
        foreach ((array) $expected as $part) {
            Assert::assertStringContainsString($part, $actual, $at);
        }
    }

    /**
     * @param array<string, mixed> $expected
     * @param array<string, mixed> $request
     */
    private function request(array $expected, array $request): void
    {
        foreach ($expected as $name => $value) {
            if ($name === 'form' || $name === 'headers') {
                $this->members($name, $value, $request[$name] ?? []);
            } else {
                Assert::assertSame($value, $request[$name] ?? null, "$this->where: $name");
            }
        }
    }
}
