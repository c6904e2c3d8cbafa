//! How long a server asks to be left alone: `Retry-After` (RFC 9110 section 10.2.3), and what providers send in its place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Reads the wait out of an answer's headers; `now` is this machine's wall clock. A date is held against the answer's own
/// `Date`, so that a difference between the clocks does not count.
pub(crate) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let now = text(headers, &DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    let until = |time: SystemTime| time.duration_since(now).unwrap_or_default();
    if let Some(value) = text(headers, &RETRY_AFTER) {
        return match !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than a number has mean the same as a number that is too large.
            true => Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX))),
            false => httpdate::parse_http_date(value).ok().map(until),
        };
    }
    let reset = text(headers, &HeaderName::from_static("x-rate-limit-reset"));
    if let Some(time) = reset.and_then(|seconds| seconds.parse::<u64>().ok()) {
        // Some send the seconds that are left in place of the time.
        let left = Duration::from_secs(time);
        return if time < 100_000_000 { Some(left) } else { UNIX_EPOCH.checked_add(left).map(until) };
    }
    quota(text(headers, &HeaderName::from_static("auth0-client-quota-limit"))?)
}

/// Seconds that the server's clock is ahead of ours, by its `Date`.
pub(crate) fn clock_offset(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let unix = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let date = httpdate::parse_http_date(text(headers, &DATE)?).ok()?;
    Some(unix(date) - unix(now))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// `b=per_hour;q=10;r=0;t=3540`: of the quotas that are used up (r=0), the longest wait.
fn quota(value: &str) -> Option<Duration> {
    let member = |quota: &str, name: &str| -> Option<u64> {
        quota.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let used_up = value.split(',').filter(|quota| member(quota, "r") == Some(0));
    used_up.filter_map(|quota| member(quota, "t")).max().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
        read(&headers, UNIX_EPOCH + Duration::from_secs(1_000_000_000)).map(|wait| wait.as_secs())
    }

    #[test]
    fn f04_every_form_of_retry_after() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait(&[("retry-after", "120")]), Some(120));
        assert_eq!(wait(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), Some(30));
        assert_eq!(wait(&[date, ("retry-after", "Sun, 06 Nov 1994 08:40:00 GMT")]), Some(0));
        assert_eq!(wait(&[("retry-after", &"9".repeat(40))]), Some(u64::MAX));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", "-5")]), None);
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn f05_what_providers_send_instead() {
        assert_eq!(wait(&[("x-rate-limit-reset", "1000000045")]), Some(45));
        assert_eq!(wait(&[("x-rate-limit-reset", "30")]), Some(30));
        assert_eq!(
            wait(&[("auth0-client-quota-limit", "b=per_hour;q=10;r=0;t=3540,b=per_day;q=90;r=5;t=9999")]),
            Some(3540)
        );
    }
}
