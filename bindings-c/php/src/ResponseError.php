<?php

declare(strict_types=1);

namespace Tokenwell;

/** An answer that is not a token answer (RFC 6749 section 5.1). */
final class ResponseError extends TokenwellError
{
}
