<?php

/** Loads Tokenwell where there is no Composer: `require '.../autoload.php';`. */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'Tokenwell\\')) {
        $file = __DIR__ . '/src/' . strtr(substr($class, strlen('Tokenwell\\')), '\\', '/') . '.php';
        if (is_file($file)) {
            require $file;
        }
    }
});
require_once __DIR__ . '/src/functions.php';
