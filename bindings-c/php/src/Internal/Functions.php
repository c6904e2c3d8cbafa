<?php

declare(strict_types=1);

namespace Tokenwell\Internal;

use FFI\CData;

/**
 * The functions of tokenwell.h as PHP's FFI gives them, for static analysis: nothing implements this. A handle must be
 * live where the result is not nullable.
 *
 * @internal
 */
interface Functions
{
    public function tokenwell_client_free(int $client): void;

    public function tokenwell_client_has(int $client, int $token): ?string;

    public function tokenwell_client_renew(int $client, int $last, CData $token, CData $error): string;

    public function tokenwell_client_invalidate(int $client, string $value, int $length): int;

    public function tokenwell_client_dpop_nonce(int $client, string $url, int $urlLength, string $nonce, int $nonceLength): int;

    public function tokenwell_client_warning(int $client): ?CData;

    public function tokenwell_client_stats(int $client): ?CData;

    public function tokenwell_client_close(int $client): int;

    public function tokenwell_string_free(CData $string): void;

    public function tokenwell_version(): string;

    public function tokenwell_token_value(int $token): string;

    public function tokenwell_token_type(int $token): string;

    public function tokenwell_token_authorization(int $token): string;

    public function tokenwell_token_scope(int $token): ?string;

    public function tokenwell_token_source(int $token): string;

    public function tokenwell_token_extra(int $token): string;

    public function tokenwell_token_expires_at(int $token): int;

    public function tokenwell_token_expires_in(int $token): int;

    public function tokenwell_token_free(int $token): void;

    public function tokenwell_error_kind(int $error): string;

    public function tokenwell_error_code(int $error): string;

    public function tokenwell_error_message(int $error): string;

    public function tokenwell_error_retryable(int $error): bool;

    public function tokenwell_error_retry_after(int $error): float;

    public function tokenwell_error_http_status(int $error): int;

    public function tokenwell_error_error_description(int $error): ?string;

    public function tokenwell_error_hint(int $error): ?string;

    public function tokenwell_error_free(int $error): void;

    public function tokenwell_testing_advance_clock(float $seconds): void;

    public function tokenwell_testing_jump_wall_clock(float $seconds): void;

    public function tokenwell_testing_panic_in_next_flight(): void;
}
