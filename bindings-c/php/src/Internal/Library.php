<?php

declare(strict_types=1);

namespace Tokenwell\Internal;

use Tokenwell\CacheError;
use Tokenwell\ConfigError;
use Tokenwell\ResponseError;
use Tokenwell\SecretError;
use Tokenwell\ServerError;
use Tokenwell\TokenwellError;
use Tokenwell\TransportError;

/**
 * The C library: found once, called, and its errors thrown.
 *
 * @internal
 */
final class Library
{
    private const HINT = 'build it with `make -C bindings-c build`, or set TOKENWELL_LIBRARY to the path of libtokenwell.so.0';
    private const HINT_FPM = 'in php.ini set ffi.preload to the installed tokenwell/ffi.h and opcache.preload to the preload.php of this package';

    /** @var (\FFI&Functions)|null */
    private static ?\FFI $ffi = null;
    /** @var array<string, \FFI\CType> parsed once */
    private static array $types = [];
    /** @var list<\FFI\CData> for {@see renew()}: a token's address and an error's, and where these two are; empty while a call uses them */
    private static array $places = [];

    /**
     * The functions of tokenwell.h.
     *
     * @return \FFI&Functions
     */
    public static function ffi(): \FFI
    {
        return self::$ffi ??= self::preloaded() ?? self::load();
    }

    /**
     * Calls a function with a client or a token as out-parameter, which is the caller's to free: its address; throws its error.
     *
     * @throws TokenwellError
     */
    public static function make(string $function, #[\SensitiveParameter] mixed ...$arguments): int
    {
        return self::number(self::out('uintptr_t', $function, $arguments));
    }

    /**
     * Frees a token and gets a new one, whose address takes its place: the new one's value. Without what {@see make()} makes for
     * each call, which is most of what PHP takes for it.
     *
     * @throws TokenwellError
     */
    public static function renew(int $client, int &$token): string
    {
        /** @var list<\FFI\CData&object{cdata: int}> $places what FFI calls the value of a scalar */
        $places = self::$places ?: self::places();
        // The handler of a signal may ask for a token before this call has read its own.
        self::$places = [];
        $value = self::ffi()->tokenwell_client_renew($client, $token, $places[2], $places[3]);
        $token = $places[0]->cdata;
        $error = $places[1]->cdata;
        self::$places = $places;
        self::check($error);
        return $value;
    }

    /** @return list<\FFI\CData> */
    private static function places(): array
    {
        $places = [self::place('uintptr_t'), self::place('uintptr_t')];
        return [...$places, \FFI::addr($places[0]), \FFI::addr($places[1])];
    }

    /**
     * Calls a function with a string as out-parameter; throws its error.
     *
     * @throws TokenwellError
     */
    public static function text(string $function, #[\SensitiveParameter] mixed ...$arguments): string
    {
        $text = self::out('char *', $function, $arguments);
        try {
            return \FFI::string($text);
        } finally {
            self::ffi()->tokenwell_string_free($text);
        }
    }

    /**
     * Calls a function without an out-parameter beside the error; throws that.
     *
     * @throws TokenwellError
     */
    public static function call(string $function, #[\SensitiveParameter] mixed ...$arguments): void
    {
        $error = self::place('uintptr_t');
        self::ffi()->$function(...$arguments, ...[\FFI::addr($error)]);
        self::check(self::number($error));
    }

    /** @param array<array-key, mixed> $arguments */
    private static function out(string $type, string $function, #[\SensitiveParameter] array $arguments): \FFI\CData
    {
        $made = self::place($type);
        self::call($function, ...$arguments, ...[\FFI::addr($made)]);
        return $made;
    }

    private static function place(string $type): \FFI\CData
    {
        $parsed = self::$types[$type] ??= self::ffi()->type($type) ?? throw new \LogicException("no type $type");
        return self::ffi()->new($parsed) ?? throw new \LogicException("no memory for $type");
    }

    private static function number(\FFI\CData $place): int
    {
        /** @var \FFI\CData&object{cdata: int} $place what FFI calls the value of a scalar */
        return $place->cdata;
    }

    /** @throws TokenwellError unless the address is 0, which is no error's */
    private static function check(int $error): void
    {
        if ($error === 0) {
            return;
        }
        $ffi = self::ffi();
        $class = match ($ffi->tokenwell_error_kind($error)) {
            'ConfigError' => ConfigError::class,
            'SecretError' => SecretError::class,
            'TransportError' => TransportError::class,
            'ServerError' => ServerError::class,
            'ResponseError' => ResponseError::class,
            'CacheError' => CacheError::class,
            default => TokenwellError::class,
        };
        $retryAfter = $ffi->tokenwell_error_retry_after($error);
        $exception = new $class(
            $ffi->tokenwell_error_message($error),
            $ffi->tokenwell_error_code($error),
            $ffi->tokenwell_error_retryable($error),
            $retryAfter < 0 ? null : $retryAfter,
            $ffi->tokenwell_error_http_status($error) ?: null,
            $ffi->tokenwell_error_error_description($error),
            $ffi->tokenwell_error_hint($error),
        );
        $ffi->tokenwell_error_free($error);
        throw $exception;
    }

    /**
     * The library that php.ini has loaded (ffi.preload).
     *
     * @return (\FFI&Functions)|null
     */
    private static function preloaded(): ?\FFI
    {
        try {
            /** @var \FFI&Functions */
            return \FFI::scope('tokenwell');
        } catch (\FFI\Exception) {
            return null;
        }
    }

    /** @return \FFI&Functions */
    private static function load(): \FFI
    {
        $package = \dirname(__DIR__, 2);
        $header = (string) file_get_contents("$package/include/tokenwell.h");
        $ours = "$package/lib/libtokenwell.so.0";
        $library = getenv('TOKENWELL_LIBRARY') ?: (is_file($ours) ? $ours : 'libtokenwell.so.0');
        try {
            /** @var \FFI&Functions */
            return \FFI::cdef($header, $library);
        } catch (\FFI\Exception $cause) {
            $hint = str_contains($cause->getMessage(), 'ffi.enable') ? self::HINT_FPM : self::HINT;
            throw new ConfigError("the library cannot be used: {$cause->getMessage()}", 'library_unusable', hint: $hint);
        }
    }
}
