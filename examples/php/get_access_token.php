<?php

/**
 * The guide's program, "get access token": prints a bearer token for the client id and secret in the environment.
 *
 *   TOKENWELL_CLIENT_ID, TOKENWELL_CLIENT_SECRET, TOKENWELL_TOKEN_ENDPOINT
 */

declare(strict_types=1);

use Tokenwell\TokenwellError;

use function Tokenwell\getTokenByClientIdAndClientSecret;

require __DIR__ . '/../../bindings-c/php/autoload.php'; // in a project of your own: vendor/autoload.php

try {
    echo getTokenByClientIdAndClientSecret(), "\n";
} catch (TokenwellError $error) {
    fwrite(STDERR, sprintf("%s (%s): %s\n%s\n", $error::class, $error->code, $error->getMessage(), $error->hint ?? ''));
    exit(1);
}
