<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

/** JSON as arrays, where an empty object stays an object: the server and the library tell `{}` from `[]`. */
final class Json
{
    public static function decode(string $json): mixed
    {
        return self::arrays(json_decode($json, flags: JSON_THROW_ON_ERROR));
    }

    /** The same text for the same value, in whichever order its members stand. */
    public static function encode(mixed $value): string
    {
        return json_encode(self::sorted($value), JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION | JSON_UNESCAPED_SLASHES);
    }

    private static function sorted(mixed $value): mixed
    {
        if (!\is_array($value)) {
            return $value;
        }
        if (!array_is_list($value)) {
            ksort($value);
        }
        return array_map(self::sorted(...), $value);
    }

    private static function arrays(mixed $value): mixed
    {
        if ($value instanceof \stdClass && (array) $value === []) {
            return $value;
        }
        return \is_array($value) || $value instanceof \stdClass ? array_map(self::arrays(...), (array) $value) : $value;
    }
}
