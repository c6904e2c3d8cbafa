<?php

declare(strict_types=1);

namespace Tokenwell;

/** An option is missing, unknown, wrong or in conflict with another. Nothing was sent. */
final class ConfigError extends TokenwellError
{
}
