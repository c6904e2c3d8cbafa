<?php

/**
 * For php-fpm, where FFI may be used by preloaded code alone (ffi.enable=preload, the default):
 *
 *   ffi.preload = /usr/local/share/tokenwell/ffi.h
 *   opcache.preload = /path/to/vendor/tokenwell/tokenwell/preload.php
 *   opcache.preload_user = www-data
 */

declare(strict_types=1);

require __DIR__ . '/autoload.php';

foreach (
    [
        'Internal\Library', 'Internal\Handle', 'Internal\Options', 'TokenwellError', 'ConfigError', 'SecretError',
        'TransportError', 'ServerError', 'ResponseError', 'CacheError', 'AccessToken', 'Client',
    ] as $class
) {
    class_exists("Tokenwell\\$class") || throw new LogicException("no class $class");
}
