<?php

/**
 * Holds tokens for a program that looks into this one's memory (../../../.ci/memory.py): the options are the first line of standard
 * input; each further line moves the library's clock by so many seconds and asks for a token, whose value is never read (what else
 * there is of it and of errors goes to standard error), or is `close`.
 */

declare(strict_types=1);

use Tokenwell\Client;
use Tokenwell\Testing\AuthorizationServer;
use Tokenwell\TokenwellError;

require __DIR__ . '/../../../bindings-c/php/autoload.php';

function call(Client $client): string
{
    try {
        fwrite(STDERR, print_r([$client, $client->accessToken(), $client->stats()], true));
        return 'served';
    } catch (TokenwellError $error) {
        fwrite(STDERR, $error . print_r($error, true));
        return "{$error->getCode()} {$error->getMessage()}";
    }
}

echo "ready\n";
$options = [];
foreach (json_decode((string) fgets(STDIN), true, flags: JSON_THROW_ON_ERROR) as $name => $value) {
    $options[lcfirst(str_replace('_', '', ucwords($name, '_')))] = $value;
}
$client = new Client(...$options);
unset($options, $value);
echo "made\n";
while (($line = fgets(STDIN)) !== false) {
    if ($line === "close\n") {
        unset($client);
        echo "closed\n";
        continue;
    }
    AuthorizationServer::advanceClock((float) $line);
    echo call($client), "\n";
}
