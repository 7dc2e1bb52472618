#!/bin/sh
# iptables-redirect.sh, in nftables: one table of our own for IPv4 and IPv6, added and deleted as a whole.
#
#   nftables-redirect.sh up | down      SCOPE, LAN, GROUP and PORT as in iptables-redirect.sh
set -eu
PORT="${PORT:-8443}" GROUP="${GROUP:-sallyport}" LAN="${LAN:-}" SCOPE="${SCOPE:-gateway local}"

up() {
  nft -f - <<RULES
table inet sallyport {
$(for scope in $SCOPE; do "rules_$scope"; done)
}
RULES
}

rules_gateway() {
  cat <<CHAINS
  chain forwarded {
    type nat hook prerouting priority dstnat;
    ${LAN:+iifname "$LAN"} tcp dport 443 fib daddr type != local redirect to :$PORT
  }
  # No TCP proxy sees QUIC: told no, browsers fall back to TCP at once.
  chain forwarded_quic {
    type filter hook forward priority filter;
    ${LAN:+iifname "$LAN"} udp dport 443 reject
  }
CHAINS
}

rules_local() {
  cat <<CHAINS
  chain own {
    type nat hook output priority -100;
    meta skgid $GROUP return
    tcp dport 443 fib daddr type != local redirect to :$PORT
  }
  chain own_quic {
    type filter hook output priority filter;
    udp dport 443 reject
  }
CHAINS
}

down() {
  nft delete table inet sallyport 2>/dev/null || true
}

is_up() {
  nft list table inet sallyport >/dev/null 2>&1
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
