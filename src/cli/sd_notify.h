/* sd_notify.h - what systemd wants to hear of a service of Type=notify: a datagram to the socket
 * that NOTIFY_SOCKET names. Without it nothing happens. source: sd_notify(3). thread: any. */
#ifndef PEN_CLI_SD_NOTIFY_H
#define PEN_CLI_SD_NOTIFY_H

#include <stdint.h>

/* pen_sd_notify - "READY=1\nSTATUS=..." and the like. What cannot be sent is lost: a service must
 * not fail because nobody listens. */
void pen_sd_notify(const char *state);

/* pen_sd_watchdog_us - how often "WATCHDOG=1" is expected: half of what WATCHDOG_USEC allows; 0:
 * never. */
int64_t pen_sd_watchdog_us(void);

#endif
