/* SPDX-License-Identifier: MIT */
/*
 * The pci and net servers from an unprivileged program's side: what it may see, what it is denied,
 * and requests that make no sense. Everything runs three times; what the system counts must be the
 * same after the second and the third.
 */
#include <stdlib.h>

#include "abi/generated/file.h"
#include "abi/generated/network.h"
#include "abi/generated/nic.h"
#include "abi/generated/pci.h"
#include "abi/generated/socket.h"
#include "lib/native/namespace.h"
#include "lib/native/syscall.h"
#include "lib/native/time.h"
#include "tests/guest/posix/tap.h"

enum { ROUNDS = 3 };

static void drop(handle_t handle) {
    status_t status = sys_handle_close(handle);
    (void)status;
}

static handle_t open_file(const char *path, uint32_t flags) {
    handle_t file = HANDLE_NONE;

    CHECK_THAT(namespace_open(path, flags, 0, &file, NULL) == OK, path);
    return file;
}

/* Anybody may look at the devices; a function is for the driver that was given it. */
static void test_pci(void) {
    handle_t pci = open_file("/pci", FILE_OPEN_READ), gate, memory, ports, irq;
    struct pci_function function;
    uint32_t index, first, n;
    uint64_t offset;

    CHECK(pci_get(pci, 0, &function, sizeof function, DEADLINE_NEVER) == OK);
    CHECK(function.vendor != 0xffff && function.class == 6);
    CHECK(pci_get(pci, 1000000, &function, sizeof function, DEADLINE_NEVER) == ERROR_NOT_FOUND);
    CHECK(pci_get(pci, 0, &function, 1, DEADLINE_NEVER) == OK);
    CHECK(pci_claim(pci, PCI_ANY_ID, PCI_ANY_ID, PCI_ANY_ID, 0, &function, sizeof function, &index,
                    &gate, DEADLINE_NEVER) == ERROR_DENIED);
    CHECK(pci_map_bar(pci, 0, &offset, &memory, DEADLINE_NEVER) == ERROR_NOT_SUPPORTED);
    CHECK(pci_ports_bar(pci, 0, &first, &n, &ports, DEADLINE_NEVER) == ERROR_NOT_SUPPORTED);
    CHECK(pci_irq(pci, PCI_INTERRUPT_LINE, &first, &n, &irq, DEADLINE_NEVER) ==
          ERROR_NOT_SUPPORTED);
    CHECK(pci_enable(pci, PCI_ENABLE_MASTER, HANDLE_NONE, DEADLINE_NEVER) == ERROR_NOT_SUPPORTED);
    CHECK(pci_write_config(pci, 4, 2, 7, DEADLINE_NEVER) == ERROR_NOT_SUPPORTED);
    CHECK(nic_set_filter(pci, NIC_FILTER_ALL, DEADLINE_NEVER) == ERROR_BAD_MESSAGE);
    CHECK(namespace_open("/pci/00:00.0", FILE_OPEN_WRITE, 0, &gate, NULL) == ERROR_READ_ONLY);
    CHECK(namespace_open("/pci/ff:1f.7", FILE_OPEN_READ, 0, &gate, NULL) == ERROR_NOT_FOUND);
    CHECK(namespace_open("/pci/00:00.0/x", FILE_OPEN_READ, 0, &gate, NULL) == ERROR_NOT_FOUND);
    drop(pci);
}

static void test_socket_requests(void) {
    handle_t tcp = open_file("/dev/socket/tcp", FILE_OPEN_READ | FILE_OPEN_WRITE);
    handle_t udp = open_file("/dev/socket/udp", FILE_OPEN_READ | FILE_OPEN_WRITE);
    handle_t udp6 = open_file("/dev/socket/udp6", FILE_OPEN_READ | FILE_OPEN_WRITE), other;
    uint64_t n, place, high, low;
    uint32_t ready;
    char byte = 'x';

    CHECK(namespace_open("/dev/socket/raw", FILE_OPEN_READ, 0, &other, NULL) == ERROR_NOT_FOUND);
    CHECK(socket_bind(tcp, 99, 0, 0, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(socket_bind(udp6, SOCKET_FAMILY_IPV4, 0, 0, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(socket_connect(tcp, SOCKET_FAMILY_IPV6, 0, 1, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(socket_connect(tcp, SOCKET_FAMILY_IPV4, 0, 0x7f000001, DEADLINE_NEVER) ==
          ERROR_NO_ADDRESS);
    CHECK(socket_listen(udp, 1, DEADLINE_NEVER) == ERROR_NOT_SUPPORTED);
    CHECK(socket_shutdown(tcp, 77, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(socket_get_name(tcp, 2, &place, &high, &low, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(socket_get_option(tcp, 12345, &n, DEADLINE_NEVER) == ERROR_NOT_SUPPORTED);
    CHECK(socket_set_option(tcp, SOCKET_OPTION_TIME_TO_LIVE, 256, DEADLINE_NEVER) ==
          ERROR_BAD_ARGUMENT);
    CHECK(socket_send_to(udp, 0, 0, 0, 0, &byte, 1, &n, DEADLINE_NEVER) == ERROR_NOT_CONNECTED);
    CHECK(socket_send_to(udp, SOCKET_FAMILY_IPV4 | 9 << 16, 0, 0x7f000001, 0, (void *)16, 1, &n,
                         DEADLINE_NEVER) == ERROR_PEER_FAULT);
    CHECK(file_read(tcp, 5, &byte, 1, &n, DEADLINE_NEVER) == ERROR_NOT_SEEKABLE);
    CHECK(file_watch(udp, FILE_EVENT_WRITE, 0, HANDLE_NONE, &ready, DEADLINE_NEVER) == OK &&
          ready == FILE_EVENT_WRITE);
    /* A deadline ends a read that waits, and nothing is lost. */
    CHECK(socket_receive_from(udp, 0, &byte, 1, &n, &place, &high, &low,
                              time_deadline(20 * NS_PER_MS)) == ERROR_INTERRUPTED);
    drop(tcp);
    drop(udp);
    drop(udp6);
}

/* A client may have so many sockets, and others are not told. */
static void test_many_sockets(void) {
    enum { MANY = 200 };
    handle_t sockets[MANY];
    unsigned n = 0;
    status_t status = OK;

    while (n < MANY && status == OK) {
        status = namespace_open("/dev/socket/udp", FILE_OPEN_READ, 0, &sockets[n], NULL);
        n += status == OK;
    }
    CHECK(status == ERROR_TOO_MANY && n > 60);
    while (n > 0) {
        drop(sockets[--n]);
    }
    drop(open_file("/dev/socket/udp", FILE_OPEN_READ));
}

static void test_network(void) {
    handle_t net = open_file("/dev/net", FILE_OPEN_READ), file;
    struct network_state state;
    uint64_t ns;
    uint32_t ttl, n;

    CHECK(network_get_state(net, &state, sizeof state, DEADLINE_NEVER) == OK);
    CHECK(network_get_state(net, &state, 1, DEADLINE_NEVER) == OK);
    CHECK(network_get_counters(net, 99, &state, sizeof state, &n, DEADLINE_NEVER) == OK && n == 0);
    CHECK(network_list_connections(net, UINT32_MAX, &state, sizeof state, &n, DEADLINE_NEVER) ==
              OK &&
          n == 0);
    CHECK(network_echo(net, 0, 1, 1, &ns, &ttl, DEADLINE_NEVER) == ERROR_BAD_ARGUMENT);
    CHECK(network_echo(net, 0x7f000001, NETWORK_ECHO_BYTES_MAX + 1, 1, &ns, &ttl, DEADLINE_NEVER) ==
          ERROR_BAD_ARGUMENT);
    CHECK(network_echo(net, 0x7f000001, 56, NS_PER_S, &ns, &ttl, DEADLINE_NEVER) == OK);
    CHECK(namespace_open("/tcp/127.0.0.1/9", FILE_OPEN_READ, 0, &file, NULL) == ERROR_REFUSED);
    CHECK(namespace_open("/tcp/127.0.0.1/0", FILE_OPEN_READ, 0, &file, NULL) == ERROR_NOT_FOUND);
    CHECK(namespace_open("/tcp/a..b/1", FILE_OPEN_READ, 0, &file, NULL) < OK);
    CHECK(namespace_open("/tcp/1/2/3", FILE_OPEN_READ, 0, &file, NULL) == ERROR_NOT_FOUND);
    drop(net);
}

/* The figures of /proc/memory that have to come back. */
static unsigned long long memory_used(void) {
    char line[128];
    unsigned long long used = 0, value;
    FILE *file = fopen("/proc/memory", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "used_bytes %llu", &value) == 1) {
            used = value;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return used;
}

int main(void) {
    unsigned long long used[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        test_pci();
        test_socket_requests();
        test_many_sockets();
        test_network();
        time_sleep_until(time_deadline(300 * NS_PER_MS)); /* the reaper has caught up */
        used[i] = memory_used();
    }
    printf("# used: %llu %llu %llu\n", used[0], used[1], used[2]);
    CHECK(used[1] == used[2]);
    return tap_end();
}
