<?php

// ext-curl with what can be kept: the handle, or for many at once the multi handle and its handles.

declare(strict_types=1);

require __DIR__ . '/contestant.php';
require __DIR__ . '/ext-curl.inc';

play(
    'ext-curl, handle kept',
    curl_name(...),
    fetching: static function (): Closure {
        $handle = asking();
        return static fn (): string => token_in(curl_exec($handle));
    },
    together: static function (): Closure {
        $multi = curl_multi_init();
        return static fn (int $count, int $atOnce) => fetch_by_multi($multi, $count, $atOnce, static fn (CurlHandle $its) => $its);
    },
);
