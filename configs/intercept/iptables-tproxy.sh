#!/bin/sh
# Delivers connections to TCP port 443 to a Sallyport with `intercept: tproxy` (configs/intercept/tproxy.yaml), by iptables TPROXY: no
# address is rewritten, no connection tracking is needed, and with `source: client` the destination sees the client's own address.
#
#   iptables-tproxy.sh up | down
#
# Two scopes, both by default: SCOPE="gateway local"
#   gateway  what this machine forwards for others (LAN=eth1 restricts it to that interface)
#   local    what this machine's own programs send, except those of Sallyport's group (GROUP): its own dials must not be redirected
# PORT is where Sallyport listens. MARK marks packets that are to be delivered here whatever their address, by the routing table TABLE.
#
# UDP port 443 is rejected, not dropped: browsers try QUIC first, which no TCP proxy sees, and fall back to TCP at once when it is rejected.
set -eu
PORT="${PORT:-8443}" GROUP="${GROUP:-sallyport}" LAN="${LAN:-}" SCOPE="${SCOPE:-gateway local}"
MARK="${MARK:-0x5a11}" TABLE="${TABLE:-23057}"

up() {
  for ip in "ip -4" "ip -6"; do
    $ip rule add fwmark "$MARK" lookup "$TABLE"
    $ip route add local default dev lo table "$TABLE"
  done
  for iptables in iptables ip6tables; do
    up_delivery "$iptables -w"
    for scope in $SCOPE; do "up_$scope" "$iptables -w"; done
  done
}

up_delivery() {
  $1 -t mangle -N SALLYPORT
  # What belongs to a connection of Sallyport's: also the answers to dials that it makes in the name of a client.
  $1 -t mangle -A SALLYPORT -p tcp -m socket --transparent -j MARK --set-mark "$MARK"
  $1 -t mangle -A SALLYPORT -p tcp -m socket --transparent -j RETURN
  # What `local` has marked comes round by lo.
  $1 -t mangle -A SALLYPORT -i lo -p tcp --dport 443 -m mark --mark "$MARK" -j TPROXY --on-port "$PORT" --tproxy-mark "$MARK"
  $1 -t mangle -A PREROUTING -p tcp -j SALLYPORT
}

up_gateway() {
  # What is meant for this machine itself stays what it is.
  $1 -t mangle -A SALLYPORT ${LAN:+-i "$LAN"} -p tcp --dport 443 -m addrtype ! --dst-type LOCAL \
    -j TPROXY --on-port "$PORT" --tproxy-mark "$MARK"
  $1 -t filter -N SALLYPORT_QUIC
  $1 -t filter -A SALLYPORT_QUIC -j REJECT
  $1 -t filter -I FORWARD ${LAN:+-i "$LAN"} -p udp --dport 443 -j SALLYPORT_QUIC
}

up_local() {
  $1 -t mangle -N SALLYPORT_LOCAL
  $1 -t mangle -A SALLYPORT_LOCAL -m owner --gid-owner "$GROUP" -j RETURN
  $1 -t mangle -A SALLYPORT_LOCAL -m addrtype --dst-type LOCAL -j RETURN
  $1 -t mangle -A SALLYPORT_LOCAL -j MARK --set-mark "$MARK"
  $1 -t mangle -A OUTPUT -p tcp --dport 443 -j SALLYPORT_LOCAL
  $1 -t filter -N SALLYPORT_LOCAL_QUIC
  $1 -t filter -A SALLYPORT_LOCAL_QUIC -j REJECT
  $1 -t filter -I OUTPUT -p udp --dport 443 -j SALLYPORT_LOCAL_QUIC
}

# Takes away what `up` made, and nothing else; what is not there is no error.
down() {
  for iptables in iptables ip6tables; do
    remove "$iptables -w" mangle PREROUTING SALLYPORT
    remove "$iptables -w" filter FORWARD SALLYPORT_QUIC
    remove "$iptables -w" mangle OUTPUT SALLYPORT_LOCAL
    remove "$iptables -w" filter OUTPUT SALLYPORT_LOCAL_QUIC
  done
  for ip in "ip -4" "ip -6"; do
    $ip route flush table "$TABLE" 2>/dev/null || true
    while $ip rule del fwmark "$MARK" lookup "$TABLE" 2>/dev/null; do :; done
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

# The script for REDIRECT has chains of the same names.
is_up() {
  for iptables in iptables ip6tables; do
    for table in mangle filter; do "$iptables" -w -t "$table" -S; done
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
