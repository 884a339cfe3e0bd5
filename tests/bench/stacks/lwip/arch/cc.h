#pragma once

#include <stdint.h>

#define LWIP_PLATFORM_DIAG(message)
#define LWIP_PLATFORM_ASSERT(message)
#define LWIP_RAND() board_random()
uint32_t board_random(void);
