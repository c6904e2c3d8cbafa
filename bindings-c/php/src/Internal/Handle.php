<?php

declare(strict_types=1);

namespace Tokenwell\Internal;

/**
 * An object of the C library, freed with the last PHP variable that holds it: keep it in one while its pointer is used.
 *
 * @internal
 */
final class Handle
{
    /** @param string $free the function that frees it */
    public function __construct(public readonly \FFI\CData $pointer, private readonly string $free)
    {
    }

    public function __destruct()
    {
        Library::ffi()->{$this->free}($this->pointer);
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
        throw new \LogicException('clients and tokens of Tokenwell cannot be serialized');
    }
}
