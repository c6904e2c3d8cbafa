<?php

declare(strict_types=1);

namespace Tokenwell\Internal;

use Tokenwell\ConfigError;

/**
 * Named arguments to the JSON of the C library.
 *
 * @internal
 */
final class Options
{
    private const FLAGS = JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;

    /**
     * @param array<array-key, mixed> $options by names in camelCase; null: not given
     * @throws ConfigError a value cannot be written as JSON
     */
    public static function json(#[\SensitiveParameter] array $options): string
    {
        $members = [];
        foreach ($options as $name => $value) {
            if ($value !== null) {
                $snake = strtolower((string) preg_replace('/[A-Z]/', '_$0', (string) $name));
                $key = (string) json_encode($snake, self::FLAGS | JSON_INVALID_UTF8_SUBSTITUTE);
                $members[] = "$key:" . self::value($snake, $value);
            }
        }
        return '{' . implode(',', $members) . '}';
    }

    private static function value(string $name, #[\SensitiveParameter] mixed $value): string
    {
        // PHP has one empty array; the only option that is a map means the empty map.
        if ($name === 'extra_parameters' && $value === []) {
            return '{}';
        }
        try {
            return (string) json_encode($value, self::FLAGS);
        } catch (\JsonException $cause) {
            throw new ConfigError("`$name` cannot be written as JSON: {$cause->getMessage()}", 'option_invalid');
        }
    }
}
