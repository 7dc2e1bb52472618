#!/bin/sh
# Redirects connections to TCP port 443 to a Sallyport with `intercept: redirect` (configs/intercept/redirect.yaml), by iptables REDIRECT.
#
#   iptables-redirect.sh up | down
#
# Two scopes, both by default: SCOPE="gateway local"
#   gateway  what this machine forwards for others (LAN=eth1 restricts it to that interface)
#   local    what this machine's own programs send, except those of Sallyport's group (GROUP): its own dials must not be redirected
# PORT is where Sallyport listens.
#
# UDP port 443 is rejected, not dropped: browsers try QUIC first, which no TCP proxy sees, and fall back to TCP at once when it is rejected.
set -eu
PORT="${PORT:-8443}" GROUP="${GROUP:-sallyport}" LAN="${LAN:-}" SCOPE="${SCOPE:-gateway local}"

up() {
  for iptables in iptables ip6tables; do
    for scope in $SCOPE; do "up_$scope" "$iptables -w"; done
  done
}

up_gateway() {
  $1 -t nat -N SALLYPORT_GATEWAY
  # What is meant for this machine itself stays what it is.
  $1 -t nat -A SALLYPORT_GATEWAY -m addrtype --dst-type LOCAL -j RETURN
  $1 -t nat -A SALLYPORT_GATEWAY -p tcp -j REDIRECT --to-ports "$PORT"
  $1 -t nat -A PREROUTING ${LAN:+-i "$LAN"} -p tcp --dport 443 -j SALLYPORT_GATEWAY
  $1 -t filter -N SALLYPORT_QUIC
  $1 -t filter -A SALLYPORT_QUIC -j REJECT
  $1 -t filter -I FORWARD ${LAN:+-i "$LAN"} -p udp --dport 443 -j SALLYPORT_QUIC
}

up_local() {
  $1 -t nat -N SALLYPORT_LOCAL
  $1 -t nat -A SALLYPORT_LOCAL -m owner --gid-owner "$GROUP" -j RETURN
  $1 -t nat -A SALLYPORT_LOCAL -m addrtype --dst-type LOCAL -j RETURN
  $1 -t nat -A SALLYPORT_LOCAL -p tcp -j REDIRECT --to-ports "$PORT"
  $1 -t nat -A OUTPUT -p tcp --dport 443 -j SALLYPORT_LOCAL
  $1 -t filter -N SALLYPORT_LOCAL_QUIC
  $1 -t filter -A SALLYPORT_LOCAL_QUIC -j REJECT
  $1 -t filter -I OUTPUT -p udp --dport 443 -j SALLYPORT_LOCAL_QUIC
}

# Takes away what `up` made, and nothing else; what is not there is no error.
down() {
  for iptables in iptables ip6tables; do
    remove "$iptables -w" nat PREROUTING SALLYPORT_GATEWAY
    remove "$iptables -w" filter FORWARD SALLYPORT_QUIC
    remove "$iptables -w" nat OUTPUT SALLYPORT_LOCAL
    remove "$iptables -w" filter OUTPUT SALLYPORT_LOCAL_QUIC
  done
}

# remove IPTABLES TABLE HOOK CHAIN
remove() {
  $1 -t "$2" -S "$3" | grep -- "-j $4\$" | sed 's/^-A/-D/' | while read -r rule; do
    # shellcheck disable=SC2086 -- a rule is several words
    $1 -t "$2" $rule
  done
  $1 -t "$2" -F "$4" 2>/dev/null || return 0
  $1 -t "$2" -X "$4"
}

# The script for TPROXY has chains of the same names.
is_up() {
  for iptables in iptables ip6tables; do
    for table in nat filter; do "$iptables" -w -t "$table" -S; done
  done | grep -q -- '^-N SALLYPORT'
}

# All or nothing: where one rule cannot be made, the others are taken away again. Rules that are in force already stay as they are.
start() {
  ! is_up || { echo "$0: rules of such a script are in force already; take them away first, with down" >&2 && exit 1; }
  trap down EXIT
  up
  trap - EXIT
}

case "${1:-}" in
  up) start ;;
  down) down ;;
  *) echo "usage: $0 up|down" >&2 && exit 2 ;;
esac
