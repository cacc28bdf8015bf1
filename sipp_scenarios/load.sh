#!/bin/sh
# Calls through a running router, at a steady rate and for a bounded number of calls:
#
#   sipp_scenarios/load.sh [RATE [CALLS [TARGET]]]
#
# RATE    calls begun each second      100
# CALLS   calls in all                 1000
# TARGET  the router                   127.0.0.10:5060
#
# From the environment: NUMBER, what is called (+18005550100); CARRIER, the address that calls (127.0.0.12); PREMISE, the address
# that answers (127.0.0.13; empty: somebody else does); SCENARIO, the caller's (load_uac.xml; load_redirect_uac.xml expects 302).
# A number that is redirected: NUMBER=+18005550302 PREMISE= SCENARIO=load_redirect_uac.xml sipp_scenarios/load.sh
#
# Exit status: SIPp's, 0 when every call went as its scenario says. The load ends by itself, whatever the router does.
set -eu

rate=${1:-100} calls=${2:-1000} target=${3:-127.0.0.10:5060}
number=${NUMBER:-+18005550100} carrier=${CARRIER:-127.0.0.12} premise=${PREMISE-127.0.0.13} scenario=${SCENARIO:-load_uac.xml}
here=$(cd "$(dirname "$0")" && pwd)

for word in "$rate" "$calls"; do
    case $word in
        *[!0-9]* | '' | 0*) echo "load.sh: RATE and CALLS are whole numbers above 0, not '$word'" >&2; exit 2 ;;
    esac
done
limit=$((calls / rate + 60)) # seconds: the calls themselves, and time for the last retransmission

if [ -n "$premise" ]; then
    sipp -sf "$here/load_uas.xml" -i "$premise" -p 5060 -bind_local -nostdin -timeout "${limit}s" >/dev/null 2>&1 &
    answering=$!
    trap 'kill "$answering" 2>/dev/null || :' EXIT INT TERM
fi

sipp -sf "$here/$scenario" -i "$carrier" -p 5060 -bind_local -s "$number" -r "$rate" -m "$calls" -l "$((rate * 10))" -d 10 \
    -nostdin -timeout "${limit}s" -timeout_error "$target"
