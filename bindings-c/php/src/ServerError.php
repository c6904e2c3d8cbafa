<?php

declare(strict_types=1);

namespace Tokenwell;

/** The server's OAuth error answer (RFC 6749 section 5.2). */
final class ServerError extends TokenwellError
{
}
