<?php

/** Tokenwell in PHP. */

declare(strict_types=1);

use Tokenwell\Client;
use Tokenwell\Internal\Library;

require __DIR__ . '/contestant.php';
require __DIR__ . '/../../../../bindings-c/php/autoload.php';

$token = static function (string $cache): Closure {
    $client = new Client(
        clientId: from_env('CLIENT_ID'),
        clientSecret: from_env('CLIENT_SECRET'),
        tokenEndpoint: from_env('TOKEN_ENDPOINT'),
        tlsCaFile: from_env('CA_FILE'),
        scope: from_env('SCOPE'),
        cache: $cache,
    );
    return $client->token(...);
};
play(
    'Tokenwell',
    static fn(): string => Library::ffi()->tokenwell_version(),
    static fn(): Closure => $token('memory'),
    static fn(): Closure => $token('none'),
);
