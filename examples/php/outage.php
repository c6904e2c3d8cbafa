<?php

/**
 * One thread stands for many callers (CALLERS, default 50, a quarter of the others' 200: four such processes are run): it asks
 * for the token so often, ten times a second. Each line on standard input moves the library's clock by so many seconds, and is
 * answered with a line of JSON before: the calls served so far, those that failed, and how many of these were early: a token was
 * valid. Ends with the input.
 */

declare(strict_types=1);

use Tokenwell\Client;
use Tokenwell\Testing\AuthorizationServer;
use Tokenwell\TokenwellError;

require __DIR__ . '/../../bindings-c/php/autoload.php';

$client = Client::fromEnv();
$callers = (int) (getenv('CALLERS') ?: 50);
$counts = ['served' => 0, 'failed' => 0, 'early' => 0];
// Seconds that the library's clock has been moved, and when the last token ends on it.
$ahead = 0.0;
$end = 0.0;
for (;;) {
    for ($caller = 0; $caller < $callers; $caller++) {
        $began = hrtime(true) / 1e9 + $ahead;
        try {
            $end = max($end, $began + $client->accessToken()->expiresIn);
            $counts['served']++;
        } catch (TokenwellError) {
            $counts['failed']++;
            $counts['early'] += (int) (hrtime(true) / 1e9 + $ahead < $end);
        }
    }
    [$read, $write, $except] = [[STDIN], null, null];
    if (stream_select($read, $write, $except, 0, 100_000) === 0) {
        continue;
    }
    $line = fgets(STDIN);
    if ($line === false) {
        break;
    }
    echo json_encode($counts, JSON_THROW_ON_ERROR), PHP_EOL;
    $ahead += (float) $line;
    AuthorizationServer::advanceClock((float) $line);
}
