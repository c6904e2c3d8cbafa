<?php

declare(strict_types=1);

namespace Tokenwell;

/** A shared store failed. Never thrown by a token call. */
final class CacheError extends TokenwellError
{
}
