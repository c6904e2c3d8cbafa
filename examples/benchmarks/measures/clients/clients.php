<?php

/** Memory of many clients in PHP: makes so many, with a scope and a token each, then as many again, and says what those took. */

declare(strict_types=1);

use Tokenwell\Client;

require __DIR__ . '/../../../../bindings-c/php/autoload.php';

function resident(): int
{
    gc_collect_cycles();
    return (int) explode(' ', (string) file_get_contents('/proc/self/statm'))[1] * 4096;
}

function client(int $number): Client
{
    $client = new Client(
        clientId: getenv('CLIENT_ID'),
        clientSecret: getenv('CLIENT_SECRET'),
        tokenEndpoint: getenv('TOKEN_ENDPOINT'),
        tlsCaFile: getenv('CA_FILE'),
        scope: "scope-$number",
    );
    $client->token();
    return $client;
}

[, $warm, $count] = array_map(intval(...), $_SERVER['argv']);
$kept = array_map(client(...), range(1, $warm));
$before = resident();
array_push($kept, ...array_map(client(...), range($warm + 1, $warm + $count)));
echo json_encode(['bytes' => (resident() - $before) / $count]), PHP_EOL;
