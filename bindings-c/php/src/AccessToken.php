<?php

declare(strict_types=1);

namespace Tokenwell;

use Tokenwell\Internal\Handle;
use Tokenwell\Internal\Library;

/**
 * An access token and what came with it. Dumps, JSON and exports show neither the value nor the other members of the
 * answer; it cannot be serialized.
 *
 * @property-read string $value the token itself
 * @property-read int $expiresIn whole seconds of life left now
 * @property-read array<string, mixed> $extra the other members of the server's answer
 */
final readonly class AccessToken implements \JsonSerializable
{
    /** `Bearer` (RFC 6750). */
    public string $tokenType;
    /** When the token expires. */
    public \DateTimeImmutable $expiresAt;
    /** The scope that the server granted, words parted by spaces; null: it named none. */
    public ?string $scope;
    /** Where this answer came from: `network` or `memory`. */
    public string $source;

    /** @internal */
    public function __construct(private Handle $handle)
    {
        $ffi = Library::ffi();
        $this->tokenType = $ffi->tokenwell_token_type($handle->token);
        $this->expiresAt = new \DateTimeImmutable('@' . $ffi->tokenwell_token_expires_at($handle->token));
        $this->scope = $ffi->tokenwell_token_scope($handle->token);
        $this->source = $ffi->tokenwell_token_source($handle->token);
    }

    public function __get(string $name): mixed
    {
        $ffi = Library::ffi();
        return match ($name) {
            'value' => $ffi->tokenwell_token_value($this->handle->token),
            'expiresIn' => $ffi->tokenwell_token_expires_in($this->handle->token),
            'extra' => json_decode($ffi->tokenwell_token_extra($this->handle->token), true, flags: JSON_THROW_ON_ERROR),
            default => throw new \Error('Undefined property: ' . self::class . "::\$$name"),
        };
    }

    public function __isset(string $name): bool
    {
        return \in_array($name, ['value', 'expiresIn', 'extra'], true);
    }

    /** The value of an `Authorization` header: `Bearer ...` (RFC 6750 section 2.1). */
    public function authorization(): string
    {
        return Library::ffi()->tokenwell_token_authorization($this->handle->token);
    }

    /** @return array<string, mixed> */
    public function __debugInfo(): array
    {
        return ['value' => '[redacted]'] + $this->jsonSerialize();
    }

    /** @return array<string, mixed> without the value and the other members of the answer */
    public function jsonSerialize(): array
    {
        return [
            'tokenType' => $this->tokenType,
            'expiresAt' => $this->expiresAt->format(DATE_ATOM),
            'expiresIn' => $this->expiresIn,
            'scope' => $this->scope,
            'source' => $this->source,
        ];
    }

    /** @return never */
    public function __serialize(): array
    {
        throw new \LogicException('an access token cannot be serialized: keep the client, which keeps the token');
    }
}
