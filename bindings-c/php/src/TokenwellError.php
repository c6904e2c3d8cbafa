<?php

declare(strict_types=1);

namespace Tokenwell;

/**
 * What can go wrong; this class itself: a fault of the library.
 *
 *     TokenwellError
 *     +-- ConfigError     an option is missing, unknown, wrong or in conflict; nothing was sent
 *     +-- SecretError     a source of a secret failed
 *     +-- TransportError  no answer: dns, connect, tls, proxy, timeout, closed
 *     +-- ServerError     the server's OAuth error answer (RFC 6749 section 5.2)
 *     +-- ResponseError   an answer that is not a token answer (RFC 6749 section 5.1)
 *     +-- CacheError      a shared store failed; never thrown by a token call
 *
 * `getCode()` and `$error->code` give a stable string, e.g. `invalid_client` or `timeout`.
 *
 * @property-read string $code
 * @property-read string $message
 */
class TokenwellError extends \RuntimeException
{
    /**
     * @param string $message what happened, in one sentence without secrets
     * @param string $code the server's own code or one of the library
     * @param bool $retryable the same call may succeed later with nothing changed
     * @param float|null $retryAfter seconds until a new attempt is worth making
     * @param int|null $httpStatus of the answer; null: there was none
     * @param string|null $errorDescription the server's text, cleaned; for people to read
     * @param string|null $hint what to do next
     */
    final public function __construct(
        string $message,
        string $code,
        public readonly bool $retryable = false,
        public readonly ?float $retryAfter = null,
        public readonly ?int $httpStatus = null,
        public readonly ?string $errorDescription = null,
        public readonly ?string $hint = null,
    ) {
        parent::__construct($message);
        $this->code = $code;
        $this->forgetArguments();
    }

    /** Our own frames keep no arguments: #[SensitiveParameter] does not reach named ones that a variadic collects. */
    private function forgetArguments(): void
    {
        $trace = [];
        /** @var array{class?: string, function: string, args?: list<mixed>} $frame */
        foreach ($this->getTrace() as $frame) {
            $ours = str_starts_with($frame['class'] ?? $frame['function'], __NAMESPACE__ . '\\');
            $trace[] = $ours ? array_diff_key($frame, ['args' => null]) : $frame;
        }
        (new \ReflectionProperty(\Exception::class, 'trace'))->setValue($this, $trace);
    }

    /** Reads `code` and `message`, which PHP's own base class hides. */
    public function __get(string $name): mixed
    {
        return match ($name) {
            'code' => $this->code,
            'message' => $this->message,
            default => throw new \Error('Undefined property: ' . static::class . "::\$$name"),
        };
    }

    public function __isset(string $name): bool
    {
        return $name === 'code' || $name === 'message';
    }

    public function __toString(): string
    {
        return parent::__toString() . ($this->hint === null ? '' : "\nHint: $this->hint");
    }
}
