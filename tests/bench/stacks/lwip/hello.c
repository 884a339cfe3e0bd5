/* hello-world on the "raw API" of lwIP: greets each client, closes the connection, and ends two seconds after
 * Ctrl-C. */
#include "board.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

#include <string.h>

static const char GREETING[] = "Hello, World!\n";

static struct netif interface;
static uint8_t frame[FRAME_SIZE];

u32_t sys_now(void) { return board_millis(); }

uint32_t board_random(void) { return board_millis() * 1664525u + 1013904223u; }

static err_t send_frame(struct netif *netif, struct pbuf *packet)
{
    static uint8_t sending[FRAME_SIZE];
    (void)netif;
    board_send(sending, pbuf_copy_partial(packet, sending, sizeof sending, 0));
    return ERR_OK;
}

static err_t start_interface(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = '0';
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    netif->mtu = 1500;
    netif->hwaddr_len = 6;
    board_mac(netif->hwaddr);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

static err_t received(void *state, struct tcp_pcb *client, struct pbuf *packet, err_t error)
{
    (void)state;
    (void)error;
    if (packet == NULL) {
        return tcp_close(client);
    }
    tcp_recved(client, packet->tot_len);
    pbuf_free(packet);
    return ERR_OK;
}

static err_t accepted(void *state, struct tcp_pcb *client, err_t error)
{
    (void)state;
    if (error != ERR_OK || client == NULL) {
        return ERR_VAL;
    }
    tcp_recv(client, received);
    tcp_write(client, GREETING, sizeof GREETING - 1, 0);
    return tcp_close(client);
}

static void take_frames(void)
{
    size_t length;
    while ((length = board_receive(frame, sizeof frame)) != 0) {
        struct pbuf *packet = pbuf_alloc(PBUF_RAW, length, PBUF_POOL);
        if (packet == NULL) {
            continue;
        }
        pbuf_take(packet, frame, length);
        if (interface.input(packet, &interface) != ERR_OK) {
            pbuf_free(packet);
        }
    }
}

int main(void)
{
    ip4_addr_t address, mask, gateway;
    struct tcp_pcb *listener;
    bool is_ending = false;
    uint32_t end_at = 0;

    board_start();
    lwip_init();
    IP4_ADDR(&address, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 2, 2);
    netif_add(&interface, &address, &mask, &gateway, NULL, start_interface, ethernet_input);
    netif_set_default(&interface);
    netif_set_up(&interface);

    listener = tcp_new();
    tcp_bind(listener, IP_ADDR_ANY, 9995);
    listener = tcp_listen_with_backlog(listener, 4);
    tcp_accept(listener, accepted);
    board_log("listening on port 9995");

    for (;;) {
        take_frames();
        sys_check_timeouts();
        if (!is_ending && board_interrupted()) {
            board_log("exiting in two seconds");
            is_ending = true;
            end_at = board_millis() + 2000;
        }
        if (is_ending && (int32_t)(board_millis() - end_at) >= 0) {
            board_log_heap();
            board_exit();
        }
        board_sleep();
    }
}
