# SPDX-License-Identifier: MIT
# Core, IPv4, IPv6 and Ethernet: what the raw API with NO_SYS=1 uses. Not PPP, 6LoWPAN, SLIP, the
# bridge, the sequential and socket APIs, or the applications.
KIND := library
SOURCES := $(patsubst %,src/core/%.c,altcp altcp_alloc altcp_tcp def dns inet_chksum init ip mem memp \
	netif pbuf raw stats sys tcp tcp_in tcp_out timeouts udp) \
	$(patsubst %,src/core/ipv4/%.c,autoip dhcp etharp icmp igmp ip4 ip4_addr ip4_frag) \
	$(patsubst %,src/core/ipv6/%.c,dhcp6 ethip6 icmp6 inet6 ip6 ip6_addr ip6_frag mld6 nd6) \
	src/netif/ethernet.c
INCLUDES := ports/lwip/include $(UPSTREAM)/lwip/src/include
