/* SPDX-License-Identifier: MIT */
#include "servers/clock/rtc.h"

#include "lib/base/string.h"

/* Ports. */
#define RTC_INDEX 0 /* bit 7 would hold back NMIs */
#define RTC_DATA  1

/* Registers (MC146818 data sheet). */
enum {
    SECONDS = 0,
    MINUTES = 2,
    HOURS = 4,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    STATUS_A = 10,
    STATUS_B = 11
};
#define STATUS_A_UPDATING 0x80
#define STATUS_B_24_HOURS 0x02
#define STATUS_B_BINARY   0x04
#define HOURS_PM          0x80

/* An update takes 2 ms; two accesses on the old bus, a step, take about 2 us, and the calls more.
 */
#define UPDATE_WAIT_STEPS 5000
#define TRIES             4

struct rtc_time {
    uint8_t second, minute, hour, day, month, year;
};

static uint8_t register_read(const struct driver_ports *ports, uint8_t index) {
    driver_out8(ports, RTC_INDEX, index);
    return driver_in8(ports, RTC_DATA);
}

static struct rtc_time time_read_once(const struct driver_ports *ports) {
    unsigned n = 0;

    while ((register_read(ports, STATUS_A) & STATUS_A_UPDATING) != 0 && n < UPDATE_WAIT_STEPS) {
        n++;
    }
    return (struct rtc_time){
        register_read(ports, SECONDS), register_read(ports, MINUTES), register_read(ports, HOURS),
        register_read(ports, DAY),     register_read(ports, MONTH),   register_read(ports, YEAR),
    };
}

/* Days since 1970-01-01 of a date in 2000 to 2099, where each fourth year is a leap year. */
static unsigned days_since_1970(unsigned year, unsigned month, unsigned day) {
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned n = 10957; /* 1970 to 1999 */

    n += (year - 2000) * 365 + (year - 2000 + 3) / 4;
    n += before[month - 1] + (year % 4 == 0 && month > 2 ? 1 : 0);
    return n + day - 1;
}

static uint8_t decode(uint8_t value, uint8_t status_b) {
    if ((status_b & STATUS_B_BINARY) != 0) {
        return value;
    }
    return (uint8_t)((value >> 4) * 10 + (value & 15));
}

static uint64_t time_to_seconds(struct rtc_time t, uint8_t status_b) {
    bool pm = (status_b & STATUS_B_24_HOURS) == 0 && (t.hour & HOURS_PM) != 0;
    unsigned second = decode(t.second, status_b);
    unsigned minute = decode(t.minute, status_b);
    unsigned hour = decode(pm ? t.hour & (uint8_t)~HOURS_PM : t.hour, status_b);
    unsigned day = decode(t.day, status_b);
    unsigned month = decode(t.month, status_b);
    unsigned year =
        decode(t.year, status_b); /* the century register is not at one place: it is 20xx */

    if ((status_b & STATUS_B_24_HOURS) == 0) {
        hour = hour % 12 + (pm ? 12 : 0);
    }
    if (second > 59 || minute > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 ||
        year > 99) {
        return 0;
    }
    return ((days_since_1970(2000 + year, month, day) * 24ull + hour) * 60 + minute) * 60 + second;
}

uint64_t rtc_read(const struct driver_ports *ports) {
    struct rtc_time last = time_read_once(ports);

    /* Twice the same: then no update came in between. */
    for (unsigned i = 0; i < TRIES; i++) {
        struct rtc_time t = time_read_once(ports);

        if (memcmp(&t, &last, sizeof(t)) == 0) {
            return time_to_seconds(t, register_read(ports, STATUS_B));
        }
        last = t;
    }
    return 0;
}
