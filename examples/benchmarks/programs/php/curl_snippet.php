<?php

// What guides show: a handle for each token, and with it a connection and a reading of the roots.

declare(strict_types=1);

require __DIR__ . '/contestant.php';
require __DIR__ . '/ext-curl.inc';

play(
    'ext-curl, a handle each',
    curl_name(...),
    fetching: static fn (): Closure => static fn (): string => token_in(curl_exec(asking())),
);
