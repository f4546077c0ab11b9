/* SPDX-License-Identifier: MIT */
/*
 * Addresses as protocol socket has them, and as lwIP has them.
 */
#pragma once

#include "abi/generated/socket.h"
#include "lwip/ip_addr.h"
#include "lwip/netif.h"

/* The three words of protocol socket. */
struct place {
    uint64_t place; /* family | port << 16 | scope << 32 */
    uint64_t high, low;
};

static inline uint32_t place_family(const struct place *place) {
    return place->place & 0xffff;
}

static inline uint16_t place_port(const struct place *place) {
    return (uint16_t)(place->place >> 16);
}

/* True if it is of this family (SOCKET_FAMILY_), and so *address and *port are set. A link-local
 * address belongs to `netif` (NULL: none), whatever the scope says: there is one card. */
WARN_UNUSED static inline bool place_to_address(const struct place *place, uint32_t family,
                                                struct netif *netif, ip_addr_t *address,
                                                uint16_t *port) {
    *port = place_port(place);
    if (place_family(place) != family) {
        return false;
    }
    if (family == SOCKET_FAMILY_IPV4) {
        IP_SET_TYPE_VAL(*address, IPADDR_TYPE_V4);
        ip4_addr_set_u32(ip_2_ip4(address), lwip_htonl((uint32_t)place->low));
        return true;
    }
    IP_ADDR6(address, lwip_htonl((uint32_t)(place->high >> 32)), lwip_htonl((uint32_t)place->high),
             lwip_htonl((uint32_t)(place->low >> 32)), lwip_htonl((uint32_t)place->low));
    if (ip6_addr_has_scope(ip_2_ip6(address), IP6_UNKNOWN) && netif != NULL) {
        ip6_addr_assign_zone(ip_2_ip6(address), IP6_UNKNOWN, netif);
    }
    return true;
}

static inline struct place place_from_address(const ip_addr_t *address, uint16_t port) {
    struct place place = {0};

    if (IP_IS_V6(address)) {
        const ip6_addr_t *six = ip_2_ip6(address);

        place.place = SOCKET_FAMILY_IPV6 | (uint64_t)port << 16;
        place.high = (uint64_t)lwip_ntohl(six->addr[0]) << 32 | lwip_ntohl(six->addr[1]);
        place.low = (uint64_t)lwip_ntohl(six->addr[2]) << 32 | lwip_ntohl(six->addr[3]);
    } else {
        place.place = SOCKET_FAMILY_IPV4 | (uint64_t)port << 16;
        place.low = lwip_ntohl(ip4_addr_get_u32(ip_2_ip4(address)));
    }
    return place;
}
