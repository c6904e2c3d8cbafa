<?php

declare(strict_types=1);

namespace Tokenwell\Internal;

/**
 * A token of the C library, freed with the last PHP variable that holds this: keep it in one while the address is used.
 *
 * @internal
 */
final class Handle
{
    public function __construct(public readonly int $token)
    {
    }

    public function __destruct()
    {
        Library::ffi()->tokenwell_token_free($this->token);
    }

    private function __clone()
    {
    }

    /** @return array<string, mixed> */
    public function __debugInfo(): array
    {
        return [];
    }

    /** @return never */
    public function __serialize(): array
    {
        throw new \LogicException('tokens of Tokenwell cannot be serialized');
    }

    /** @param array<array-key, mixed> $data */
    public function __unserialize(array $data): never
    {
        throw new \LogicException('tokens of Tokenwell cannot be unserialized');
    }
}
