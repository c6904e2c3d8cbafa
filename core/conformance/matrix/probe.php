<?php

/** The probe of the matrix in PHP: see README.md. */

declare(strict_types=1);

use Tokenwell\Client;
use Tokenwell\TokenwellError;

require __DIR__ . '/../../../bindings-c/php/tests/bootstrap.php';

function camel(string $name): string
{
    return lcfirst(str_replace('_', '', ucwords($name, '_')));
}

$client = null;
while (($line = fgets(STDIN)) !== false) {
    $order = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    try {
        if (isset($order['new'])) {
            $client = new Client(...array_combine(array_map(camel(...), array_keys($order['new'])), $order['new']));
            $answer = new stdClass();
        } else {
            $answer = ['result' => match ($order['call']) {
                'dpop_proof' => $client->dpopProof($order['method'], $order['url'], $order['token']),
                default => $client->{$order['call']}(),
            }];
        }
    } catch (TokenwellError $error) {
        $answer = ['error' => $error->getCode(), 'message' => $error->getMessage()];
    }
    echo json_encode($answer, JSON_THROW_ON_ERROR), "\n";
}
