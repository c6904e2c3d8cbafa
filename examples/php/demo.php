<?php

/** Asks for a token twice and prints, for each call, a line of JSON: where it came from and how long it took. */

declare(strict_types=1);

use Tokenwell\Client;

require __DIR__ . '/../../bindings-c/php/autoload.php';

$client = Client::fromEnv();
for ($call = 0; $call < 2; $call++) {
    $started = hrtime(true);
    $token = $client->accessToken();
    $seconds = (hrtime(true) - $started) / 1e9;
    echo json_encode([
        'call' => '$client->accessToken()',
        'token' => substr($token->value, 0, 6),
        'seconds' => $seconds,
        'source' => $token->source,
    ], JSON_THROW_ON_ERROR), PHP_EOL;
}
