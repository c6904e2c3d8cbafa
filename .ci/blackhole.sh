#!/usr/bin/env bash
# Runs a command where `localhost` is 127.0.0.1 and an IPv6 address behind which every packet is lost, in namespaces of its own (Linux).
# usage: blackhole.sh COMMAND [ARGUMENT...]
set -eu
if [ "${BLACKHOLE:-}" != inside ]; then
  BLACKHOLE=inside exec unshare --user --map-root-user --net --mount "$0" "$@"
fi
ip link set lo up
ip link add hole type veth peer name nowhere
ip address add 2001:db8::1/64 dev hole nodad
ip link set hole up
ip link set nowhere up
# The frames go to a machine that is not there.
ip neighbour add 2001:db8::2 lladdr 02:00:00:00:00:02 dev hole nud permanent
hosts=$(mktemp)
printf '127.0.0.1 localhost\n2001:db8::2 localhost\n' > "$hosts"
mount --bind "$hosts" /etc/hosts
rm "$hosts"
exec "$@"
