#!/bin/sh
# iptables-tproxy.sh, in nftables: one table of our own for IPv4 and IPv6, added and deleted as a whole, and the routes.
#
#   nftables-tproxy.sh up | down      SCOPE, LAN, GROUP, PORT, MARK and TABLE as in iptables-tproxy.sh
set -eu
PORT="${PORT:-8443}" GROUP="${GROUP:-sallyport}" LAN="${LAN:-}" SCOPE="${SCOPE:-gateway local}"
MARK="${MARK:-0x5a11}" TABLE="${TABLE:-23057}"

up() {
  for ip in "ip -4" "ip -6"; do
    $ip rule add fwmark "$MARK" lookup "$TABLE"
    $ip route add local default dev lo table "$TABLE"
  done
  nft -f - <<RULES
table inet sallyport {
$(for scope in delivery $SCOPE; do "rules_$scope"; done)
}
RULES
}

rules_delivery() {
  cat <<CHAINS
  # What belongs to a connection of Sallyport's: also the answers to dials that it makes in the name of a client.
  chain delivery {
    type filter hook prerouting priority mangle - 1;
    meta l4proto tcp socket transparent 1 meta mark set $MARK
  }
  chain incoming {
    type filter hook prerouting priority mangle;
    meta l4proto tcp socket transparent 1 accept
    # What \`local\` has marked comes round by lo.
    iifname lo meta mark $MARK tcp dport 443 tproxy to :$PORT accept
$(case "$SCOPE" in *gateway*) echo "    ${LAN:+iifname \"$LAN\"} tcp dport 443 fib daddr type != local tproxy to :$PORT meta mark set $MARK accept" ;; esac)
  }
CHAINS
}

rules_gateway() {
  cat <<CHAINS
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
    type route hook output priority mangle;
    meta skgid $GROUP return
    tcp dport 443 fib daddr type != local meta mark set $MARK
  }
  chain own_quic {
    type filter hook output priority filter;
    udp dport 443 reject
  }
CHAINS
}

down() {
  nft delete table inet sallyport 2>/dev/null || true
  for ip in "ip -4" "ip -6"; do
    $ip route flush table "$TABLE" 2>/dev/null || true
    while $ip rule del fwmark "$MARK" lookup "$TABLE" 2>/dev/null; do :; done
  done
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
