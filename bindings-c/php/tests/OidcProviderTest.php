<?php

declare(strict_types=1);

namespace Tokenwell\Tests;

use PHPUnit\Framework\TestCase;
use Tokenwell\Client;
use Tokenwell\ServerError;

/** A real OpenID provider over https with a private CA. TOKENWELL_OIDC is the path of its description; `make test` sets it. */
final class OidcProviderTest extends TestCase
{
    /** @var array<string, string> */
    private array $provider;

    protected function setUp(): void
    {
        $path = getenv('TOKENWELL_OIDC');
        if ($path === false) {
            self::fail('TOKENWELL_OIDC is not set: run this through `make test`, which starts the provider');
        }
        $this->provider = json_decode((string) file_get_contents($path), true, flags: JSON_THROW_ON_ERROR);
    }

    private function client(string $prefix = '', ?string $secret = null): Client
    {
        return new Client(
            clientId: $this->provider["{$prefix}client_id"],
            clientSecret: $secret ?? $this->provider["{$prefix}client_secret"],
            tokenEndpoint: $this->provider['token_endpoint'],
            tokenEndpointAuthMethod: $prefix === '' ? 'client_secret_basic' : 'client_secret_post',
            tlsCaFile: $this->provider['ca_file'],
            scope: $this->provider['scope'],
        );
    }

    /** @return array<string, mixed> */
    private function introspect(string $token): array
    {
        $context = stream_context_create([
            'http' => [
                'method' => 'POST',
                'header' => [
                    "Authorization: {$this->provider['introspection_authorization']}",
                    'Content-Type: application/x-www-form-urlencoded',
                ],
                'content' => http_build_query(['token' => $token]),
            ],
            'ssl' => ['cafile' => $this->provider['ca_file']],
        ]);
        $answer = file_get_contents($this->provider['introspection_endpoint'], context: $context);
        return json_decode((string) $answer, true, flags: JSON_THROW_ON_ERROR);
    }

    /** @return iterable<string, array{string}> */
    public function clients(): iterable
    {
        yield 'client_secret_basic' => [''];
        yield 'client_secret_post' => ['post_'];
    }

    /** @dataProvider clients */
    public function testATokenIsActive(string $prefix): void
    {
        $client = $this->client($prefix);
        $token = $client->accessToken();
        self::assertSame('network', $token->source);
        self::assertTrue($this->introspect($token->value)['active']);
        self::assertSame('memory', $client->accessToken()->source);
    }

    /** @dataProvider clients */
    public function testAWrongSecretIsRefused(string $prefix): void
    {
        try {
            $this->client($prefix, 'not-the-secret')->token();
            self::fail('no exception');
        } catch (ServerError $error) {
            self::assertSame('invalid_client', $error->getCode());
        }
    }
}
