/* SPDX-License-Identifier: MIT */
/*
 * lwIP as servers/network uses it: the raw API in one thread, called from the server's event loop.
 * Memory comes from malloc, so that the server's budget is the only limit that matters; the
 * MEMP_NUM_ numbers, which bound what peers can make us allocate, stay.
 */
#pragma once

/* --- one thread, no sequential API --- */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0

/* --- memory; 64-bit machine --- */
#define MEM_ALIGNMENT            8
#define MEM_LIBC_MALLOC          1
#define MEMP_MEM_MALLOC          1
#define MEM_SIZE                 (8 * 1024 * 1024)
#define PBUF_POOL_SIZE           512
#define LWIP_SUPPORT_CUSTOM_PBUF 1

/* --- IPv4 and what it needs --- */
#define LWIP_IPV4                  1
#define LWIP_ARP                   1
#define ARP_QUEUEING               1
#define LWIP_ICMP                  1
#define LWIP_RAW                   1
#define LWIP_DHCP                  1
#define DHCP_DOES_ARP_CHECK        0 /* the lease is usable at once; servers check before they offer */
#define LWIP_AUTOIP                0
#define LWIP_DNS                   1
#define DNS_MAX_NAME_LENGTH        256
#define DNS_TABLE_SIZE             16
#define LWIP_NETIF_HOSTNAME        1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LINK_CALLBACK   1

/* --- IPv6; the header copy is a must where pointers have 64 bits --- */
#define LWIP_IPV6            1
#define IPV6_FRAG_COPYHEADER 1
#define LWIP_IPV6_AUTOCONFIG 1

/* --- UDP and TCP: 128 KiB windows, so that 64 sockets of one client fit the server's budget --- */
#define LWIP_UDP                1
#define LWIP_TCP                1
#define TCP_MSS                 1460
#define LWIP_WND_SCALE          1
#define TCP_RCV_SCALE           2
#define TCP_WND                 (128 * 1024)
#define TCP_SND_BUF             (128 * 1024)
#define TCP_SND_QUEUELEN        (4 * TCP_SND_BUF / TCP_MSS)
#define TCP_SNDLOWAT            (16 * 1024) /* has to fit 16 bits */
#define TCP_QUEUE_OOSEQ         1
#define LWIP_TCP_KEEPALIVE      1
#define MEMP_NUM_TCP_PCB        128
#define MEMP_NUM_TCP_PCB_LISTEN 32
#define MEMP_NUM_UDP_PCB        64
#define MEMP_NUM_RAW_PCB        16
#define MEMP_NUM_TCP_SEG        1024

#define TCP_LISTEN_BACKLOG 1
#define TCP_SYNMAXRTX      5    /* with the next line: a silent host is given up after 31 s */
#define LWIP_TCP_RTO_TIME  1000 /* RFC 6298; lwIP's own default is 3 s */
#define SO_REUSE           1

/* --- to ourselves --- */
#define LWIP_HAVE_LOOPIF        1
#define LWIP_NETIF_LOOPBACK     1
#define LWIP_LOOPBACK_MAX_PBUFS 256

#define LWIP_STATS         1
#define LWIP_STATS_LARGE   1
#define LWIP_STATS_DISPLAY 0

/* Sees every IPv4 packet first; servers/network looks for ICMP errors, which lwIP ignores. */
#define LWIP_HOOK_FILENAME                     "arch/hooks.h"
#define LWIP_HOOK_IP4_INPUT(pbuf, input_netif) network_on_ip4(pbuf)
