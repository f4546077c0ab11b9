/* SPDX-License-Identifier: MIT */
/* ICMP "destination unreachable" (RFC 792): lwIP counts and forgets it; our clients get an error
 * at once instead of a time-out. */
#include "arch/hooks.h"
#include "lib/base/bytes.h"
#include "lwip/icmp.h"
#include "lwip/prot/ip4.h"
#include "servers/network/echo.h"
#include "servers/network/sock.h"

enum {
    ICMP_BYTES = 8,    /* before the packet that it is about */
    QUOTED_BYTES = 8,  /* of that packet's content, at least */
    CODE_PROTOCOL = 2, /* RFC 1122 3.2.2.1: hard errors; others say that there is no way */
    CODE_PORT = 3,
    CODE_FRAGMENT = 4,
};

/* The packet that the error quotes was ours: tells who sent it. */
static void report(const struct ip_hdr *quoted, const uint8_t content[QUOTED_BYTES],
                   unsigned code) {
    uint16_t first = bytes_get_be16(content), second = bytes_get_be16(content + 2);
    status_t status =
        code == CODE_PORT || code == CODE_PROTOCOL ? ERROR_REFUSED : ERROR_HOST_UNREACHABLE;
    ip_addr_t peer;

    ip_addr_copy_from_ip4(peer, quoted->dest);
    switch (IPH_PROTO(quoted)) {
    case IP_PROTO_TCP:
        sock_unreachable(SOCK_STREAM_KIND, first, &peer, second, status);
        break;
    case IP_PROTO_UDP:
        sock_unreachable(SOCK_DATAGRAM_KIND, first, &peer, second, status);
        break;
    case IP_PROTO_ICMP:
        echo_unreachable(bytes_get_be16(content + 4), bytes_get_be16(content + 6));
        break;
    default:
        break;
    }
}

int network_on_ip4(struct pbuf *packet) {
    struct ip_hdr ip, quoted;
    uint8_t icmp[ICMP_BYTES], content[QUOTED_BYTES];
    uint16_t at;

    if (pbuf_copy_partial(packet, &ip, sizeof ip, 0) != sizeof ip || IPH_V(&ip) != 4 ||
        IPH_PROTO(&ip) != IP_PROTO_ICMP || (IPH_OFFSET(&ip) & PP_HTONS(IP_OFFMASK)) != 0) {
        return 0;
    }
    at = IPH_HL_BYTES(&ip);
    if (pbuf_copy_partial(packet, icmp, sizeof icmp, at) != sizeof icmp || icmp[0] != ICMP_DUR ||
        icmp[1] == CODE_FRAGMENT) {
        return 0;
    }
    at += ICMP_BYTES;
    if (pbuf_copy_partial(packet, &quoted, sizeof quoted, at) != sizeof quoted) {
        return 0;
    }
    at += IPH_HL_BYTES(&quoted);
    if (pbuf_copy_partial(packet, content, sizeof content, at) == sizeof content) {
        report(&quoted, content, icmp[1]);
    }
    return 0;
}
