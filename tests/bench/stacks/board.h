/* The parts of the board qemu-lm3s6965evb that a small server in C needs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_SIZE 1518

void board_start(void);
/* Milliseconds since the start. */
uint32_t board_millis(void);
/* Sleeps until the next interrupt: a received frame, or the next millisecond. */
void board_sleep(void);
/* Reads the hardware address. */
void board_mac(uint8_t mac[6]);
/* Reads a received frame. Returns the length of the frame, or 0 if there is no frame. */
size_t board_receive(uint8_t *frame, size_t size);
void board_send(const uint8_t *frame, size_t length);
/* Returns whether Ctrl-C was received over the UART since the last call. */
bool board_interrupted(void);
void board_log(const char *line);
/* Logs how many bytes of RAM malloc has taken. */
void board_log_heap(void);
/* Ends QEMU with status 0. */
void board_exit(void);
