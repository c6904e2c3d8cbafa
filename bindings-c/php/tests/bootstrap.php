<?php

declare(strict_types=1);

require __DIR__ . '/../autoload.php';

spl_autoload_register(static function (string $class): void {
    $file = __DIR__ . '/' . strtr(substr($class, strlen('Tokenwell\\Tests\\')), '\\', '/') . '.php';
    if (str_starts_with($class, 'Tokenwell\\Tests\\') && is_file($file)) {
        require $file;
    }
});

// Debian keeps these beside PHPUnit's own; elsewhere Composer has loaded them.
foreach (['GuzzleHttp', 'GuzzleHttp/Psr7', 'Psr/Http/Client', 'Psr/Http/Message'] as $package) {
    if (is_file("/usr/share/php/$package/autoload.php")) {
        require_once "/usr/share/php/$package/autoload.php";
    }
}

if (getenv('TOKENWELL_DEV_SERVER') === false) {
    $target = __DIR__ . '/../../../target';
    $built = [...(glob("$target/*/debug/tokenwell-dev-server") ?: []), "$target/debug/tokenwell-dev-server"];
    putenv('TOKENWELL_DEV_SERVER=' . realpath($built[0]));
}
