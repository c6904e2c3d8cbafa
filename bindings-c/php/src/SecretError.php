<?php

declare(strict_types=1);

namespace Tokenwell;

/** A source of a secret failed. */
final class SecretError extends TokenwellError
{
}
