"""What makes a Linux router a NAT of a kind. `in0` is inside, `out0` outside."""
import kinds

# The kernel keeps the inside port outside as long as it is free: mapping is endpoint-independent. Filtering is by address and port
# of itself, for only answers find an entry of connection tracking; the wider filters are written here, with what a real one
# remembers: which ports inside hosts use, and to whom each was used.
MAPS = """
  map mapped { type inet_service : ipv4_addr; flags dynamic,timeout; timeout 5m; size 4096; }
  set contacted { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 5m; size 4096; }
"""
REMEMBER = """
    iifname "in0" oifname "out0" meta l4proto udp update @mapped { udp sport : ip saddr }
    iifname "in0" oifname "out0" meta l4proto udp update @contacted { ip daddr . udp sport }
"""


def rules(kind, outside, hairpin=False):
    """For `nft -f`. The router's own ports are closed, for a datagram that came for nobody would take the place of a mapping."""
    allowed, before, after = "", "", ""
    if kind == kinds.FULL:
        before = f"ip daddr {outside} meta l4proto udp dnat to udp dport map @mapped;"
    elif kind == kinds.RESTRICTED:
        before = f"ip daddr {outside} meta l4proto udp ip saddr . udp dport @contacted dnat to udp dport map @mapped;"
    elif kind == kinds.NO_UDP:
        allowed = "meta l4proto udp drop;"
    elif kind == kinds.ONLY_443:
        allowed = 'iifname "in0" meta l4proto != tcp drop; iifname "in0" tcp dport != 443 drop;'
    if hairpin:
        after = f'iifname "in0" oifname "in0" snat to {outside};'
    mapping = "masquerade fully-random" if kind == kinds.SYMMETRIC else "masquerade"
    return f"""
table ip lab {{
  {MAPS}
  chain input {{ type filter hook input priority 0; policy accept; iifname {{ "in0", "out0" }} meta l4proto {{ tcp, udp }} drop; }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    {allowed}
    {REMEMBER}
  }}
  chain before {{ type nat hook prerouting priority -100; {before} }}
  chain after {{ type nat hook postrouting priority 100; oifname "out0" {mapping}; {after} }}
}}
"""
