<?php

declare(strict_types=1);

namespace Tokenwell;

// opcache.preload may have declared it already.
if (!\function_exists(__NAMESPACE__ . '\getTokenByClientIdAndClientSecret')) {
    /**
     * Gets a bearer token. Each argument that is null comes from the environment: TOKENWELL_CLIENT_ID,
     * TOKENWELL_CLIENT_SECRET, TOKENWELL_TOKEN_ENDPOINT.
     *
     * The token is kept in this process: a second call makes no request while it is good.
     *
     * @throws TokenwellError on every failure
     */
    function getTokenByClientIdAndClientSecret(
        ?string $clientId = null,
        #[\SensitiveParameter] ?string $clientSecret = null,
        ?string $authenticationUrl = null,
    ): string {
        return Client::fromGuide($clientId, $clientSecret, $authenticationUrl)->token();
    }
}
