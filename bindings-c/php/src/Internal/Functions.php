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
    public function tokenwell_client_free(CData $client): void;

    public function tokenwell_client_has(CData $client, CData $token): bool;

    public function tokenwell_client_invalidate(CData $client, string $value, int $length): int;

    public function tokenwell_client_dpop_nonce(CData $client, string $url, int $urlLength, string $nonce, int $nonceLength): int;

    public function tokenwell_client_warning(CData $client): ?CData;

    public function tokenwell_client_stats(CData $client): CData;

    public function tokenwell_client_close(CData $client): int;

    public function tokenwell_string_free(CData $string): void;

    public function tokenwell_version(): string;

    public function tokenwell_token_value(CData $token): string;

    public function tokenwell_token_type(CData $token): string;

    public function tokenwell_token_authorization(CData $token): string;

    public function tokenwell_token_scope(CData $token): ?string;

    public function tokenwell_token_source(CData $token): string;

    public function tokenwell_token_extra(CData $token): string;

    public function tokenwell_token_expires_at(CData $token): int;

    public function tokenwell_token_expires_in(CData $token): int;

    public function tokenwell_token_free(CData $token): void;

    public function tokenwell_error_kind(CData $error): string;

    public function tokenwell_error_code(CData $error): string;

    public function tokenwell_error_message(CData $error): string;

    public function tokenwell_error_retryable(CData $error): bool;

    public function tokenwell_error_retry_after(CData $error): float;

    public function tokenwell_error_http_status(CData $error): int;

    public function tokenwell_error_error_description(CData $error): ?string;

    public function tokenwell_error_hint(CData $error): ?string;

    public function tokenwell_error_free(CData $error): void;

    public function tokenwell_testing_advance_clock(float $seconds): void;

    public function tokenwell_testing_jump_wall_clock(float $seconds): void;

    public function tokenwell_testing_panic_in_next_flight(): void;
}
