/* The vectors, the clock, the UART and the Ethernet controller of the LM3S6965. */
#include "board.h"

#include <string.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define SYSTICK_CONTROL REGISTER(0xE000E010)
#define SYSTICK_RELOAD REGISTER(0xE000E014)
#define INTERRUPTS_ON(word) REGISTER(0xE000E100 + 4 * (word))

#define UART_DATA REGISTER(0x4000C000)
#define UART_FLAGS REGISTER(0x4000C018)
#define UART_IS_EMPTY (1 << 4)

#define MAC(offset) REGISTER(0x40048000 + (offset))
#define MAC_STATUS MAC(0x00)
#define MAC_MASK MAC(0x04)
#define MAC_RECEIVE MAC(0x08)
#define MAC_TRANSMIT MAC(0x0C)
#define MAC_DATA MAC(0x10)
#define MAC_ADDRESS(word) MAC(0x14 + 4 * (word))
#define MAC_FRAMES MAC(0x34)
#define MAC_REQUEST MAC(0x38)
#define ETHERNET_INTERRUPT 42

#define TICKS_IN_A_MILLISECOND 12500

#define SEMIHOSTING_EXIT 0x18
#define APPLICATION_EXIT 0x20026

extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end, end;
int main(void);

static volatile uint32_t millis;

static void reset(void)
{
    memcpy(&data_start, &data_load, (char *)&data_end - (char *)&data_start);
    memset(&bss_start, 0, (char *)&bss_end - (char *)&bss_start);
    main();
    for (;;) {
    }
}

static void stop(void)
{
    for (;;) {
    }
}

static void tick(void) { millis++; }

/* The Ethernet controller counts the received frames, so this handler only ends the interrupt. The interrupt ends the
 * sleep of the program. */
static void on_frames(void) { MAC_STATUS = 1; }

__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 48])(void) = {
    (void (*)(void))&stack_top, reset, stop, stop, stop, stop, stop,
    [15] = tick,
    [16 + ETHERNET_INTERRUPT] = on_frames,
};

void board_start(void)
{
    SYSTICK_RELOAD = TICKS_IN_A_MILLISECOND - 1;
    SYSTICK_CONTROL = 7;
    MAC_MASK = 0;
    MAC_RECEIVE = 3;
    MAC_TRANSMIT = 0x17;
    MAC_STATUS = 1;
    MAC_MASK = 1;
    INTERRUPTS_ON(ETHERNET_INTERRUPT / 32) = 1 << ETHERNET_INTERRUPT % 32;
}

uint32_t board_millis(void) { return millis; }

void board_sleep(void) { __asm volatile("wfi"); }

void board_mac(uint8_t mac[6])
{
    uint32_t words[2] = {MAC_ADDRESS(0), MAC_ADDRESS(1)};
    memcpy(mac, words, 6);
}

size_t board_receive(uint8_t *frame, size_t size)
{
    if (MAC_FRAMES == 0) {
        return 0;
    }
    /* The length is before the frame, and the checksum is after the frame. The frame begins in the middle of a word. */
    uint32_t word = MAC_DATA;
    size_t total = word & 0xFFFF;
    size_t length = total - 6;
    for (size_t at = 0, byte = 2; byte < total; at++, byte++) {
        if (byte % 4 == 0) {
            word = MAC_DATA;
        }
        if (at < size) {
            frame[at] = word >> 8 * (byte % 4);
        }
    }
    return length <= size ? length : 0;
}

void board_send(const uint8_t *frame, size_t length)
{
    while (MAC_REQUEST != 0) {
    }
    uint32_t word = length - 14;
    size_t byte = 2;
    for (size_t at = 0; at < length; at++) {
        word |= (uint32_t)frame[at] << 8 * (byte % 4);
        if (++byte % 4 == 0) {
            MAC_DATA = word;
            word = 0;
        }
    }
    if (byte % 4 != 0) {
        MAC_DATA = word;
    }
    MAC_REQUEST = 1;
}

bool board_interrupted(void)
{
    bool is_interrupted = false;
    while ((UART_FLAGS & UART_IS_EMPTY) == 0) {
        is_interrupted |= (UART_DATA & 0xFF) == 3;
    }
    return is_interrupted;
}

void board_log(const char *line)
{
    for (; *line; line++) {
        UART_DATA = (uint8_t)*line;
    }
    UART_DATA = '\n';
}

void board_exit(void)
{
    register uint32_t call __asm("r0") = SEMIHOSTING_EXIT;
    register uint32_t reason __asm("r1") = APPLICATION_EXIT;
    __asm volatile("bkpt #0xAB" : : "r"(call), "r"(reason) : "memory");
}

static char *heap_top = (char *)&end;

/* The C library's malloc calls this function. Not every stack uses malloc. */
void *_sbrk(ptrdiff_t more)
{
    char *before = heap_top;
    heap_top += more;
    return before;
}

void board_log_heap(void)
{
    char line[] = "heap:      0";
    size_t at = sizeof line - 1;
    for (uint32_t left = heap_top - (char *)&end; left != 0; left /= 10) {
        line[--at] = '0' + left % 10;
    }
    board_log(line);
}
